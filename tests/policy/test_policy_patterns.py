"""Patterns of ids."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from policy.patterns import matches

TEXT = st.text(alphabet="aB*?[]!-/.|\n", max_size=6)


@given(patterns=st.lists(TEXT, max_size=4), name=TEXT)
def test_law_several_patterns_are_as_one_after_the_other(patterns: list[str], name: str) -> None:
    assert matches(tuple(patterns), name) is any(fnmatchcase(name, one) for one in patterns)


def test_none_match_nothing_and_capitals_count() -> None:
    assert not matches((), "")
    assert matches(("pay*",), "payments")
    assert not matches(("pay*",), "Payments")
    assert not matches(("pay",), "payments")
