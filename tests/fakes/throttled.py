"""A cloud that takes so many calls a second and refuses the others, and a storm of calls to it."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from providers.plugin.calls import Calls, Paces
from providers.plugin.pace import Pace
from providers.ports import PortError


class Throttled:
    """Takes ``limit`` calls in any second and refuses the others."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic, retry_after_s: float = 0.0) -> None:
        self.limit = limit
        self.refused = 0
        self._retry_after_s = retry_after_s
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()

    def __call__(self) -> None:
        with self._lock:
            now = self._clock()
            while self._taken and self._taken[0] <= now - 1:
                self._taken.popleft()
            if len(self._taken) >= self.limit:
                self.refused += 1
                raise PortError("too many", reason="throttle", retry_after_s=self._retry_after_s)
            self._taken.append(now)


class Heedless(Pace):
    """Holds nothing back."""

    def refused(self, begun: float, retry_after_s: float = 0.0) -> None:
        pass


class HeedlessPaces(Paces):
    """Calls as they would be without a limiter."""

    def at(self, place: str) -> Pace:
        del place
        return Heedless()


def storm(act: Callable[[], object], paces: Paces, *, calls: int = 64) -> int:
    """How many of so many calls at once got through."""
    runner = Calls(paces)

    def one(_: int) -> bool:
        try:
            runner.again(act, at="place", deadline=time.monotonic() + 60)
        except PortError:
            return False
        return True

    with ThreadPoolExecutor(calls) as pool:
        return sum(pool.map(one, range(calls)))
