"""Work on all processors: the same as without, and its failures too."""

import os
import signal

import pytest

from pse.core.errors import Refused, RemoteError
from pse.core.forked import forked


def _squared(number: int) -> int:
    if number < 0:
        raise Refused("less than nothing", where=str(number), hint="Take another.")
    return number * number


@pytest.mark.parametrize("least", [1, 2_000])
def test_what_is_made_comes_in_the_order_of_the_things(least: int) -> None:
    offset = 3  # seen by the processes, and handed to none of them

    def made(number: int) -> int:
        return _squared(number) + offset

    assert forked(made, range(1_001), int, least=least) == [number * number + 3 for number in range(1_001)]
    assert forked(made, [], int, least=least) == []


@pytest.mark.parametrize("least", [1, 2_000])
def test_a_refusal_comes_through_with_place_and_hint(least: int) -> None:
    with pytest.raises(Refused, match="less than nothing") as caught:
        forked(_squared, [1, 2, -3, 4], int, least=least)
    assert (caught.value.where, caught.value.hint) == ("-3", "Take another.")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor: no process of its own is made")
def test_a_process_that_is_killed_is_an_error_and_no_wait() -> None:
    here = os.getpid()

    def dying(number: int) -> int:
        if number == 5 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(RemoteError, match="ended from outside"):
        forked(dying, range(10), int, least=1)
