"""Bounded waits for a state: every one of them looks, pauses and gives up."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from providers.ports import PortError

T = TypeVar("T")

FIRST_S, GROWTH, MOST_S = 0.1, 1.5, 5.0
"""Seconds of the first pause, what each next one is longer by, and the longest."""
_NEVER = threading.Event()


def poll(look: Callable[[], T | None], *, within_s: float, closed: threading.Event = _NEVER) -> T | None:
    """The first answer of ``look`` that is not None; None when there was none in time.

    Args:
        look: Asks the cloud.
        within_s: Seconds; at least one look is taken.
        closed: Ends the wait when it is set.
    """
    end = monotonic() + within_s
    pause = FIRST_S
    while (found := look()) is None:
        if monotonic() + pause > end or closed.wait(pause):
            return None
        pause = min(pause * GROWTH, MOST_S)
    return found


def patiently(look: Callable[[], T | None], *, within_s: float, closed: threading.Event) -> T | None:
    """The same where a throttled or failed look is no answer, and not the end of waiting for what was begun."""

    def once() -> T | None:
        try:
            return look()
        except PortError as exc:
            if exc.reason not in {"throttle", "transient"}:
                raise
            return None

    return poll(once, within_s=within_s, closed=closed)
