"""One stack on its way through the real engine and plugin: what `EngineContract` looks at.

The way is gone once for an adapter and all that is seen is kept; an `up` takes seconds, and every behaviour wants one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from providers.conformance.hostile import MANY, Trouble
from providers.conformance.stack import SECRET, Wish, stack
from providers.ports import Identity, Provider
from pse.core.errors import PseError
from pse.core.schema import FirewallInputs, NetworkInputs

LATE_LOOKS = 4
"""Looks that do not see yet what was made: with the plugin's pauses between them it takes seconds."""
THEIRS = Identity(stack="suite-theirs-0123456789ab", urn="0" * 32, op="1" * 32)
"""Of an object of another stack."""
FIRST = Wish()
"""The stack as it goes up first."""
NOBODY = "suite-elsewhere/nowhere/one"
"""A place that no gate allows."""
Standing = Mapping[str, Sequence[str]]
"""Names or ids by sort, as the account itself tells them."""


class Told(NamedTuple):
    """One resource that an operation is about: its name, and ``create``, ``update``, ``replace`` or ``delete``."""

    name: str
    op: str


class Site(Protocol):
    """A workspace whose first place is at the adapter's cloud, and hands to work with it.

    Attributes:
        provider: An adapter of one's own at that place, as another process has it.
        place: The place.
        workload: The unit.
        image: An image that the place has.
        shape: A shape that it has.
        storage_class: A storage class that it has.
        public_key: Key for servers.
        trouble: How its cloud misbehaves.
        patience_s: Seconds in which an engine surely has come to ask the cloud for something.
    """

    provider: Provider
    place: str
    workload: str
    image: str
    shape: str
    storage_class: str
    public_key: str
    trouble: Trouble
    patience_s: float

    def preview(self, program: Callable[[], None]) -> Sequence[Told]:
        """What an up would do."""

    def up(self, program: Callable[[], None]) -> None:
        """Bring it up."""

    def killed(self, program: Callable[[], None], *, engine: bool) -> bool:
        """Bring it up and kill -9 the plugin, or its engine, on the way; False when it was over before."""

    def cancelled(self, program: Callable[[], None], reached: Callable[[], int]) -> "Ended":
        """Bring it up, and interrupt the engine as Ctrl-C does when ``reached`` says so."""

    def watched(self, program: Callable[[], None]) -> Sequence[Told]:
        """Bring it up and tell the engine's own steps, in the order in which they were over."""

    def refresh(self) -> Sequence[Told]:
        """What changed at the cloud."""

    def forget(self, name: str) -> Mapping[str, Any]:
        """Take a resource out of the state, and nowhere else; gives the inputs that the state had."""

    def destroy(self) -> None:
        """Take it down."""

    def state(self) -> Mapping[str, str]:
        """Ids of the stack's resources by name."""

    def written(self) -> bytes:
        """All that engine and plugin wrote: state, project, logs."""

    def standing(self) -> Standing:
        """What the account holds, asked without the adapter."""

    def changing(self) -> int:
        """Calls that may change something since `calm`; 0 where no calls are counted."""

    def calm(self) -> None:
        """Count anew."""


class Ended(NamedTuple):
    """How an operation that was interrupted ended.

    Attributes:
        seconds: From the interrupt until engine and plugin were gone.
        error: What it ended with.
    """

    seconds: float
    error: PseError | None


class Seen(NamedTuple):
    """After one step.

    Attributes:
        told: What the engine said it would do, or found.
        state: Ids by name.
        standing: What the account holds.
        calls: Calls that may have changed something.
        error: What stopped it; None when nothing did.
    """

    told: Sequence[Told]
    state: Mapping[str, str]
    standing: Standing
    calls: int
    error: PseError | None


