"""What another register would change."""

from datetime import date
from pathlib import Path

import pytest

from policy.register import load_register
from policy.registerdiff import Difference, compare, read_other
from pse.core.documents.category import Category
from pse.core.errors import BadInput
from pse.core.settings import Workspace
from tests.policy.house import IBEX, MARKHOR, REGISTER

DAY = date(2026, 7, 1)


def against(house: Workspace, text: str) -> Difference:
    other = house.root / "other.toml"
    other.write_text(text)
    return compare(load_register(house), read_other(other), as_of=DAY, jurisdiction="federal")


def test_the_same_register_in_another_order_changes_nothing(house: Workspace) -> None:
    head, *csps = REGISTER.split("[[csp]]\n")
    found = against(house, head + "".join(f"[[csp]]\n{csp}\n" for csp in reversed(csps)))
    assert (found.changes, found.turns) == ((), ())
    assert found.old_hash != found.new_hash


@pytest.mark.parametrize(
    ("old", "new", "subject", "what"),
    [
        ('country = "XA"', 'country = "XB"', "sample-elsewhere/abroad/abr-1", "country"),
        ('endpoint = "lab:sample-ibex"', 'endpoint = "https://ibex.example"', IBEX, "endpoint"),
        ("end = 2027-06-30", "end = 2027-07-31", "sample-markhor", "state from 2026-01-01"),
        ("next_due = 2026-12-31", "", "sample-markhor", "audit of 2026-01-01"),
        ("valid_until = 2027-12-31", "valid_until = 2028-12-31", "register", "valid_until"),
        ('name = "Sample Ibex Cloud"', 'name = "Sample Ibex Cloud"\nlegal_entity = "x"', "sample-ibex", "legal_entity"),
        ('provider = "lab"', 'provider = "lab"\noptions = { region = "x" }', MARKHOR, "options"),
    ],
)
def test_each_field_that_differs_is_told_and_nothing_else(
    house: Workspace, old: str, new: str, subject: str, what: str
) -> None:
    assert old in REGISTER
    found = against(house, REGISTER.replace(old, new, 1))
    assert [(change.subject, change.what) for change in found.changes] == [(subject, what)]
    assert found.changes[0].old != found.changes[0].new


def test_who_may_hold_what_is_told_by_category(house: Workspace) -> None:
    found = against(house, REGISTER.replace('"restricted", "sensitive"]', '"restricted"]', 1))
    assert [(turn.place, turn.category, turn.old, turn.new) for turn in found.turns] == [
        (MARKHOR, Category.SENSITIVE, "accredited", None)
    ]


def test_csp_that_is_new_or_gone_is_told_with_all_its_fields(house: Workspace) -> None:
    gone = against(house, REGISTER[: REGISTER.index('[[csp]]\nid = "sample-elsewhere"')])
    subjects = {change.subject for change in gone.changes}
    assert subjects == {"sample-elsewhere", "sample-elsewhere/abroad/abr-1"}
    assert all(change.new is None for change in gone.changes)
    assert {turn.place for turn in gone.turns} == {"sample-elsewhere/abroad/abr-1"}


def test_two_rows_that_start_on_a_day_are_both_told(house: Workspace) -> None:
    second = '\n[[csp.state]]\nstate = "revoked"\nstart = 2026-09-01\nreference = "SAMPLE-9"\n'
    found = against(house, REGISTER.replace('reference = "SAMPLE-3"\n', 'reference = "SAMPLE-3"\n' + second, 1))
    (change,) = found.changes
    assert change.old is not None
    assert change.new is not None
    assert change.new.startswith(change.old)
    assert "SAMPLE-9" in change.new


def test_other_register_that_is_missing_or_broken_is_named(house: Workspace) -> None:
    with pytest.raises(BadInput, match="no register"):
        read_other(Path(house.root / "none.toml"))
    with pytest.raises(BadInput, match="twice") as caught:
        against(house, REGISTER.replace('id = "sample-ibex"', 'id = "sample-markhor"', 1))
    assert "other.toml" in caught.value.where
