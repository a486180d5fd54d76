"""A list that a cloud never ends is ended here; circles are planted at every cloud by the suite."""

import pytest

from providers.kit.paging import MOST, Pages
from providers.ports import PortError


def test_pages_that_are_always_new_end_too() -> None:
    pages = Pages("a list")
    for number in range(MOST - 1):
        pages.turn(str(number))
    with pytest.raises(PortError, match=f"more than {MOST} pages"):
        pages.turn("new")


def test_page_that_was_there_is_a_circle() -> None:
    pages = Pages("a list")
    pages.turn("a")
    pages.turn("b")
    with pytest.raises(PortError, match="circle"):
        pages.turn("a")
