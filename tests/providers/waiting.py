"""Polling with a deadline."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def wait_for(holds: Callable[[], object], *, timeout_s: float = 30.0) -> None:
    """Wait until ``holds`` is true; fail when it does not become so."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it did not become true in time")
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def parent(pid: int) -> int:
    """Process id of the parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill(pid: int) -> None:
    """kill -9."""
    os.kill(pid, 9)
