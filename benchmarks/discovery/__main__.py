"""`make bench-discovery`: lab hosts asked by us, by Ansible and by pyinfra, in turn, on the same processors.

    python -m benchmarks.discovery [--hosts 100] [--rounds 2] [--only ours]

A table, then one JSON object as the last line on stdout. Ends 0 when it was measured, whatever it says.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.discovery import lab, meter, peers
from benchmarks.discovery.lab import Lab
from benchmarks.discovery.meter import Cost

SAME = ("identity", "system", "cpu", "memory", "use", "surroundings", "disks", "block_numbers", "mounts", "nics")
"""Our facts that stand for what Ansible's `setup` gathers."""
TEN = ("identity", "system", "cpu", "memory", "disks", "block_numbers", "mounts", "nics")
"""Our facts that stand for pyinfra's ten."""
TIMES = 10


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="make bench-discovery", description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="runs to make, of ours-same ours-all ansible …")
    given = parser.parse_args()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pse" / "bench-discovery"

    with lab.running(given.hosts) as room, tempfile.TemporaryDirectory(prefix="pse-bench-") as temporary:
        meter.adopt_orphans()
        bench = _Bench(room, Path(temporary), cache)
        wanted = [name for name in bench.runs if not given.only or name in given.only]
        costs: dict[str, list[Cost]] = {name: [] for name in wanted}
        for _ in range(given.rounds):
            for name in wanted:
                costs[name].append(bench.run(name))
                _tell(name, costs[name][-1])
    print(json.dumps({"target": "bench-discovery", "figures": figures(costs, given.hosts)}))
    return 0


class _Bench:
    """The runs by name, each in a folder of its own."""

    def __init__(self, room: Lab, folder: Path, cache: Path) -> None:
        self._room, self._folder, self._cache, self._count = room, folder, cache, 0
        self.runs: dict[str, Callable[[Path], tuple[list[str], dict[str, str]]]] = {
            "ours-same": lambda at: self._ours(at, SAME),
            "ansible": lambda at: peers.ansible(room, peers.installed(cache), at),
            "ours-all": lambda at: self._ours(at, ()),
            "pyinfra": lambda at: peers.pyinfra(room, peers.installed(cache), at),
            "ours-ten": lambda at: self._ours(at, TEN),
            f"ours-all-x{TIMES}": lambda at: self._ours(at, (), names_each=TIMES),
        }

    def run(self, name: str) -> Cost:
        """One run."""
        self._count += 1
        folder = self._folder / f"{self._count}"
        folder.mkdir()
        command, env = self.runs[name](folder)
        return meter.cost(self._room, command, env=env, cwd=folder)

    def _ours(self, folder: Path, facts: tuple[str, ...], *, names_each: int = 1) -> tuple[list[str], dict[str, str]]:
        workspace = self._room.workspace(folder / "workspace", names_each=names_each)
        command = [sys.executable, "-m", "benchmarks.discovery.ours", str(workspace), *facts]
        return command, peers.environment(folder) | {"PYTHONPATH": str(Path.cwd())}


def figures(costs: dict[str, list[Cost]], hosts: int) -> dict[str, float | None]:
    """The figures of the last line; None for what was not measured."""

    def middle(name: str, of: Callable[[Cost], float]) -> float | None:
        return median(map(of, costs[name])) if costs.get(name) else None

    def ratio(over: str, under: str, of: Callable[[Cost], float]) -> float | None:
        above, below = middle(over, of), middle(under, of)
        return round(above / below, 2) if above is not None and below else None

    many = f"ours-all-x{TIMES}"
    cpu = middle("ours-all", lambda c: c.controller)
    return {
        "same_wall_vs_ansible": ratio("ansible", "ours-same", lambda c: c.wall),
        "same_controller_cpu_vs_ansible": ratio("ansible", "ours-same", lambda c: c.controller),
        "same_host_cpu_vs_ansible": ratio("ansible", "ours-same", lambda c: c.host),
        "all_wall_vs_ansible": ratio("ansible", "ours-all", lambda c: c.wall),
        "wall_vs_pyinfra": ratio("pyinfra", "ours-ten", lambda c: c.wall),
        "controller_cpu_ms_per_host": None if cpu is None else round(cpu / hosts * 1000, 1),
        f"peak_mib_{hosts * TIMES}": middle(many, lambda c: round(c.peak_mib, 1)),
        f"growth_{TIMES}x": ratio(many, "ours-all", lambda c: c.wall),
    }


def _tell(name: str, cost: Cost) -> None:
    print(
        f"{name:16s} wall {cost.wall:7.2f} s   controller {cost.controller:6.2f} s   hosts {cost.host:6.2f} s   "
        f"peak {cost.peak_mib:6.1f} MiB   {cost.output.strip()[-150:] if name.startswith('ours') else ''}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