class Journey:
    """The way of one stack.

    Args:
        site: Where.

    Attributes:
        steps: What was seen at each, by name.
        first: What the account held before.
        secret_written: Whether the secret was found in what was written.
        killed: Who was killed in time: ``plugin``, ``engine``.
        cancel_s: Seconds that it took to end after an interrupt, while a call still hung.
        planted: How often each planted misbehaviour happened.
        forgotten: Inputs of the resource that the state was made to forget.
        live: Inputs that the cloud tells of it when it was imported.
    """

    def __init__(self, site: Site) -> None:
        """Go it."""
        self._site = site
        self.steps: dict[str, Seen] = {}
        self.killed: set[str] = set()
        self.first = site.standing()
        self.secret_written = False
        self.cancel_s = 0.0
        self.planted: dict[str, int] = {}
        self.forgotten: Mapping[str, Any] = {}
        self.live: Mapping[str, Any] = {}
        self._step("preview", lambda: site.preview(self._stack()))
        for who in ("plugin", "engine"):
            if site.killed(self._stack(), engine=who == "engine"):
                self.killed.add(who)
        self._step("up", lambda: site.up(self._stack()))
        self._step("again", lambda: site.up(self._stack()))
        self.secret_written = SECRET.encode() in site.written()
        self._drift()
        self._step("refresh", site.refresh)
        wish = Wish(size=2, wall="wall-b")
        self._step("repair", lambda: site.up(self._stack(wish)))
        self._step("lossy", lambda: site.up(self._stack(wish._replace(disk="disk-b"))))
        self._step("abroad", lambda: site.up(self._stack(wish._replace(place=NOBODY))))
        self._foreign(wish)
        self._cancel(wish)
        self._storm(wish)
        self._import(wish._replace(more=True))
        self._step("turn", lambda: site.watched(self._stack(wish._replace(more=True, boot=" again"))))
        self._step("destroy", site.destroy)

    def __getitem__(self, step: str) -> Seen:
        """What was seen at a step that has to have gone well."""
        seen = self.steps[step]
        if seen.error is not None:
            raise AssertionError(f"{step}: {seen.error.message}") from seen.error
        return seen

    def refused(self, step: str) -> Seen:
        """What was seen at a step that has to have been refused."""
        seen = self.steps[step]
        if seen.error is None:
            raise AssertionError(f"{step} was not refused")
        return seen

    def _step(self, name: str, act: Callable[[], object]) -> None:
        self._site.calm()
        told: object = ()
        error: PseError | None = None
        try:
            told = act()
        except PseError as exc:
            error = exc
        calls = self._site.changing()
        found = [one for one in told if isinstance(one, Told)] if isinstance(told, list | tuple) else []
        self.steps[name] = Seen(found, self._site.state(), self._site.standing(), calls, error)

    def _drift(self) -> None:
        """Somebody else deletes a volume and takes a rule away."""
        state, provider = self._site.state(), self._site.provider
        if "spare" in state:
            provider.store("Volume").delete(state["spare"])
        seen = provider.store("Firewall").read(state["fire"], None) if "fire" in state else None
        if seen is not None and isinstance(seen.inputs, FirewallInputs):
            less = msgspec.structs.replace(seen.inputs, rules=seen.inputs.rules[:1])
            provider.store("Firewall").update(seen.id, seen.inputs, less)

    def _stack(self, wish: Wish = FIRST) -> Callable[[], None]:
        return stack(self._site, wish)

    def _foreign(self, wish: Wish) -> None:
        """A program that imports the network of another stack."""
        site, store = self._site, self._site.provider.store("Network")
        named = {"name": "theirs", "workload": site.workload, "place": site.place, "cidr": "10.2.0.0/16"}
        made = store.create(NetworkInputs(**named), identity=THEIRS)
        try:
            self._step("foreign", lambda: site.preview(self._stack(wish._replace(theirs=made.id))))
        finally:
            store.delete(made.id)

    def _cancel(self, wish: Wish) -> None:
        """An interrupt while the cloud does not answer a create, and never will."""
        trouble = self._site.trouble
        if "hang" not in trouble.knows:
            return

        def interrupted() -> None:
            reached = trouble.plant("hang", "Volume", making=True, times=MANY)
            ended = self._site.cancelled(self._stack(wish._replace(halt=True)), reached)
            self.cancel_s, self.planted["hang"] = ended.seconds, reached()
            if ended.error is not None:
                raise ended.error

        self._step("cancelled", interrupted)
        trouble.calm()

    def _storm(self, wish: Wish) -> None:
        """A network that is made and never answered; a volume that is made, whose answer is lost and list lags."""
        site, trouble = self._site, self._site.trouble
        if not {"stuck", "lost", "late"} <= set(trouble.knows):
            self._step("mended", lambda: site.up(self._stack(wish._replace(more=True))))
            return

        def stormed() -> None:
            stuck = trouble.plant("stuck", "Network", making=True, times=MANY)
            lost = trouble.plant("lost", "Volume", making=True)
            late = trouble.plant("late", "Volume", making=False, times=LATE_LOOKS)
            try:
                site.up(self._stack(wish._replace(more=True, network_s=site.patience_s)))
            finally:
                self.planted |= {"stuck": stuck(), "lost": lost(), "late": late()}

        self._step("storm", stormed)
        trouble.calm()
        self._step("mended", lambda: site.up(self._stack(wish._replace(more=True))))

    def _import(self, wish: Wish) -> None:
        """The state forgets a volume, which a program then brings back by its id."""
        site = self._site
        standing = site.state().get("spare", "")
        self.forgotten = site.forget("spare")
        self._step("import", lambda: site.up(self._stack(wish._replace(spare=standing))))
        seen = site.provider.store("Volume").read(standing, None)
        self.live = {} if seen is None else msgspec.to_builtins(seen.inputs)
