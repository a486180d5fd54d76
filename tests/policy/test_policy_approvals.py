"""Approvals: by whom, of which plan, until when; and what counts for none."""

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from policy.approvals import APPROVAL, approvals, approve, require_approvals
from policy.ledger import Ledger
from pse.core.documents.category import Category
from pse.core.errors import Refused, UsageError, Waiting
from pse.core.settings import ApprovalSettings, Workspace
from tests.policy.house import build

DAY = date(2026, 7, 1)
PLAN, OTHER = "a" * 64, "b" * 64
FIRST, SECOND = "Director Records", "Secretary Works"


def asking(workspace: Workspace, **words: object) -> Workspace:
    settings = ApprovalSettings(**{"count": 2, "days": 10, **words})  # type: ignore[arg-type]  # what the struct takes
    workspace.settings = msgspec.structs.replace(workspace.settings, approvals=settings)
    return workspace


def agree(workspace: Workspace, by: str, plan: str = PLAN, on: date = DAY) -> None:
    approve(workspace, plan, by=by, reference="Letter 7", on=on)


def require(workspace: Workspace, *categories: Category, day: date = DAY) -> None:
    require_approvals(workspace, PLAN, categories or (Category.RESTRICTED,), day=day)


def test_as_many_people_as_asked_and_one_person_twice_is_one(house: Workspace) -> None:
    asking(house)
    agree(house, FIRST)
    agree(house, "  director   records ")
    with pytest.raises(Waiting, match="1 of 2 approvals for restricted data") as caught:
        require(house)
    assert caught.value.exit_code == 7
    assert "pse approve" in caught.value.hint
    agree(house, SECOND)
    require(house)


def test_nothing_is_asked_by_default_or_for_less_sensitive_data(house: Workspace) -> None:
    require(house)
    asking(house, least=Category.SENSITIVE)
    require(house, Category.OPEN, Category.RESTRICTED)
    for category in (Category.SENSITIVE, Category.SECRET):
        with pytest.raises(Waiting, match=f"for {category.value} data"):
            require(house, Category.OPEN, category)


def test_an_approval_of_another_plan_or_one_that_expired_counts_for_none(house: Workspace) -> None:
    asking(house, count=1)
    agree(house, FIRST, plan=OTHER)
    with pytest.raises(Waiting, match=f"of another plan: {OTHER[:12]}"):
        require(house)
    agree(house, FIRST)
    require(house, day=DAY + timedelta(days=10))
    for day in (DAY + timedelta(days=11), DAY - timedelta(days=1)):
        with pytest.raises(Waiting, match=f"expired: {FIRST}"):
            require(house, day=day)


def test_only_those_who_may_approve_do(house: Workspace) -> None:
    agree(house, SECOND)
    asking(house, count=1, people=(FIRST,))
    with pytest.raises(Refused, match="not among those who may approve"):
        agree(house, SECOND)
    with pytest.raises(Waiting):
        require(house)
    agree(house, "director records")
    require(house)
    assert approvals(house)[-1].by == FIRST


@pytest.mark.parametrize(("by", "reference"), [(" ", "Letter 7"), (FIRST, " ")])
def test_nobody_and_nothing_approve_nothing(house: Workspace, by: str, reference: str) -> None:
    with pytest.raises(UsageError):
        approve(house, PLAN, by=by, reference=reference, on=DAY)
    assert approvals(house) == ()


def test_an_entry_that_the_key_did_not_sign_is_none(house: Workspace, tmp_path: Path) -> None:
    asking(house, count=1)
    other = build(tmp_path / "other")
    agree(other, FIRST)
    (copied,) = Ledger(other).entries()
    agree(house, FIRST, plan=OTHER)
    (own,) = Ledger(house).entries()
    for data in (copied.data, {**own.data, "plan": PLAN}, {"by": FIRST}, {**own.data, "plan": 7}):
        Ledger(house).record(APPROVAL, data)
    assert [one.plan for one in approvals(house)] == [OTHER]
    with pytest.raises(Waiting):
        require(house)
