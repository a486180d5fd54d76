"""Bounded waits for a state: every one of them looks, pauses and gives up."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_FIRST_S, _GROWTH, _LONGEST_S = 0.15, 1.4, 3.0


def poll(look: Callable[[], T | None], *, within_s: float) -> T | None:
    """The first answer of ``look`` that is not None; None when there was none in time.

    Args:
        look: Asks the cloud.
        within_s: Seconds; at least one look is taken.
    """
    end = time.monotonic() + within_s
    pause = _FIRST_S
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() + pause > end:
            return None
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_S)
