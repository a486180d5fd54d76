"""Create, read, update and delete of one resource: identity, intent, adoption, retries, deadlines.

The order of a create is what makes it happen once: look for what carries our tags, open the intent (fsynced), call,
mark it done. Whatever dies in between, the next run finds the intent, the object or both.
"""

import hashlib
import os
import shlex
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, TypeVar

import msgspec

from providers.identity import PROJECT, Urn
from providers.plugin.accounts import must_be_the_same
from providers.plugin.calls import RETRY, Interrupted, Tries
from providers.plugin.ownership import UNTAGGED, AlreadyExists, must_be_free, must_be_ours
from providers.plugin.session import Session
from providers.plugin.wire import plain
from providers.ports import Identity, Made, PartlyMade, PortError, Store, settle_s
from pse.core.canonical import encode
from pse.core.errors import BadInput, Refused
from pse.core.journal import Intent
from pse.core.schema import Inputs, Kind

T = TypeVar("T")

TIMEOUT_S = 1800.0
"""Seconds for one operation when the program sets no ``customTimeouts``."""
PROBE_S, LATE_PROBE_S = 2.0, 15.0
"""Seconds for a last look for what a create made that was given up: after Cancel, when a person waits, and else."""
LOOK_S = 0.5
"""Seconds between two looks for what a create without an answer may have made."""
CHANGED_S = 5.0
"""Seconds to look for it at least where the inputs are others by now: the intent's token is of no use then."""
_DELETE_RETRY = RETRY | {"in-use"}
_FOR_GOOD = frozenset({"quota", "capacity", "auth", "invalid", "conflict", "in-use", "not-found"})
_NOTHING = _FOR_GOOD | {"throttle"}
"""Answers to a create that say that it did nothing; another may have come after it was done."""


