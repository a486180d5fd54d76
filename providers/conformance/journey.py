"""One stack on its way through the real engine and plugin: what `EngineContract` looks at.

The way is gone once for an adapter and all that is seen is kept; an `up` takes seconds, and every behaviour wants one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from providers.ports import Provider
from pse.core.errors import PseError
from pse.core.schema import FirewallInputs

SECRET = "suite-hush-9a1e77"
"""In the first boot of the journey's server: it has to be seen nowhere."""
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
    """

    provider: Provider
    place: str
    workload: str
    image: str
    shape: str
    storage_class: str
    public_key: str

    def preview(self, program: Callable[[], None]) -> Sequence[Told]:
        """What an up would do."""

    def up(self, program: Callable[[], None]) -> None:
        """Bring it up."""

    def killed(self, program: Callable[[], None], *, engine: bool) -> bool:
        """Bring it up and kill -9 the plugin, or its engine, on the way; False when it was over before."""

    def refresh(self) -> Sequence[Told]:
        """What changed at the cloud."""

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
    """

    def __init__(self, site: Site) -> None:
        """Go it."""
        self._site = site
        self.steps: dict[str, Seen] = {}
        self.killed: set[str] = set()
        self.first = site.standing()
        self.secret_written = False
        program = self._program
        self._step("preview", lambda: site.preview(program()))
        for who in ("plugin", "engine"):
            if site.killed(program(), engine=who == "engine"):
                self.killed.add(who)
        self._step("up", lambda: site.up(program()))
        self._step("again", lambda: site.up(program()))
        self.secret_written = SECRET.encode() in site.written()
        self._drift()
        self._step("refresh", site.refresh)
        self._step("repair", lambda: site.up(program(size=2, wall="wall-b")))
        self._step("lossy", lambda: site.up(program(size=2, wall="wall-b", disk="disk-b")))
        self._step("abroad", lambda: site.up(program(size=2, wall="wall-b", place=NOBODY)))
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

    def _program(
        self, *, size: int = 1, wall: str = "wall-a", disk: str = "disk", place: str = ""
    ) -> Callable[[], None]:
        site = self._site

        def given(name: str, **more: Any) -> dict[str, Any]:
            return {"name": name, "workload": site.workload, "place": place or site.place, **more}

        def rule(port: int) -> dict[str, Any]:
            return {"direction": "in", "protocol": "tcp", "port": port, "peer": "10.0.0.0/8", "why": "suite"}

        def run() -> None:
            import pulumi

            from providers import sdk

            net = sdk.Network("net", **given("net", cidr="10.0.0.0/16"))
            sub = sdk.Subnet("sub", **given("sub", network=net.id, cidr="10.0.1.0/24"))
            sdk.Firewall("fire", **given("fire", network=net.id, rules=[rule(22), rule(443)]))
            sdk.Firewall("wall", **given(wall, network=net.id, rules=[rule(80)]))
            key = sdk.KeyPair("key", **given("key", public_key=site.public_key))
            sdk.Volume("disk", **given(disk, size_gib=size, storage_class=site.storage_class))
            sdk.Volume("spare", **given("spare", size_gib=1, storage_class=site.storage_class))
            server = {"shape": site.shape, "image": site.image, "subnet": sub.id, "key_pair": key.id}
            sdk.Server("web", **given("web", user_data=f"#!/bin/sh\n# {SECRET}\nexit 0\n", **server))
            pulumi.export("servers", [])
            pulumi.export("outputs", {})

        return run
