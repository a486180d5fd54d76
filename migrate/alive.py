"""Signs of life of a worker, and its end where they were not heard: two must not work on one workload.

What ends it asks no database, because a line that was cut off without a word answers nothing, and counts time that the
process or its machine slept. It ends as a kill does, which everything here is made for.
"""

import contextlib
import os
import select
import signal
import threading
import time
from pathlib import Path
from typing import NoReturn

from migrate.turns import BEAT_S, LEASE_S, Turns

WATCH_S = 0.5
"""Seconds between two looks at the clock."""
_AGAIN_S = 1.0
"""Seconds after which a beat that was not heard is sent again."""


class Alive:
    """Says that a worker lives, from `begin` to `end`.

    Args:
        turns: Whom it is said to.
        worker: Its id.
        heard: Moment (`awake_s`) before it joined.
        leases: Its turns are lost when it is not heard of; not so at SQLite, where a lock says who works.
    """

    def __init__(self, turns: Turns, worker: str, *, heard: float, leases: bool) -> None:
        """Remember them; nothing is said yet."""
        self._turns = turns
        self._worker = worker
        self._heard = heard
        self._leases = leases
        self._silent, self._over = threading.Event(), threading.Event()
        self._saying = threading.Thread(target=self._say, daemon=True)

    def begin(self) -> None:
        """Say it again and again."""
        self._saying.start()
        if self._leases:
            threading.Thread(target=self._watch, daemon=True).start()

    def fall_silent(self) -> None:
        """Say it no more; what is watched is watched on."""
        self._silent.set()
        self._saying.join()

    def end(self) -> None:
        """Nothing of the worker's is in hand any more."""
        self._over.set()

    def look(self) -> None:
        """End the process when too much of its lease has passed; asked before whatever it does."""
        if self._leases and not self._over.is_set() and awake_s() - self._heard > LEASE_S * 2 / 3:
            die("this process was not heard of for too long; others go on with its moves")

    def _say(self) -> None:
        pause = BEAT_S
        while not self._silent.wait(pause):
            # The lease begins when the database takes it, so not before it was sent.
            sent = awake_s()
            try:
                lives = self._turns.beat(self._worker)
            except Exception:  # noqa: BLE001 - whatever the driver raises: the database is not there
                pause = min(_AGAIN_S, BEAT_S)
                continue
            if not lives and self._leases:
                die("this process was given up; others go on with its moves")
            self._heard, pause = sent, BEAT_S

    def _watch(self) -> None:
        while not self._over.wait(WATCH_S):
            self.look()


def awake_s() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def die(why: str) -> NoReturn:
    """End as a kill does, and ask what this process started to end too.

    Raises:
        SystemExit: Never; SIGKILL comes before.
    """
    try:
        for pid in _children():
            # Not -9: Pulumi's engine lets its plugins end, and frees its stack, which nobody else gets until then.
            with contextlib.suppress(OSError):
                (os.killpg if os.getpgid(pid) == pid else os.kill)(pid, signal.SIGTERM)
        # Whoever reads it may be gone, and must hold nothing up.
        if select.select([], [2], [], 0)[1]:
            os.write(2, f"{why}\n".encode())
    finally:
        os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit(why)


def _children() -> list[int]:
    """Pids of what this process started itself."""
    found, mine = list[int](), str(os.getpid())
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name, in brackets, may hold anything; state and parent come after it.
            if path.read_text(errors="replace").rpartition(")")[2].split()[1] == mine:
                found.append(int(path.parent.name))
    return found
