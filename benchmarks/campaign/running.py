"""Runs a simulated campaign with workers in processes of their own, and judges what they left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.campaign.judging import ideal_s, limit_of, most_at_once, spans
from benchmarks.campaign.simulated import LOG, campaign, entry_point, limiting, settings

_ROOT = Path(__file__).parents[2]
_WITHIN_S = 3600.0


@dataclass(frozen=True)
class Result:
    """What a run gave.

    Attributes:
        moves: Moves asked for.
        moved: Moves that ended, each once as far as the log says.
        states: States of all workloads in the end.
        worst: Most at once over its limit, by kind of limit, as ``11 of 16``.
        kept: No limit was exceeded, and all moves are verified.
        seconds: Of the controller, from asking to the end.
        ideal_s: Of an ideal schedule.
        ratio: Ideal over actual.
        taken_up_s: Seconds from a kill until the last move of that worker was begun or ended at another.
        memory_mib: Most memory of the controller.
        worker_mib: Most memory of a worker.
    """

    moves: int
    moved: int
    states: tuple[str, ...]
    worst: dict[str, str]
    kept: bool
    seconds: float
    ideal_s: float
    ratio: float
    taken_up_s: float | None
    memory_mib: int | None
    worker_mib: int | None

    def figures(self) -> dict[str, object]:
        """As JSON has them."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is run.

    Attributes:
        moves: Moves in all.
        workers: Processes, the controller being one.
        parallel: Moves at once in each.
        mean_s: Mean seconds of a move.
        total: Most moves at once in all; see `benchmarks.campaign.simulated.limiting`.
        waves: Waves.
        kills: Workers that are killed with -9, one after the other.
    """

    moves: int
    workers: int
    parallel: int
    mean_s: float
    total: int
    waves: int = 1
    kills: int = 0


def run(root: Path, url: str, shape: Shape) -> Result:
    """Run it in a workspace at ``root`` on an empty PostgreSQL database."""
    of = limiting(shape.total)
    entry_point(root / "packages")
    (root / "pse.toml").write_text(f'entity = "Simulated"\n{settings(of)}', encoding="utf-8")
    (root / "hosts.toml").write_text("", encoding="utf-8")
    path = os.pathsep.join([str(_ROOT), str(root / "packages")])
    environment = {**os.environ, "PSE_DATABASE_URL": url, "PYTHONPATH": path}
    words = [str(one) for one in (root, shape.moves, shape.mean_s, shape.waves, shape.parallel)]
    line = [sys.executable, "-m", "benchmarks.campaign.process"]

    def start(kind: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*line, kind, *words], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )

    hands = [start("worker") for _ in range(shape.workers - 1)]
    controller = start("controller")
    killed: dict[int, float] = {}
    try:
        for victim in hands[: shape.kills]:
            _until(partial(_works, root, victim.pid), victim)
            victim.kill()
            victim.communicate()
            killed[victim.pid] = time.time()
        said = json.loads(controller.communicate(timeout=_WITHIN_S)[0].splitlines()[-1])
        for one in hands[shape.kills :]:
            one.send_signal(signal.SIGTERM)
        told = [json.loads(one.communicate(timeout=60)[0].splitlines()[-1]) for one in hands[shape.kills :]]
    finally:
        for one in (*hands, controller):
            one.kill()
            one.wait()
            if one.stdout is not None:
                one.stdout.close()
    bundle = campaign(shape.moves, mean_s=shape.mean_s, waves=shape.waves)
    found = spans(root, killed)
    worst = most_at_once(bundle, of, found)
    ideal = ideal_s(bundle, of, (shape.workers - shape.kills) * shape.parallel)
    kinds: dict[str, tuple[int, int]] = {}
    for key, count in worst.items():
        kind = key if key.startswith("link") else key.split(" ")[0]
        kinds[kind] = max(kinds.get(kind, (0, 0)), (count, limit_of(key, of)))
    return Result(
        moves=shape.moves,
        moved=len({name for name, _, _ in found}),
        states=tuple(said["states"]),
        worst={kind: f"{count} of {limit}" for kind, (count, limit) in sorted(kinds.items())},
        kept=all(count <= limit_of(key, of) for key, count in worst.items()) and said["states"] == ["verified"],
        seconds=said["seconds"],
        ideal_s=round(ideal, 2),
        ratio=round(ideal / said["seconds"], 3),
        taken_up_s=_taken_up(root, killed),
        memory_mib=said["memory_mib"],
        worker_mib=max((one["memory_mib"] for one in told), default=None),
    )


def _lines(root: Path) -> list[dict[str, object]]:
    path = root / LOG
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _works(root: Path, pid: int) -> bool:
    """A process has begun two moves more than it ended."""
    mine = [line["what"] for line in _lines(root) if line["pid"] == pid]
    return mine.count("start") - mine.count("end") >= 2


def _taken_up(root: Path, killed: dict[int, float]) -> float | None:
    late = []
    lines = _lines(root)
    for pid, at in killed.items():
        had = {line["workload"] for line in lines if line["pid"] == pid and line["what"] == "start"}
        had -= {line["workload"] for line in lines if line["pid"] == pid and line["what"] == "end"}
        for name in had:
            after = [float(str(one["at"])) for one in lines if one["workload"] == name and one["pid"] != pid]
            late.append(min(after) - at if after else float("inf"))
    return round(max(late), 2) if late else None


def _until(look: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not look():
        if time.monotonic() > deadline or process.poll() is not None:
            raise TimeoutError("nothing was begun")
        time.sleep(0.1)
