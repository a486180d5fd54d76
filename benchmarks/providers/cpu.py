"""What the calls of an adapter cost the machine that makes them: CPU of the calling thread, waits left out.

The cloud is the one that the kills use: a server in a process or a thread of its own, so that its work is not counted.
The steps count the vendor's SDK too; ``own`` is the part of making that is spent in this tree's code, by a profiler
whose clock is the thread's CPU and which makes it rather more than less.
"""

import cProfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import providers
from providers.conformance import Rig
from providers.places import Places
from pse.core.schema import KINDS
from tests.chaos.arenas import ARENAS
from tests.chaos.program import put_image
from tests.providers.house import HERE, House

T = TypeVar("T")
STEPS = ("create", "find", "read", "delete")
OWN = "own"
_TREE = str(Path(providers.__file__).parent)


def measure(adapter: str, *, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of CPU by kind and step; the median of the rounds, the first of which does not count.

    The first call makes the SDK's client and is long; a plugin's process makes it once.
    """
    with tempfile.TemporaryDirectory(prefix=f"pse-bench-{adapter}-") as folder:
        root = Path(folder)
        with ARENAS[adapter].open(root) as arena:
            house = House(root / "workspace")
            if adapter != "filecloud":
                house.move(arena.provider, arena.endpoint, arena.options)
            put_image(house.root)
            places = Places(house.workspace)
            names = arena.names
            rig = Rig(
                places.provider(HERE),
                place=HERE,
                image=names.image,
                shapes=names.shapes,
                storage_class=names.storage_class,
                image_file=names.image_file,
                image_sha256=names.image_sha256,
            )
            try:
                return {kind: _kind(rig, kind, rounds) for kind in KINDS if kind in rig.provider.kinds}
            finally:
                rig.clear()
                places.close()


def _kind(rig: Rig, kind: str, rounds: int) -> dict[str, float]:
    measured = [_once(rig, kind) for _ in range(rounds + 1)][1:]
    found = {step: median(values[step] for values in measured) for step in STEPS}
    return {**found, OWN: median(_own(rig, kind) for _ in range(rounds))}


def _own(rig: Rig, kind: str) -> float:
    """Milliseconds of CPU in the code of this tree, and in what Python itself does for it, to make one."""
    store, inputs, identity = rig.store(kind), rig.inputs(kind), rig.identity()
    profile = cProfile.Profile(time.thread_time)
    profile.runcall(store.find, identity.stack, identity.urn)
    made = profile.runcall(store.create, inputs, identity=identity)
    store.delete(made.id)
    rig.clear()
    seconds = 0.0
    for entry in profile.getstats():
        if not isinstance(entry.code, str) and entry.code.co_filename.startswith(_TREE):
            built_in = (call.inlinetime for call in entry.calls or () if isinstance(call.code, str))
            seconds += entry.inlinetime + sum(built_in)
    return seconds * 1000


def _once(rig: Rig, kind: str) -> dict[str, float]:
    store, inputs, identity = rig.store(kind), rig.inputs(kind), rig.identity()
    found: dict[str, float] = {}

    def step(name: str, act: Callable[[], T]) -> T:
        begun = time.thread_time()
        result = act()
        found[name] = (time.thread_time() - begun) * 1000
        return result

    made = step("create", lambda: store.create(inputs, identity=identity))
    step("find", lambda: store.find(identity.stack, identity.urn))
    step("read", lambda: store.read(made.id, inputs))
    step("delete", lambda: store.delete(made.id))
    rig.clear()
    return found
