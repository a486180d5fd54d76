"""What a run costs: the controller's processes down to the last orphan, and all that runs on the hosts."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.discovery.lab import Lab

_TICK = os.sysconf("SC_CLK_TCK")
_SUBREAPER = 36
_LIMIT_S = 900


class Cost(NamedTuple):
    """What one run took.

    Attributes:
        wall: Seconds from the start of the process to its end.
        controller: CPU seconds of the process and all that it started on this side.
        host: CPU seconds on all hosts together.
        peak_mib: Largest resident memory of one process of the controller.
        output: What it wrote on stdout.
    """

    wall: float
    controller: float
    host: float
    peak_mib: float
    output: str


def adopt_orphans() -> None:
    """Let what a run leaves in the background become our child, so that its CPU is counted, too (prctl(2))."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def cost(lab: Lab, command: Sequence[str], *, env: dict[str, str], cwd: Path) -> Cost:
    """Run ``command`` and say what it cost.

    Raises:
        RuntimeError: It failed; the end of what it said is in the message.
    """
    before = hosts_cpu(lab)
    log = cwd / "stderr.log"
    began = time.monotonic()
    with log.open("wb") as errors, (cwd / "stdout.log").open("w+b") as out:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
    controller = used.ru_utime + used.ru_stime + _reap()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended {process.returncode}: {output[-1500:]}\n{log.read_text()[-1500:]}")
    return Cost(wall, controller, hosts_cpu(lab) - before, used.ru_maxrss / 1024, output)


def _reap() -> float:
    """End what was left in the background (connections kept for later) and return its CPU seconds.

    Only children of this very process are touched: those that the run orphaned. Lab hosts outlive the process that
    made them on purpose, and carry bubblewrap's name.
    """
    seconds = 0.0
    for pid in _children(os.getpid()):
        if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() != "ssh":
            continue
        os.kill(pid, signal.SIGTERM)
        _, _, used = os.wait4(pid, 0)
        seconds += used.ru_utime + used.ru_stime
    return seconds


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def hosts_cpu(lab: Lab) -> float:
    """CPU seconds of everything that ran on the hosts since they started."""
    parents: dict[int, list[tuple[int, int]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append((int(entry.name), sum(map(int, fields[11:15]))))
    total, todo = 0, [host.pid for host in lab.hosts if host.pid is not None]
    own = {pid: ticks for children in parents.values() for pid, ticks in children}
    total = sum(own.get(pid, 0) for pid in todo)
    while todo:
        for pid, ticks in parents.get(todo.pop(), ()):
            total += ticks
            todo.append(pid)
    return total / _TICK
