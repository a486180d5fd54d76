"""Money, days, text, findings, categories and the schema of resources."""

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pse.core.documents.category import Category, strictest
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity, worst
from pse.core.money import cents, total
from pse.core.schema import KINDS, Rests
from pse.core.text import csv_cell, duration, json_safe, printable
from pse.core.time import parse_day

AMOUNTS = st.lists(st.none() | st.decimals(min_value=0, max_value=10**9, places=4), max_size=20)


@given(AMOUNTS)
def test_a_total_counts_what_it_leaves_out(amounts: list[Decimal | None]) -> None:
    known, missing = total(amounts)
    assert missing == amounts.count(None)
    assert known == sum((a for a in amounts if a is not None), Decimal(0))


@pytest.mark.parametrize(
    ("amount", "shown"), [("0.005", "0.00"), ("0.015", "0.02"), ("2.675", "2.68"), ("-1", "-1.00")]
)
def test_cents_round_half_even(amount: str, shown: str) -> None:
    assert str(cents(Decimal(amount))) == shown


def test_a_day_is_of_the_calendar() -> None:
    assert parse_day("2024-02-29", where="x") == date(2024, 2, 29)
    for wrong in ("2023-02-29", "tomorrow", ""):
        with pytest.raises(BadInput, match="not a date") as caught:
            parse_day(wrong, where="--as-of")
        assert caught.value.where == "--as-of"


@given(st.text())
def test_printable_text_moves_no_cursor_and_turns_no_direction(text: str) -> None:
    shown = printable(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Zl", "Zp"}]
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set("\u202e\u2066\u200b\ufeff\x1b")


def test_printable_keeps_urdu() -> None:
    assert printable("وزارت") == "وزارت"
    assert printable("a\x1b[2J\u202eb") == r"a\x1b[2J\u202eb"
    assert printable("a\nb\tc\r\u2028") == r"a\nb\tc\r\u2028"


@given(st.text())
def test_json_stays_the_same_json(text: str) -> None:
    import json

    encoded = json.dumps({"t": text}, ensure_ascii=False)
    assert json.loads(json_safe(encoded)) == {"t": text}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert csv_cell(text) == f"'{text}"
    assert csv_cell("plain") == "plain"


@given(st.lists(st.sampled_from(Category), min_size=1))
def test_a_group_takes_the_strictest(categories: list[Category]) -> None:
    assert strictest(categories) == max(categories, key=lambda c: c.rank)
    assert strictest([*categories, None]) is None


def test_no_members_are_unclassified() -> None:
    assert strictest([]) is None


def test_the_worst_finding() -> None:
    found = [Finding(code="PSE-I001", severity=s, subject="a", message="b") for s in (Severity.INFO, Severity.ERROR)]
    assert worst(found) is Severity.ERROR
    assert worst([]) is None


def test_every_resource_says_where_it_is_and_what_it_refers_to() -> None:
    for kind in KINDS.values():
        fields = kind.input_fields()
        assert fields["place"].rule.rests is Rests.PLACE
        for field in [*fields.values(), *kind.output_fields().values()]:
            assert (field.rule.rests is Rests.REFERENCE) == bool(field.rule.to)
            assert not field.rule.to or field.rule.to in KINDS


def test_a_duration_in_its_two_largest_units() -> None:
    assert [duration(s) for s in (0, 40, 200, 3600, 18_600, 187_200)] == [
        *("0 s", "40 s", "3 min 20 s", "1 h", "5 h 10 min", "2 d 4 h")
    ]
