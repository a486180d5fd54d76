"""A cloud in the memory of one process, so that what is measured is the plugin: only volumes, each made in no time."""

import itertools
import threading
import time
from collections.abc import Mapping
from typing import ClassVar

from providers.ports import Identity, Made, PortError, Store, Target
from pse.core.schema import KINDS, Inputs, Placement, VolumeOutputs


class MemoryCloud:
    """The adapter. Option ``create_s``: seconds that a create takes."""

    name: ClassVar[str] = "memorycloud"
    kinds: ClassVar[Mapping[str, str]] = {"Volume": "memory"}
    lacks: ClassVar[Mapping[str, str]] = {kind: "it has volumes only" for kind in KINDS if kind != "Volume"}

    def __init__(self, target: Target) -> None:
        """An empty account."""
        self._store = MemoryStore(target.place, float(target.options.get("create_s", "0")))

    def store(self, kind: str) -> Store:
        """The store of volumes."""
        if kind not in self.kinds:
            raise PortError(f"no {kind} here", reason="invalid")
        return self._store

    def close(self) -> None:
        """Nothing is kept open."""


class MemoryStore:
    """Its volumes; see `providers.ports.Store`.

    Args:
        place: Id of the place.
        create_s: Seconds that a create takes.
    """

    def __init__(self, place: str, create_s: float) -> None:
        self._outputs = VolumeOutputs(placement=(Placement("resource", place, "set"),))
        self._create_s = create_s
        self._made: dict[str, Made] = {}
        self._by_urn: dict[tuple[str, str], dict[str, Made]] = {}
        self._lock = threading.Lock()
        self._number = itertools.count(1)

    def create(self, inputs: Inputs, *, identity: Identity) -> Made:
        """Make one."""
        time.sleep(self._create_s)
        with self._lock:
            made = Made(id=f"volume-{next(self._number)}", identity=identity, inputs=inputs, outputs=self._outputs)
            self._made[made.id] = made
            self._by_urn.setdefault((identity.stack, identity.urn), {})[made.id] = made
        return made

    def read(self, object_id: str, inputs: Inputs | None) -> Made | None:
        """One by id."""
        del inputs  # the account tells everything
        return self._made.get(object_id)

    def update(self, object_id: str, old: Inputs, new: Inputs) -> Made:
        """Nothing is ever changed in a measurement."""
        raise PortError(f"{old.name} and {new.name}: {object_id} is not changed here", reason="invalid")

    def delete(self, object_id: str) -> None:
        """Forget it."""
        made = self._made.pop(object_id, None)
        if made is not None and made.identity is not None:
            self._by_urn[made.identity.stack, made.identity.urn].pop(object_id, None)

    def find(self, stack: str, urn: str) -> tuple[Made, ...]:
        """By tags."""
        return tuple(self._by_urn.get((stack, urn), {}).values())

    def list(self) -> tuple[Made, ...]:
        """All."""
        return tuple(self._made.values())
