"""How fast calls may begin at one place: as they come, until its cloud says that it is too much.

After a throttle answer nothing begins for a second, or for as long as the cloud asks. Then calls go on at seven tenths
of the rate that the cloud took, which grows again along the cubic curve of RFC 9438, as in botocore's adaptive mode:
fast up to the rate that was too much, slowly past it, fast again where there was more to be had.
"""

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

WINDOW_S = 1.0
"""Clouds count by the second; so do we."""
MOST_HELD_S = 120.0
"""Seconds of the longest pause at a place, whatever the cloud asks for."""
LEAST_RATE = 0.5
FREE_RATE = 64.0
"""Calls a second, as many as there are threads: from here on, and twice what was too much, nothing is held back."""
_BETA, _SCALE = 0.7, 0.4
"""Of RFC 9438 and botocore: what is left of the rate after a refusal, and how steeply it grows."""


class Pace:
    """Turns at one place; safe to use from many threads.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Hold nothing back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: deque[float] = deque()
        self._refused = 0
        self._cut = float("-inf")
        self._held_until = float("-inf")
        self._settled = True
        self._most = 0.0
        self._next = float("-inf")

    def ask(self) -> float:
        """Take a turn: 0 when the call may begin, and counts as begun; else seconds until it is worth asking again."""
        with self._lock:
            now = self._clock()
            held = max(self._held_until, self._next)
            if now < held:
                return held - now
            if not self._settled:
                self._settle()
            if self._most:
                rate = self._rate(now)
                if rate >= max(FREE_RATE, 2 * self._most):
                    self._most = 0.0
                else:
                    self._next = now + 1 / rate
            self._forget(now)
            self._begun.append(now)
            return 0.0

    def refused(self, begun: float, retry_after_s: float = 0.0) -> None:
        """Slow down: the cloud was asked too often.

        Args:
            begun: When the call began that was refused. Calls of one volley slow down once, not each.
            retry_after_s: What the cloud asked for; 0 when it did not.
        """
        with self._lock:
            now = self._clock()
            self._refused += 1
            if begun >= self._cut:
                self._forget(now)
                self._refused = 1
                self._cut = now
                self._settled = False
                self._held_until = now + WINDOW_S
            if retry_after_s:
                self._held_until = max(self._held_until, now + min(retry_after_s, MOST_HELD_S))

    def _settle(self) -> None:
        """The rate that the cloud took in the second before it refused: what was begun, less what it refused."""
        self._most = max(LEAST_RATE, (len(self._begun) - self._refused) / WINDOW_S)
        self._settled = True
        self._cut = self._held_until

    def _rate(self, now: float) -> float:
        back = (self._most * (1 - _BETA) / _SCALE) ** (1 / 3)
        grown: float = _SCALE * (now - self._cut - back) ** 3 + self._most
        return max(LEAST_RATE, grown)

    def _forget(self, now: float) -> None:
        while self._begun and self._begun[0] <= now - WINDOW_S:
            self._begun.popleft()
