"""Calls to an adapter under a deadline: the engine never cuts a call, so the plugin has to."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import monotonic
from typing import Any, TypeVar

from providers.plugin.pace import Pace
from providers.ports import PartlyMade, PortError
from pse.core.errors import RemoteError

T = TypeVar("T")

GRACE_S = 2.5
"""Seconds that a call may go on after Cancel; the engine's user is promised an end within 5."""
RETRY = frozenset({"throttle", "transient"})
ATTEMPTS = 4
"""Of a call that may have been done, or whose repetition something stands in the way of."""
PATIENCE_S = 300.0
"""Seconds for which a throttled call is tried again: the cloud has not looked at it, and others get through."""
BASE_S, MOST_S = 0.25, 8.0
"""Seconds that the pauses between attempts grow from and to."""


class Interrupted(RemoteError):
    """A call was given up: cancelled, or past its deadline. What it does at the cloud goes on."""

    code = "interrupted"


TOO_LONG = "it took longer than its timeout"


class Paces:
    """The pace of each place. All connections of a process share it, as they share the account."""

    def __init__(self) -> None:
        """Know no place yet."""
        self._lock = threading.Lock()
        self._paces: dict[str, Pace] = {}

    def at(self, place: str) -> Pace:
        """The pace of a place."""
        with self._lock:
            return self._paces.setdefault(place, Pace())


class Calls:
    """Runs the calls of one connection.

    Args:
        paces: Of all connections; its own when there is but this one.
        threads: Calls at once.
    """

    def __init__(self, paces: Paces | None = None, *, threads: int = 64) -> None:
        """Start no thread yet."""
        self._paces = paces or Paces()
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

    def run(self, act: Callable[[], T], *, at: str, deadline: float) -> T:
        """The result of ``act``, begun when it is its turn.

        Args:
            act: The call.
            at: Place that is called.
            deadline: On the monotonic clock.

        Raises:
            Interrupted: Cancelled or too late; an ``act`` that has begun goes on alone.
        """
        pace = self._paces.at(at)
        if self._cancelled.done():
            raise Interrupted("cancelled before the call")
        while wanted := pace.ask():
            self.rest(wanted, deadline=deadline)
        begun = monotonic()
        future = self._pool.submit(act)
        ends: tuple[Future[Any], ...] = (future, self._cancelled)
        wait(ends, timeout=max(0.0, deadline - begun), return_when=FIRST_COMPLETED)
        if not future.done() and self._cancelled.done():
            wait((future,), timeout=min(GRACE_S, max(0.0, deadline - monotonic())))
        if not future.done():
            future.cancel()
            raise Interrupted("cancelled" if self._cancelled.done() else TOO_LONG)
        try:
            return future.result()
        except PortError as exc:
            if exc.reason == "throttle":
                pace.refused(begun, exc.retry_after_s)
            raise

    def probe(self, act: Callable[[], T], *, timeout_s: float) -> T | None:
        """One quick look, also after Cancel and out of turn; None when it gave no answer in time."""
        future = self._pool.submit(act)
        wait((future,), timeout=timeout_s)
        if not future.done() or future.exception() is not None:
            return None
        return future.result()

    def again(self, act: Callable[[], T], *, at: str, deadline: float, reasons: frozenset[str] = RETRY) -> T:
        """Like `run`, and tried again with growing pauses while the cloud's answer is one of ``reasons``.

        Only for calls that are safe to repeat.
        """
        tries = Tries(self, deadline)
        while True:
            try:
                return self.run(act, at=at, deadline=deadline)
            except PartlyMade:
                # It stands, and waiting for it was the adapter's part.
                raise
            except PortError as exc:
                if exc.reason not in reasons or not tries.once_more(exc):
                    raise

    def rest(self, seconds: float, *, deadline: float) -> None:
        """Do nothing for a while.

        Raises:
            Interrupted: Cancelled, or the deadline would be over.
        """
        if monotonic() + seconds >= deadline:
            raise Interrupted(TOO_LONG)
        wait((self._cancelled,), timeout=seconds)
        if self.cancelled:
            raise Interrupted("cancelled")


class Tries:
    """Whether one call is tried once more, and the pause before it.

    Args:
        calls: Whose Cancel counts.
        deadline: On the monotonic clock.
    """

    def __init__(self, calls: Calls, deadline: float) -> None:
        """Nothing was tried yet."""
        self._calls = calls
        self._deadline = deadline
        self._patient_until = min(deadline, monotonic() + PATIENCE_S)
        self._attempts = 0
        self._throttled = 0

    def once_more(self, said: PortError) -> bool:
        """Wait for the next attempt; False when it was cancelled, tried too often, or when no time is left for it."""
        throttled = said.reason == "throttle"
        self._attempts += not throttled
        self._throttled += throttled
        # Jitter keeps 64 calls that failed together from coming back together; no secret hangs on it.
        pause = min(MOST_S, BASE_S * 2 ** (self._attempts + self._throttled)) * random.uniform(0.5, 1.5)  # noqa: S311
        pause = max(pause, said.retry_after_s)
        end = self._patient_until if throttled else self._deadline
        if self._attempts >= ATTEMPTS or monotonic() + pause >= end:
            return False
        try:
            self._calls.rest(pause, deadline=self._deadline)
        except Interrupted:
            return False
        return True