class Lifecycle:
    """The operations on one resource.

    Args:
        session: The connection.
        kind: Kind of the resource.
        urn: Its URN.
        warn: Tells the engine's user something.
        timeout_s: Seconds for the whole operation; 0 for the default.
    """

    def __init__(
        self, session: Session, kind: Kind, urn: Urn, *, warn: Callable[[str], None], timeout_s: float = 0.0
    ) -> None:
        """Start the clock."""
        self._session = session
        self._kind = kind
        self._urn = urn
        self._warn = warn
        self._deadline = monotonic() + (timeout_s or TIMEOUT_S)
        self._key = f"create {urn.hash}"

    def create(self, raw: Mapping[str, Any]) -> Made:
        """Make the object once, or take over the one that a lost answer left.

        Raises:
            PartlyMade: It exists and is not usable.
            AlreadyExists: Objects with our tags live that may not be adopted.
            Refused: It would replace an object that holds data.
            PortError: Nothing was made, as far as anyone knows; the intent stays open unless it surely was not.
        """
        new = self.inputs(raw)
        store = self._session.places.store(new.place, self._kind.name)
        strangers = self._strangers(store, new)
        standing = self._session.journal(self._urn).find(self._key)
        intent = self._intent(new, fresh=not strangers)
        unsure = standing == intent
        made = self._adopt(store, strangers, new, intent) if strangers else self._make(store, new, intent, unsure)
        self._session.saw(self._kind.name, made.id, new.place)
        self._session.let_refer(self._kind.name, made.id, new.place)
        self._session.journal(self._urn).done(self._key, {"id": made.id})
        if not made.healthy:
            raise PartlyMade(made)
        return made

    def read(self, object_id: str, raw: Mapping[str, Any], state: Mapping[str, Any]) -> Made | None:
        """The live object. Without inputs, as on import, it is looked for at the places that the gate allows.

        Raises:
            BadInput: An import found the id at several places.
            OtherAccount: It is not found, and the state has it in another account.
            NotOurs: An import named an object that is somebody else's.
        """
        if raw:
            old = self.inputs(raw)
            store = self._session.places.store(old.place, self._kind.name)
            made = self._again(old.place, lambda: store.read(object_id, old))
            if made is None:
                must_be_the_same(self._session, self._urn, object_id, old.place, state)
        else:
            place = state.get("place")
            places = (
                [place]
                if isinstance(place, str)
                else [allowed.place for allowed in self._session.gatekeeper(self._urn).file().allowed]
            )
            found = {place: self._import(place, object_id) for place in places}
            live = {place: made for place, made in found.items() if made is not None}
            if len(live) > 1:
                raise BadInput(f"{object_id} is at several places: {', '.join(live)}", where=self._urn.text)
            made = next(iter(live.values()), None)
        if made is not None:
            self._session.saw(self._kind.name, made.id, made.inputs.place)
        return made

    def update(self, object_id: str, old: Mapping[str, Any], raw: Mapping[str, Any]) -> Made:
        """Bring the object to its new inputs, or repair it.

        Raises:
            PartlyMade: It is still not usable.
            NotOurs: It is not this stack's.
            BadInput: It is gone.
        """
        before, new = self.inputs(old), self.inputs(raw)
        self._session.saw(self._kind.name, object_id, new.place)
        store = self._session.places.store(new.place, self._kind.name)
        gone = BadInput(
            f"{object_id} is gone", where=self._urn.text, hint="Run a refresh; the next run makes it again."
        )
        live = self._again(new.place, lambda: store.read(object_id, before))
        if live is None:
            raise gone
        must_be_ours(self._session, self._kind.name, self._urn, live)
        try:
            made = self._again(new.place, lambda: store.update(object_id, before, new))
        except PortError as exc:
            if exc.reason == "not-found":
                raise gone from exc
            raise
        if not made.healthy:
            raise PartlyMade(made)
        return made

    def delete(self, object_id: str, raw: Mapping[str, Any]) -> None:
        """Delete the object; one that is gone already is as good.

        Raises:
            NotOurs: It is not this stack's.
            OtherAccount: See `read`.
            Refused: It holds data, and the program at work has it still: this is a replacement. Or it came into the
                state after this run had looked at what it would lose.
        """
        place = plain(raw.get("place"))
        if not isinstance(place, str):
            raise BadInput("the state does not say where it is", where=self._urn.text)
        known = self._session.known(self._urn)
        looked_at = known is None or object_id in known or self._session.has_seen(object_id)
        self._session.saw(self._kind.name, object_id, place)
        store = self._session.places.store(place, self._kind.name)
        live = self._again(place, lambda: store.read(object_id, None))
        if live is not None:
            must_be_ours(self._session, self._kind.name, self._urn, live)
            self._must_go(object_id, looked_at=looked_at)
        else:
            must_be_the_same(self._session, self._urn, object_id, place, raw)
        try:
            # Also what is gone: a cloud may still be at the deletion of what hangs on it.
            self._again(place, lambda: store.delete(object_id), reasons=_DELETE_RETRY)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
        journal = self._session.journal(self._urn)
        intent = journal.find(self._key)
        if intent is not None and intent.result == {"id": object_id}:
            journal.forget(self._key)

    def inputs(self, raw: Mapping[str, Any]) -> Inputs:
        """Inputs as an adapter takes them.

        Raises:
            BadInput: They are not what Check let through.
        """
        fields = self._kind.input_fields()
        value = {key: item for key, item in plain(raw).items() if key in fields}
        try:
            return msgspec.convert(value, self._kind.inputs)
        except msgspec.ValidationError as exc:
            raise BadInput(str(exc), where=self._urn.text) from exc

    def _must_go(self, object_id: str, *, looked_at: bool) -> None:
        """Refuse to delete the data of a resource that the program still has, or that nobody asked about.

        With ``deleteBeforeReplace``, ``--replace`` or ``replaceOnChanges`` this is the first call that tells of a
        replacement. The engine of a dead driver, or another machine's, may have made what the driver could not know of
        it looked for losses.

        Args:
            object_id: What would be deleted.
            looked_at: The state held it when the driver looked, or this very operation made it.

        Raises:
            Refused: The program does not give the data up.
        """
        if self._kind.holds_data and not looked_at:
            raise Refused(
                f"{object_id} came into the state after this run had looked at what it would delete",
                where=self._urn.text,
                hint="Run the same command again: it looks again.",
            )
        if self._kind.holds_data and self._session.keeps(self._urn):
            raise Refused(
                f"this would replace {object_id}, and its data would be lost",
                where=self._urn.text,
                hint="Set allowReplace to true if the data may go.",
            )

    # -- below: the parts of a create --

    def _strangers(self, store: Store, new: Inputs) -> list[Made]:
        """Live objects with our tags that neither the state nor this operation knows."""
        known = self._session.known(self._urn)
        found = self._settled(store, new)
        ours = {made.id for made in found if made.id in (known or ()) or self._session.has_seen(made.id)}
        if ours and self._kind.holds_data and not getattr(new, "allow_replace", False):
            # --replace and taint come without a Diff, so this is where they are seen.
            raise Refused(
                f"this would replace {', '.join(sorted(ours))}, and its data would be lost",
                where=self._urn.text,
                hint="Set allowReplace to true if the data may go.",
            )
        strangers = [made for made in found if made.id not in ours]
        if strangers and known is None:
            raise self._exists(strangers, "and it is not known whether the state holds them")
        if len(strangers) > 1:
            raise self._exists(strangers, "and it is not known which one is meant")
        return strangers

    def _settled(self, store: Store, new: Inputs) -> tuple[Made, ...]:
        """All live objects with our tags, once that of an intent without an answer must have come to be, if ever."""
        standing = self._session.journal(self._urn).find(self._key)
        if standing is None or standing.result is not None:
            return self._appeared(store, new.place, "", within_s=0)
        seconds = settle_s(store)
        if not self._is_of(standing, new):
            seconds = max(seconds, CHANGED_S)
        return self._appeared(store, new.place, standing.token, within_s=seconds)

    def _appeared(self, store: Store, place: str, token: str, *, within_s: float) -> tuple[Made, ...]:
        """All live objects with our tags, looked for until that of an intent is among them, or for so many seconds."""
        tag, end = self._session.stack_tag(self._urn), monotonic() + within_s
        while True:
            found = self._again(place, lambda: store.find(tag, self._urn.hash))
            if monotonic() >= end or any(made.identity and made.identity.op == token for made in found):
                return found
            self._session.calls.rest(LOOK_S, deadline=self._deadline)

    def _exists(self, strangers: list[Made], why: str) -> AlreadyExists:
        ids = ", ".join(sorted(made.id for made in strangers))
        # Only units of a plan are adopted: what else a program made, nobody but that program can make again.
        take = (
            f"Run `pse adopt {self._urn.stack}`"
            if self._urn.project == PROJECT
            else "Where `pulumi stack --show-ids` does not list it, run "
            f"`pulumi import {self._kind.token} {shlex.quote(self._urn.name)} {shlex.quote(strangers[0].id)}`"
        )
        return AlreadyExists(
            f"{self._kind.name} {ids} carries the tags of this resource already, {why}",
            where=self._urn.text,
            hint=f"{take}, or delete what should not be.",
        )

    def _intent(self, new: Inputs, *, fresh: bool) -> Intent:
        """The intent of this very create; one of another create under the same URN is closed.

        Args:
            new: Inputs.
            fresh: Nothing live is there to be adopted: only an intent that is open still counts. One that was done
                belongs to an object that is gone, and its token may be spent.
        """
        journal = self._session.journal(self._urn)
        standing = journal.find(self._key)
        if standing is not None:
            usable = standing.result is None or not (fresh or self._is_ours(str(standing.result.get("id"))))
            if usable and self._is_of(standing, new):
                return standing
            journal.forget(self._key)
        # Salted, because a first-boot script may hold a password that could be guessed from its hash.
        salt = os.urandom(16).hex()
        detail = {
            "urn": self._urn.text,
            "kind": self._kind.name,
            "place": new.place,
            "salt": salt,
            "inputs": self._digest(new, salt),
        }
        return journal.open(self._key, f"create {self._kind.name} {new.name}", detail)

    def _is_of(self, intent: Intent, new: Inputs) -> bool:
        return intent.detail.get("inputs") == self._digest(new, str(intent.detail.get("salt", "")))

    def _is_ours(self, object_id: str) -> bool:
        return object_id in (self._session.known(self._urn) or ()) or self._session.has_seen(object_id)

    def _adopt(self, store: Store, strangers: list[Made], new: Inputs, intent: Intent) -> Made:
        made = strangers[0]
        same_intent = made.identity is not None and made.identity.op == intent.token
        if not same_intent and not self._same_for_ever(made.inputs, new):
            raise self._exists(strangers, "and it was made with other inputs")
        self._warn(f"took over {self._kind.name} {made.id}: an earlier run made it and its answer was lost")
        return self._finished(store, made, new)

    def _finished(self, store: Store, made: Made, new: Inputs) -> Made:
        """An object found live, repaired and brought to ``new`` where it is not."""
        if made.healthy and made.inputs == new:
            return made
        try:
            return self._again(new.place, lambda: store.update(made.id, made.inputs, new))
        except PartlyMade:
            raise
        except (PortError, Interrupted) as exc:
            raise PartlyMade(msgspec.structs.replace(made, healthy=False, reasons=(exc.message,))) from exc

    def _same_for_ever(self, live: Inputs, new: Inputs) -> bool:
        fields = self._kind.input_fields().values()
        return all(getattr(live, f.name) == getattr(new, f.name) for f in fields if f.rule.replaces)

    def _digest(self, new: Inputs, salt: str) -> str:
        fixed = {f.wire: getattr(new, f.name) for f in self._kind.input_fields().values() if f.rule.replaces}
        return hashlib.sha256(salt.encode() + encode(fixed)).hexdigest()

    def _make(self, store: Store, new: Inputs, intent: Intent, unsure: bool) -> Made:
        """Make it.

        Args:
            store: Where.
            new: Inputs.
            intent: Its intent.
            unsure: An earlier run's try may have done something still: then the intent outlives a refusal.
        """
        journal = self._session.journal(self._urn)
        tag = self._session.stack_tag(self._urn)
        identity = Identity(stack=tag, urn=self._urn.hash, op=intent.token)
        tries = Tries(self._session.calls, self._deadline)
        while True:
            begun = monotonic()
            try:
                return self._session.calls.run(
                    lambda: store.create(new, identity=identity), at=new.place, deadline=self._deadline
                )
            except PartlyMade as exc:
                self._session.saw(self._kind.name, exc.made.id, new.place)
                journal.done(self._key, {"id": exc.made.id})
                raise
            except Interrupted as exc:
                # Cancelled, or too late: there is time for one look.
                calls = self._session.calls
                within_s = PROBE_S if calls.cancelled else LATE_PROBE_S
                seen = calls.probe(lambda: store.find(tag, self._urn.hash), timeout_s=within_s) or ()
                found = next((made for made in seen if made.identity == identity), None)
                if found is None:
                    raise
                self._session.saw(self._kind.name, found.id, new.place)
                journal.done(self._key, {"id": found.id})
                raise PartlyMade(msgspec.structs.replace(found, healthy=False, reasons=(exc.message,))) from exc
            except PortError as exc:
                if exc.reason not in _NOTHING:
                    # The answer may be lost and the object there, or about to be: look before anything else.
                    unsure = True
                    within_s = settle_s(store) - (monotonic() - begun)
                    seen = self._appeared(store, new.place, intent.token, within_s=within_s)
                    found = next((made for made in seen if made.identity == identity), None)
                    if found is not None:
                        return self._finished(store, found, new)
                if exc.reason in _FOR_GOOD or not tries.once_more(exc):
                    if not unsure:
                        journal.forget(self._key)
                    raise

    def _import(self, place: str, object_id: str) -> Made | None:
        store = self._session.places.store(place, self._kind.name)
        made = self._again(place, lambda: store.read(object_id, None))
        if made is None:
            return None
        must_be_free(self._session, self._kind.name, self._urn, place, made)
        if made.identity is None:
            self._warn(f"{self._kind.name} {object_id} {UNTAGGED}; it may be referred to, never changed or deleted")
        # A cloud knows no workload; where the unit has one only, that is whose it becomes.
        workloads = self._session.gatekeeper(self._urn).file().workloads
        workload = made.inputs.workload or (workloads[0] if len(workloads) == 1 else "")
        return msgspec.structs.replace(
            made, inputs=msgspec.structs.replace(made.inputs, workload=workload, place=place)
        )

    def _again(self, place: str, act: Callable[[], T], *, reasons: frozenset[str] = RETRY) -> T:
        return self._session.calls.again(act, at=place, deadline=self._deadline, reasons=reasons)
