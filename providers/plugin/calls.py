"""Calls to an adapter under a deadline: the engine never cuts a call, so the plugin has to."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import monotonic
from typing import Any, TypeVar

from providers.ports import PartlyMade, PortError
from pse.core.errors import RemoteError

T = TypeVar("T")

GRACE_S = 3.0
"""Seconds that a call may go on after Cancel; the engine's user is promised an end within 5."""
RETRY = frozenset({"throttle", "transient"})
ATTEMPTS = 4
BASE_S = 0.25


class Interrupted(RemoteError):
    """A call was given up: cancelled, or past its deadline. What it does at the cloud goes on."""

    code = "interrupted"


class Calls:
    """Runs the calls of one connection.

    Args:
        threads: Calls at once.
    """

    def __init__(self, threads: int = 64) -> None:
        """Start no thread yet."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="adapter")
        self._cancelled: Future[None] = Future()
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.done()

    def cancel(self) -> None:
        """End all calls soon; calls after this one end at once."""
        with self._lock:
            if not self._cancelled.done():
                self._cancelled.set_result(None)

    @staticmethod
    def deadline(timeout_s: float) -> float:
        """The moment ``timeout_s`` seconds from now, for `run`."""
        return monotonic() + timeout_s

    def run(self, act: Callable[[], T], *, deadline: float) -> T:
        """The result of ``act``.

        Args:
            act: The call.
            deadline: On the monotonic clock.

        Raises:
            Interrupted: Cancelled or too late; ``act`` goes on alone.
        """
        if self._cancelled.done():
            raise Interrupted("cancelled before the call")
        future = self._pool.submit(act)
        left = max(0.0, deadline - monotonic())
        ends: tuple[Future[Any], ...] = (future, self._cancelled)
        wait(ends, timeout=left, return_when=FIRST_COMPLETED)
        if not future.done() and self._cancelled.done():
            wait((future,), timeout=min(GRACE_S, max(0.0, deadline - monotonic())))
        if not future.done():
            future.cancel()
            raise Interrupted("cancelled" if self._cancelled.done() else "it took longer than its timeout")
        return future.result()

    def probe(self, act: Callable[[], T], *, timeout_s: float) -> T | None:
        """One quick look, also after Cancel; None when it gave no answer in time."""
        future = self._pool.submit(act)
        wait((future,), timeout=timeout_s)
        if not future.done() or future.exception() is not None:
            return None
        return future.result()

    def again(self, act: Callable[[], T], *, deadline: float, reasons: frozenset[str] = RETRY) -> T:
        """Like `run`, and tried again with growing pauses while the cloud's answer is one of ``reasons``.

        Only for calls that are safe to repeat.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.run(act, deadline=deadline)
            except PartlyMade:
                # It stands, and waiting for it was the adapter's part.
                raise
            except PortError as exc:
                if exc.reason not in reasons or attempt == ATTEMPTS or not self.pause(attempt, deadline):
                    raise
        raise AssertionError

    def pause(self, attempt: int, deadline: float) -> bool:
        """Wait before the next attempt; False when cancelled or when there is no time left for one."""
        # Jitter keeps 64 calls that were throttled together from coming back together; no secret hangs on it.
        pause = BASE_S * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
        if monotonic() + pause >= deadline:
            return False
        wait((self._cancelled,), timeout=pause)
        return not self._cancelled.done()
