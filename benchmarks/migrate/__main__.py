"""`make bench-migrate`: how fast things are carried, beside what everybody uses, and how long writers are stopped.

    python -m benchmarks.migrate [--parts blocks files cutover] [--mib 4096] [--files 200000] [--rounds 3] [--seed 8]

- *blocks*: a disk of which 2 % changed, in stretches of 4 MiB at random places, by `blocks` and by ``rsync --inplace``:
  over a link of 200 MB/s (a network namespace of its own whose loopback is slowed down by tc; needs root) and over
  loopback as it is. Throughput of ours divided by theirs: above 1 ours is faster.
- *files*: big files and many small ones, see `benchmarks.migrate.files`.
- *cutover*: PostgreSQL under pgbench, see `benchmarks.migrate.cutover`.

Last line on stdout: one JSON object with the figures.
"""

import argparse
import json
import os
import subprocess
import sys

from benchmarks.migrate import blocks, cutover, files

RATE = "1600mbit"
BIG_MIB = 512
"""Size of a big file; there are four."""
SMALL = 4096
"""Bytes of a small one."""
Figures = dict[str, float | None]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-migrate", description=__doc__)
    parser.add_argument(
        "--parts", nargs="+", choices=("blocks", "files", "cutover"), default=["blocks", "files", "cutover"]
    )
    parser.add_argument("--mib", type=int, default=4096, help="size of the disk")
    parser.add_argument("--files", type=int, default=200_000, help="small files")
    parser.add_argument("--scale", type=int, default=10, help="pgbench's; 10 is a million accounts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(blocks.measured(mib=given.mib, rounds=given.rounds, seed=given.seed)))
        return 0
    measure = {"blocks": _blocks, "files": _files, "cutover": _cutover}
    figures: Figures = {}
    for part in given.parts:
        figures |= measure[part](given)
    print(json.dumps({"target": "bench-migrate", "figures": figures}))
    return 0


def _blocks(given: argparse.Namespace) -> Figures:
    loopback = blocks.measured(mib=given.mib, rounds=given.rounds, seed=given.seed)
    _say("loopback", loopback)
    linked = slowed(["--mib", str(given.mib), "--rounds", str(given.rounds), "--seed", str(given.seed)])
    if linked is None:
        print("link of 200 MB/s: not measured, that needs root, ip and tc", file=sys.stderr)
    else:
        _say("link of 200 MB/s", linked)
    return {
        "block_delta_ratio": round(linked["ratio"], 2) if linked else None,
        "block_delta_loopback": round(loopback["ratio"], 2),
    }


def _files(given: argparse.Namespace) -> Figures:
    big = files.measured(count=4, size=BIG_MIB << 20, rounds=given.rounds, seed=given.seed)
    small = files.measured(count=given.files, size=SMALL, rounds=given.rounds, seed=given.seed)
    print(f"big files: {big}\nsmall files: {small}")
    return {
        "big_files_ratio": round(big["seed_ratio"], 2),
        "small_files_ratio": round(small["seed_ratio"], 2),
        "delta_round_ratio": round(small["round_ratio"], 2),
        "freeze_ratio": round(small["freeze_ratio"], 2),
        "verify_overhead": round(small["verify_overhead"], 2),
    }


def _cutover(given: argparse.Namespace) -> Figures:
    found = cutover.measured(scale=given.scale, rate=100, later=36_000)
    print(f"cut-over: {found}")
    return {name: found[name] for name in ("cutover_stopped_s", "rollback_stopped_s", "lost")}


def slowed(arguments: list[str]) -> dict[str, float] | None:
    """The same in a namespace whose loopback carries 200 MB/s; None where there can be none."""
    space = f"pse-bench-{os.getpid()}"
    setup = ["ip", "netns", "add", space]
    try:
        if subprocess.run(setup, check=False, capture_output=True).returncode:
            return None
    except FileNotFoundError:
        return None
    inside = ["ip", "netns", "exec", space]
    try:
        shape = ["tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", RATE, "burst", "1mb", "latency", "50ms"]
        for command in (["ip", "link", "set", "lo", "up"], shape):
            if subprocess.run([*inside, *command], check=False, capture_output=True).returncode:
                return None
        command = [*inside, sys.executable, "-m", "benchmarks.migrate", "--inside", *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    finally:
        subprocess.run(["ip", "netns", "del", space], check=False)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _say(name: str, found: dict[str, float]) -> None:
    ours, theirs, ratio = (found[key] for key in ("ours_s", "theirs_s", "ratio"))
    print(f"{name}: ours {ours:.2f} s, rsync {theirs:.2f} s: {ratio:.2f} times; {found['sent_mib']:.0f} MiB sent")


if __name__ == "__main__":
    sys.exit(main())
