"""An arena's cloud with a workspace on it, as the conformance suite wants it under the real engine."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import Deployment
from pulumi.automation.events import EngineEvent

from providers import registry
from providers.conformance.journey import Ended, Journey, Standing, Told
from providers.ports import Target
from tests.chaos.arena import Arena, NthCall
from tests.providers.house import HERE, PLAN, UNIT, House, python_path
from tests.providers.kills import Background, ended, plugins, strike
from tests.providers.waiting import wait_for

END_S = 240.0
"""Seconds within which any operation ends."""


class Site:
    """See `providers.conformance.journey.Site`."""

    place, workload = HERE, UNIT

    def __init__(self, arena: Arena, house: House) -> None:
        self._arena = arena
        self._house = house
        target = Target(
            place=HERE, country="PK", endpoint=arena.endpoint, workspace=house.root, options=dict(arena.options)
        )
        self.provider = registry.load(arena.provider)(target)
        names = arena.names
        self.image, self.shape, self.storage_class = names.image, names.shapes[0], names.storage_class
        self.public_key = names.public_key
        self.trouble, self.patience_s = arena.trouble(house), arena.patience_s

    def preview(self, program: Callable[[], None]) -> Sequence[Told]:
        """What an up would do."""
        changes = self._house.engine.preview(self._house.unit(), program, plan=PLAN)
        return [Told(change.name, change.op) for change in changes]

    def up(self, program: Callable[[], None]) -> None:
        """Bring it up."""
        self._house.up(program)

    def killed(self, program: Callable[[], None], *, engine: bool) -> bool:
        """Kill at the second call that changes something, after its effect; without proxies as soon as it stands."""
        self.calm()
        before = self.standing()
        nth = NthCall(self._arena, 2, after=True) if self._arena.proxies else None
        work = Background(lambda: self.up(program))
        end = time.monotonic() + END_S
        while work.going() and not (nth.hold.reached.is_set() if nth else self.standing() != before):
            assert time.monotonic() < end
            time.sleep(0.005)
        struck = work.going() and bool(plugins(self._house.root)) and strike(self._house.root, engine=engine)
        if struck:
            ended(self._house.root)
        if nth:
            nth.hold.release()
        work.end(END_S)
        self.calm()
        return struck

    def cancelled(self, program: Callable[[], None], reached: Callable[[], int]) -> Ended:
        """Interrupt the engine, which tells the plugin; the plugin alone is told nothing."""
        work = Background(lambda: self.up(program))
        wait_for(lambda: reached() or not work.going(), timeout_s=END_S)
        begun = time.monotonic()
        strike(self._house.root, engine=True, signum=signal.SIGINT)
        error = work.end(END_S)
        ended(self._house.root)
        return Ended(time.monotonic() - begun, error)

    def watched(self, program: Callable[[], None]) -> Sequence[Told]:
        """As the engine's events tell it."""
        steps: list[Told] = []

        def heard(event: EngineEvent) -> None:
            done = event.res_outputs_event
            if done is not None and done.metadata.type.startswith("pse:index:"):
                op = done.metadata.op
                steps.append(Told(done.metadata.urn.rpartition("::")[2], str(getattr(op, "value", op))))

        self._house.raw_up(program, on_event=heard)
        return steps

    def forget(self, name: str) -> Mapping[str, Any]:
        """As ``pulumi state delete`` does."""
        with self._house.opened("forget") as run:
            whole = run.stack.export_stack()
            state = whole.deployment or {}
            (gone,) = (entry for entry in state["resources"] if entry["urn"].endswith(f"::{name}"))
            kept = [entry for entry in state["resources"] if entry is not gone]
            run.stack.import_stack(Deployment(version=whole.version, deployment={**state, "resources": kept}))
        inputs: Mapping[str, Any] = gone["inputs"]
        return inputs

    def refresh(self) -> Sequence[Told]:
        """What changed at the cloud."""
        return [Told(change.name, change.op) for change in self._house.engine.refresh(UNIT)]

    def destroy(self) -> None:
        """Take it down."""
        self._house.engine.destroy(UNIT)

    def state(self) -> Mapping[str, str]:
        """Ids by name; nothing where there is no stack."""
        if UNIT not in self._house.engine.stacks():
            return {}
        found = self._house.engine.standing(UNIT).ours()
        return {str(entry["urn"]).rpartition("::")[2]: str(entry["id"]) for entry in found if entry.get("id")}

    def written(self) -> bytes:
        """State, project and logs."""
        return self._house.state_bytes()

    def standing(self) -> Standing:
        """By the arena."""
        return self._arena.standing(self._house)

    def changing(self) -> int:
        """By the arena's proxies."""
        return self._arena.changing()

    def calm(self) -> None:
        """Count anew."""
        self._arena.calm()


@contextmanager
def travelled(arena: Arena, folder: Path, template: Path) -> Iterator[Journey]:
    """The journey of one stack in an arena.

    Args:
        arena: Open.
        folder: For the workspace.
        template: A workspace with an empty stack.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", python_path())
        patch.syspath_prepend(python_path().split(os.pathsep)[0])
        for name in ("CI", "PSE_WORKSPACE"):
            patch.delenv(name, raising=False)
        house = House(folder / "workspace", template=template)
        if arena.provider != "filecloud":
            house.move(arena.provider, arena.endpoint, arena.options)
        site = Site(arena, house)
        try:
            yield Journey(site)
        finally:
            site.provider.close()
