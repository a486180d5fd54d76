"""`make bench-campaign`: many moves that take only time, by several workers on PostgreSQL, within all limits.

    python -m benchmarks.campaign [--moves 1000] [--workers 8] [--parallel 5] [--mean 30] [--waves 1] [--kill 0]

Passes when no limit was ever exceeded (judged by a log of starts and ends that knows nothing of turns), every move was
verified, the throughput is at least 0.9 of an ideal schedule's, and the controller took less than 400 MiB.
Last line on stdout: one JSON object.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.campaign.running import Shape, run
from tests.migrate.rig import Rig


def main() -> int:
    """Measure, judge and print."""
    parser = argparse.ArgumentParser(prog="make bench-campaign", description=__doc__)
    parser.add_argument("--moves", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--parallel", type=int, default=5)
    parser.add_argument("--mean", type=float, default=30.0, help="seconds of a move")
    parser.add_argument("--total", type=int, default=36, help="moves at once in all; other limits follow")
    parser.add_argument("--waves", type=int, default=1)
    parser.add_argument("--kill", type=int, default=0, help="workers that are killed with -9 on the way")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        try:
            rig.source.start()
            rig.source.postgres(connections=40 * given.workers)
            url = f"postgresql+psycopg://postgres@{rig.source.address}:5432/postgres"
            shape = Shape(
                moves=given.moves,
                workers=given.workers,
                parallel=given.parallel,
                mean_s=given.mean,
                total=given.total,
                waves=given.waves,
                kills=given.kill,
            )
            found = run(Path(folder) / "room", url, shape)
        finally:
            rig.stop()
    passed = found.kept and found.ratio >= 0.9 and (found.memory_mib or 0) < 400
    text = json.dumps({"target": "bench-campaign", **found.figures(), "passed": passed})
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
