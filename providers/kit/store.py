"""One kind at one place: the port, and how what a cloud tells becomes a `Made`. What differs by kind is a `Noun`."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from providers.kit.account import CloudAccount
from providers.kit.noun import Gone, Noun, Query, Seen
from providers.kit.rules import check_rules
from providers.kit.tags import carries
from providers.ports import Identity, Made, PartlyMade, PortError
from pse.core.schema import KINDS, FirewallInputs, Inputs, Outputs, Placement


class CloudStore:
    """See `providers.ports.Store`.

    Args:
        account: The place.
        kind: Name of the kind.
        noun: What is the kind's own.
    """

    def __init__(self, account: CloudAccount, kind: str, noun: Noun[Any]) -> None:
        """Remember all three; no call is made yet."""
        self._account = account
        self._kind = KINDS[kind]
        self._noun = noun

    @property
    def settle_s(self) -> float:
        """See `providers.ports.Settling`; it is the kind's own."""
        return self._noun.settle_s

    def create(self, inputs: Inputs, *, identity: Identity) -> Made:
        """See `providers.ports.Store.create`; the same ``identity.op`` again gives the same object."""
        self._account.check()
        if inputs.place != self._account.place:
            raise PortError(f"{inputs.place} is not this place", reason="invalid", where=self._account.place)
        if isinstance(inputs, FirewallInputs):
            check_rules(inputs.rules, inputs.name)
        try:
            with self._account.errors():
                object_id = self._noun.make(inputs, identity)
        except PortError as exc:
            found = self._made_before(identity, exc)
            if found is None:
                raise
            object_id = found
        self._account.made(object_id)
        return self._finished(object_id, inputs, identity)

    def read(self, object_id: str, inputs: Inputs | None) -> Made | None:
        """See `providers.ports.Store.read`."""
        self._account.check()
        return self._one(object_id, inputs)

    def update(self, object_id: str, old: Inputs, new: Inputs) -> Made:  # noqa: ARG002  (the cloud knows what was)
        """See `providers.ports.Store.update`; what can only grow is never made smaller."""
        self._account.check()
        if isinstance(new, FirewallInputs):
            check_rules(new.rules, new.name)
        found = self._one(object_id, new)
        if found is None:
            raise PortError(f"no {self._kind.name} {object_id!r} here", reason="not-found", where=new.name)
        for field in self._kind.input_fields().values():
            # Some clouds refuse it, and for the others finishing means to grow: it would be no change, and no error.
            if field.rule.grow_only and getattr(new, field.name) < getattr(found.inputs, field.name):
                raise PortError(f"{field.wire} can only grow", reason="invalid", where=new.name)
        return self._finished(object_id, new, found.identity)

    def delete(self, object_id: str) -> None:
        """See `providers.ports.Store.delete`."""
        self._account.check()
        try:
            with self._account.errors():
                self._noun.remove(object_id)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
        self._account.gone(object_id)
        self._account.until(
            lambda: True if self._one(object_id, None) is None else None, what=f"{object_id} to be gone"
        )

    def find(self, stack: str, urn: str) -> tuple[Made, ...]:
        """See `providers.ports.Store.find`; what the cloud put somewhere else is not for adoption."""
        self._account.check()
        found = self._look(Query(tags={"stack": stack, "urn": urn}))
        for made in found:
            self._refuse_elsewhere(made)
        return found

    def list(self) -> tuple[Made, ...]:
        """See `providers.ports.Store.list`."""
        self._account.check()
        return self._look(Query())

    # -- below: the parts of a create --

    def _made_before(self, identity: Identity, why: PortError) -> str | None:
        """The id of what this very intent made, when the answer was lost or the cloud says that it is there."""
        query = Query(tags={"stack": identity.stack, "urn": identity.urn, "op": identity.op})
        if why.reason == "conflict":
            return next((made.id for made in self._look(query)), None)
        if why.reason != "transient" or not self._noun.settle_s:
            return None
        try:
            return self._account.until(
                lambda: next((made.id for made in self._look(query)), None),
                what="what a lost answer may have made",
                seconds=self._noun.settle_s,
            )
        except PortError:
            return None

    def _finished(self, object_id: str, inputs: Inputs, identity: Identity | None) -> Made:
        try:
            with self._account.errors():
                self._noun.finish(object_id, inputs)
            made = self._account.until(
                lambda: self._one(object_id, inputs), what=f"{object_id} to be listed", seconds=60
            )
        except Gone:
            self._account.gone(object_id)
            raise
        except PortError as exc:
            raise PartlyMade(self._partly(object_id, inputs, identity, exc)) from exc
        try:
            self._refuse_elsewhere(made)
        except PortError:
            self._take_back(made)
            raise
        if not made.healthy:
            raise PartlyMade(made)
        return made

    def _take_back(self, made: Made) -> None:
        """Delete what was made in the wrong place; what cannot be deleted is told with its id."""
        try:
            self.delete(made.id)
        except PortError as exc:
            reasons = ("it is in the wrong place", exc.message)
            raise PartlyMade(msgspec.structs.replace(made, healthy=False, reasons=reasons)) from exc

    def _refuse_elsewhere(self, made: Made) -> None:
        if made.elsewhere:
            raise PortError(
                f"{made.id} is in {made.elsewhere}, and {self._account.here} was asked for",
                reason="invalid",
                vendor_code="WrongPlace",
                where=self._account.place,
            )

    # -- below: what is live --

    def _one(self, object_id: str, known: Inputs | None) -> Made | None:
        with self._account.errors():
            found = (self._made(seen, known) for seen in self._noun.seen(Query(id=object_id), known))
            return next((made for made in found if made.id == object_id), None)

    def _look(self, query: Query) -> tuple[Made, ...]:
        with self._account.errors():
            found = [self._made(seen, None) for seen in self._noun.seen(query, None)]
        # A filter is the cloud's promise; that these and no others may be adopted is ours.
        return tuple(made for made in found if carries(made.identity, query.tags))

    def _made(self, seen: Seen, known: Inputs | None) -> Made:
        given = _blank(self._kind.inputs) | ({} if known is None else msgspec.structs.asdict(known))
        live = {"name": seen.name, "place": self._account.place} | dict(seen.inputs)
        return Made(
            id=seen.id,
            identity=seen.identity,
            inputs=self._kind.inputs(**{**given, **live}),
            outputs=self._outputs(seen.outputs, seen.placement),
            healthy=not seen.reasons,
            reasons=seen.reasons,
        )

    def _partly(self, object_id: str, inputs: Inputs, identity: Identity | None, why: PortError) -> Made:
        placement = (Placement("resource", "?", "unknown"),)
        return Made(
            id=object_id,
            identity=identity,
            inputs=inputs,
            outputs=self._outputs({}, placement),
            healthy=False,
            reasons=(why.message,),
        )

    def _outputs(self, told: Mapping[str, Any], placement: Sequence[Placement]) -> Outputs:
        return self._kind.outputs(**{**_blank(self._kind.outputs), **told, "placement": tuple(placement)})


def _blank(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Values for what nobody tells: the declared default, else an empty text or 0."""
    blanks = {str: "", int: 0, bool: False}
    found: dict[str, Any] = {}
    for info in msgspec.structs.fields(struct):
        kind = getattr(info.type, "__origin__", info.type)
        found[info.name] = info.default if not info.required else blanks.get(kind, ())
    return found
