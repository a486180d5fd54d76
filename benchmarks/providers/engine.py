"""The same `up` by the same engine and the same driver, with our plugin and with the toy: paired, round after round."""

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.providers.house import House, volumes

PARALLEL = 64
OUTSIDE = Path(__file__).parent / "outside"


class Pair(NamedTuple):
    """Seconds of every round.

    Attributes:
        toy: The command with the toy plugin.
        plugin: The command with ours.
        packed: The command with ours and the policy pack, as `pse up` runs it.
        whole: `Engine.ensure`: the command with both, and what is read and written around it.
    """

    toy: list[float]
    plugin: list[float]
    packed: list[float]
    whole: list[float]

    def ratio(self, what: str) -> float:
        """The least of its rounds by the least of the toy's: other work on the machine only ever adds time."""
        mine: list[float] = getattr(self, what)
        return min(mine) / min(self.toy)

    def paired(self, what: str) -> float:
        """Median over rounds of its seconds by the toy's of the same round."""
        mine: list[float] = getattr(self, what)
        return median(own / toy for own, toy in zip(mine, self.toy, strict=True))


def measure(count: int, *, create_s: float, rounds: int, tell: Callable[[str], None]) -> Pair:
    """Bring up ``count`` independent volumes.

    Args:
        count: Resources.
        create_s: Seconds that each create takes at the cloud.
        rounds: How often; one more comes first and does not count.
        tell: Told a line for each round.
    """
    program = volumes(*(f"disk-{number}" for number in range(count)))
    found = Pair([], [], [], [])
    with _template(create_s) as template:
        for number in range(rounds + 1):
            order = ["toy", "plugin", "packed", "whole"]
            # Nobody always comes after the same one.
            for what in order[number % 4 :] + order[: number % 4]:
                seconds = _once(template, what, program, create_s)
                if number:
                    getattr(found, what).append(seconds)
            if number:
                last = ", ".join(f"{what} {getattr(found, what)[-1]:.2f}" for what in order)
                tell(f"{count} resources, round {number}: {last} s")
    return found


@contextmanager
def _template(create_s: float) -> Iterator[Path]:
    """A workspace at the memory cloud, with an empty stack."""
    with tempfile.TemporaryDirectory(prefix="pse-bench-") as folder:
        house = House(Path(folder) / "template")
        house.move("memorycloud", "lab:memory", {"create_s": str(create_s)})
        house.init_stack()
        yield house.root


def _once(template: Path, what: str, program: Callable[[], None], create_s: float) -> float:
    with tempfile.TemporaryDirectory(prefix="round-", dir=template.parent) as folder:
        house = House(Path(folder) / "workspace", template=template)
        if what == "whole":
            begun = time.perf_counter()
            house.up(program)
            return time.perf_counter() - begun
        with house.opened("up", program) as run:
            options = house.engine._with_pack(run)
            if what != "packed":
                options["policy_packs"] = []
            if what == "toy":
                os.environ["TOY_S"] = str(create_s)
                _put_toy(house.root)
            begun = time.perf_counter()
            run.stack.up(**options)
            return time.perf_counter() - begun


def _put_toy(root: Path) -> None:
    plugin = root / ".pse" / "plugin" / "pulumi-resource-pse"
    plugin.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m benchmarks.providers.toy "$@"\n')
