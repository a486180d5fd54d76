"""`make chaos-providers`: kill -9 of engine and plugin at random moments, adapter by adapter.

    python -m tests.chaos [--kills 40] [--adapters "lab aws"] [--seed 7]

A line for every kill, then a table; the last line on stdout is one JSON object. Ends 1 when anything was doubled,
orphaned or lost.
"""

import argparse
import contextlib
import json
import os
import secrets
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

from tests.chaos.arenas import ARENAS
from tests.chaos.campaign import OPERATIONS, Campaign, Score
from tests.providers.house import OUTSIDE, House, python_path


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="make chaos-providers", description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="for each adapter")
    parser.add_argument("--adapters", default="", help=f"of {' '.join(ARENAS)}")
    parser.add_argument("--seed", default="", help="the same seed draws the same moments")
    given = parser.parse_args()
    seed = given.seed or secrets.token_hex(4)
    names = given.adapters.split() or list(ARENAS)
    if strange := sorted(set(names) - set(ARENAS)):
        parser.error(f"no arena for {', '.join(strange)}; there are {', '.join(ARENAS)}")
    _surroundings()
    print(f"seed {seed}", file=sys.stderr)
    scores, skipped = [], {}
    for name in names:
        try:
            scores.append(attack(name, kills=given.kills, seed=seed))
        except (pytest.skip.Exception, pytest.fail.Exception) as exc:
            skipped[name] = str(exc)
    print(table(scores, skipped))
    print(json.dumps({"target": "chaos-providers", "figures": figures(scores, seed=seed)}))
    bad = any(score.troubles for score in scores) or (skipped and os.environ.get("PSE_TEST_REQUIRE") == "all")
    return int(bool(bad or not scores))


def attack(name: str, *, kills: int, seed: str) -> Score:
    """Kill in one arena; the workspace stays where there was trouble."""
    with contextlib.ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix=f"pse-chaos-{name}-"))
        arena = stack.enter_context(ARENAS[name].open(root))
        house = House(root / "workspace")
        if name != "filecloud":
            house.move(arena.provider, arena.endpoint, arena.options)
        campaign = Campaign(arena, house, seed=f"{seed} {name}", tell=lambda line: print(line, file=sys.stderr))
        score = campaign.run(kills)
        if score.troubles:
            print(f"{name}: the workspace is kept: {house.root}", file=sys.stderr)
        else:
            stack.callback(_remove, root)
    return score


def table(scores: list[Score], skipped: dict[str, str]) -> str:
    """For people."""
    heads = ["adapter", "kills", "engine", "plugin", *OPERATIONS, "recovered", "duplicates", "orphans", "lost", "s"]
    rows = [
        [
            score.adapter,
            *(str(count) for count in (score.total, *(score.kills[key] for key in heads[2:7]))),
            *(str(count) for count in (score.recovered, score.duplicates, score.orphans, score.lost)),
            f"{score.seconds:.0f}",
        ]
        for score in scores
    ]
    widths = [max(len(row[number]) for row in [heads, *rows]) for number in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *rows]]
    lines += [f"{score.adapter}: {trouble}" for score in scores for trouble in score.troubles]
    return "\n".join([*lines, *(f"{name}: not run: {why}" for name, why in skipped.items())])


def figures(scores: list[Score], *, seed: str) -> dict[str, object]:
    """What the last line says."""
    return {
        "kills": sum(score.total for score in scores),
        "duplicates": sum(score.duplicates for score in scores),
        "orphans": sum(score.orphans for score in scores),
        "lost": sum(score.lost for score in scores),
        "troubles": sum(len(score.troubles) for score in scores),
        "seed": seed,
        "by_adapter": {
            score.adapter: {
                "kills": score.total,
                **{key: score.kills[key] for key in ("engine", "plugin", *OPERATIONS)},
                "recovered": score.recovered,
                "duplicates": score.duplicates,
                "orphans": score.orphans,
                "seconds": round(score.seconds, 1),
            }
            for score in scores
        },
    }


def _surroundings() -> None:
    """Let this process and the plugins find the file cloud; the engine that is killed cannot end its stream."""
    os.environ["PYTHONPATH"] = python_path(Path.cwd())
    sys.path.insert(0, str(OUTSIDE))
    for name in ("CI", "PSE_WORKSPACE"):
        os.environ.pop(name, None)
    warnings.filterwarnings("ignore", "Error in event stream")


def _remove(root: Path) -> None:
    from providers.lab.files import remove_tree

    remove_tree(root)


if __name__ == "__main__":
    sys.exit(main())
