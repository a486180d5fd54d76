"""`make bench-migrate`: how fast what changed is carried, beside what everybody would use.

    python -m benchmarks.migrate [--mib 4096] [--rounds 3] [--seed 8]

A disk of which 2 % changed, in stretches of 4 MiB at random places, by `blocks` and by ``rsync --inplace``: over a link
of 200 MB/s (a network namespace of its own whose loopback is slowed down by tc; needs root) and over loopback as it is.
Throughput of ours divided by theirs: above 1 ours is faster. Last line on stdout: one JSON object with the figures.
"""

import argparse
import json
import os
import subprocess
import sys

from benchmarks.migrate.blocks import measured

RATE = "1600mbit"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-migrate", description=__doc__)
    parser.add_argument("--mib", type=int, default=4096, help="size of the disk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(measured(mib=given.mib, rounds=given.rounds, seed=given.seed)))
        return 0
    loopback = measured(mib=given.mib, rounds=given.rounds, seed=given.seed)
    _say("loopback", loopback)
    linked = slowed(["--mib", str(given.mib), "--rounds", str(given.rounds), "--seed", str(given.seed)])
    if linked is None:
        print("link of 200 MB/s: not measured, that needs root, ip and tc", file=sys.stderr)
    else:
        _say("link of 200 MB/s", linked)
    figures = {
        "block_delta_ratio": round(linked["ratio"], 2) if linked else None,
        "block_delta_loopback": round(loopback["ratio"], 2),
    }
    print(json.dumps({"target": "bench-migrate", "figures": figures}))
    return 0


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
