"""Identity in a description, as two clouds keep it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kit.descriptions import read, written
from providers.openstack import marks
from providers.ports import Identity, PortError

WORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=20)
ME = Identity(stack="unit-0123456789ab", urn="a" * 32, op="b" * 32)


@given(stack=WORDS, urn=WORDS, op=WORDS, notes=st.dictionaries(st.sampled_from(("workload", "cidr", "router")), WORDS))
def test_what_was_written_is_read(stack: str, urn: str, op: str, notes: dict[str, str]) -> None:
    identity = Identity(stack=stack, urn=urn, op=op)
    text = written(identity, most=2048, **notes)
    assert read(text) == (identity, notes)
    found = marks.of_description(text)
    assert (found.identity, dict(found.notes)) == (identity, notes)


@pytest.mark.parametrize("text", [None, "", "a stranger's words", "pse-stack=a pse-urn=b", "workload=portal"])
def test_strangers_words_are_nobodys(text: str | None) -> None:
    assert read(text) == (None, {})
    assert marks.of_description(text) == marks.Marks()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(PortError, match="do not fit into 255"):
        marks.description(ME, workload="w" * 255)
    with pytest.raises(PortError, match="space"):
        written(ME, most=255, workload="two words")
