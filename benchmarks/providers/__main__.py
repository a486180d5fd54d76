"""`make bench-providers`: what our plugin costs beside a toy of one, and what the adapters' calls cost.

    python -m benchmarks.providers [--rounds 5] [--adapters "lab aws"] [--json FILE]

Tables, then one JSON object as the last line on stdout. Ends 0 when it was measured, whatever it says.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from benchmarks.providers import cpu, engine
from tests.chaos.arenas import ARENAS
from tests.providers.house import python_path

WANTED = 1.2
WANTED_MS = 10.0


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="make bench-providers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--adapters", default="", help=f"whose CPU is measured, of {' '.join(ARENAS)}")
    parser.add_argument("--json", type=Path, help="file for the figures, with every round")
    given = parser.parse_args()
    _surroundings()

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    pairs = {
        "64 creates of 0.2 s": engine.measure(64, create_s=0.2, rounds=given.rounds, tell=tell),
        "250 up": engine.measure(250, create_s=0.0, rounds=given.rounds, tell=tell),
    }
    costs: dict[str, dict[str, dict[str, float]]] = {}
    absent: dict[str, str] = {}
    for adapter in given.adapters.split() or [name for name in ARENAS if name != "filecloud"]:
        try:
            costs[adapter] = cpu.measure(adapter, rounds=given.rounds)
            tell(f"CPU of {adapter}: done")
        except (pytest.skip.Exception, pytest.fail.Exception) as exc:
            absent[adapter] = str(exc)
    print(engine_table(pairs))
    print(cpu_table(costs, absent))
    told = figures(pairs, costs)
    if given.json:
        raw = {**told, "rounds": {name: pair._asdict() for name, pair in pairs.items()}, "cpu_ms": costs}
        given.json.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"target": "bench-providers", "figures": told}))
    return 0


def engine_table(pairs: dict[str, engine.Pair]) -> str:
    """Seconds beside the toy's."""
    heads = f"{'least s':>9}{'median s':>9}{'by toy':>8}{'paired':>8}"
    lines = [f"{'engine and plugin':22}{'':10}{heads}   wanted: plugin by toy at most {WANTED}"]
    for name, pair in pairs.items():
        for what, seconds in pair._asdict().items():
            numbers = f"{min(seconds):9.2f}{median(seconds):9.2f}{pair.ratio(what):8.2f}{pair.paired(what):8.2f}"
            lines.append(f"{name:22}{what:10}{numbers}")
    return "\n".join(lines)


def cpu_table(costs: dict[str, dict[str, dict[str, float]]], absent: dict[str, str]) -> str:
    """Milliseconds by adapter and kind."""
    heads = "".join(f"{step:>9}" for step in (*cpu.STEPS, "making", cpu.OWN))
    lines = [f"{'CPU, ms':11}{'kind':15}{heads}   wanted: own under {WANTED_MS:.0f}"]
    for adapter, kinds in costs.items():
        for kind, steps in kinds.items():
            values = (*(steps[step] for step in cpu.STEPS), making(steps), steps[cpu.OWN])
            cells = "".join(f"{value:9.1f}" for value in values)
            lines.append(f"{adapter:11}{kind:15}{cells}")
        lines.append(f"{adapter:11}{'mean':15}{'':36}{mean(kinds, making):9.1f}{mean(kinds, own):9.1f}")
    return "\n".join([*lines, *(f"{adapter}: not measured: {why}" for adapter, why in absent.items())])


def making(steps: dict[str, float]) -> float:
    """What the plugin calls to make one: a look for what an earlier run made, and the create."""
    return steps["find"] + steps["create"]


def own(steps: dict[str, float]) -> float:
    """The part of it that is this tree's."""
    return steps[cpu.OWN]


def mean(kinds: dict[str, dict[str, float]], what: Callable[[dict[str, float]], float]) -> float:
    """A resource's mean over an adapter's kinds."""
    return sum(what(steps) for steps in kinds.values()) / len(kinds)


def figures(pairs: dict[str, engine.Pair], costs: dict[str, dict[str, dict[str, float]]]) -> dict[str, Any]:
    """What the last line says."""
    many, large = pairs.values()
    by_adapter = {adapter: round(mean(kinds, own), 2) for adapter, kinds in costs.items()}
    with_sdk = {adapter: round(mean(kinds, making), 2) for adapter, kinds in costs.items()}
    return {
        "ratio_64_creates": round(many.ratio("plugin"), 3),
        "ratio_64_creates_whole": round(many.ratio("whole"), 3),
        "paired_64_creates": round(many.paired("plugin"), 3),
        "ratio_250_up": round(large.ratio("plugin"), 3),
        "ratio_250_up_whole": round(large.ratio("whole"), 3),
        "paired_250_up": round(large.paired("plugin"), 3),
        "cpu_ms_per_resource": max(by_adapter.values(), default=None),
        "cpu_ms_by_adapter": by_adapter,
        "cpu_ms_with_sdk_by_adapter": with_sdk,
    }


def _surroundings() -> None:
    """Let this process and the plugins find the clouds of tests and benchmarks."""
    os.environ["PYTHONPATH"] = python_path(engine.OUTSIDE, Path.cwd())
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
    for name in ("CI", "PSE_WORKSPACE"):
        os.environ.pop(name, None)


if __name__ == "__main__":
    sys.exit(main())
