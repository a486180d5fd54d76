"""Explanations: they say what the verdicts say, and why, also of what lets pass."""

from datetime import date, timedelta
from pathlib import Path

import pytest

import policy
from policy.explain import Explanation, Says, explain
from policy.nocs import sign_nocs
from pse.core.documents.category import Category
from pse.core.errors import Refused
from pse.core.settings import Workspace
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR, noc

DAY = date(2026, 7, 1)
CATEGORIES = (None, *Category)


def explained(workspace: Workspace, workload: str, category: Category | None, day: date = DAY) -> Explanation:
    return explain(policy.load_policy(workspace, as_of=day), workload, category, as_of=day)


def at(found: Explanation, place: str) -> dict[str, tuple[Says, str]]:
    (answer,) = (answer for answer in found.places if answer.verdict.place == place)
    return {rule.rule: (rule.says, rule.here) for rule in answer.rules}


@pytest.mark.parametrize("category", CATEGORIES, ids=str)
@pytest.mark.parametrize("day", [date(2026, 1, 1), DAY, date(2026, 9, 1), date(2027, 7, 1)], ids=str)
def test_explanation_is_the_verdict_of_the_plan(house: Workspace, category: Category | None, day: date) -> None:
    (house.root / "policy" / "nocs.toml").write_text(noc())
    sign_nocs(house)
    for workload in ("payments", "portal"):
        verdicts = policy.decide(policy.load_policy(house, as_of=day), {workload: category}, as_of=day)
        found = explained(house, workload, category, day)
        assert [answer.verdict for answer in found.places] == list(verdicts.verdicts)
        for answer in found.places:
            refusing = {rule.rule for rule in answer.rules if rule.says is Says.REFUSES}
            assert refusing == {refusal.rule for refusal in answer.verdict.refusals}
            assert answer.verdict.allowed is not bool(refusing)


def test_what_lets_pass_is_told_with_the_fact(house: Workspace) -> None:
    found = at(explained(house, "portal", Category.RESTRICTED, date(2026, 11, 25)), MARKHOR)
    assert {says for says, _ in found.values()} == {Says.PERMITS}
    assert found["PSE-R003"][1] == f"{MARKHOR} is in PK"
    assert "SAMPLE-1" in found["PSE-R005"][1]
    assert "PSE-R002" not in found, "a rule about Open data says nothing of Restricted"


def test_what_refuses_is_told_with_the_fact(house: Workspace) -> None:
    found = at(explained(house, "portal", Category.RESTRICTED, date(2026, 11, 25)), IBEX)
    assert found["PSE-R005"] == (Says.REFUSES, f"sample-ibex is suspended for restricted at {IBEX} (SAMPLE-3)")


def test_noc_is_named_with_its_last_day_and_reaches_no_other_workload(house: Workspace) -> None:
    (house.root / "policy" / "nocs.toml").write_text(noc())
    sign_nocs(house)
    says, here = at(explained(house, "payments", Category.RESTRICTED), ELSEWHERE)["PSE-R003"]
    assert says is Says.LIFTED
    assert here == f"{ELSEWHERE} is in XA; lifted by NOC-1 until 2026-08-31"
    for workload, day in (("portal", DAY), ("", DAY), ("payments", date(2026, 9, 1))):
        assert at(explained(house, workload, Category.RESTRICTED, day), ELSEWHERE)["PSE-R003"][0] is Says.REFUSES


def test_rule_outside_its_dates_is_told_and_refuses_nothing(house: Workspace) -> None:
    rule = """
[[rule]]
id = "MINISTRY-001"
kind = "place"
text = "No data at Markhor from August on."
clause = "Standing order"
source = "Ministry"
dated = 2026-07-01
confidence = "A"
valid_from = 2026-08-01
categories = ["public"]
places = ["sample-markhor/*"]
"""
    Path(house.root / "policy" / "rules").mkdir(exist_ok=True)
    (house.root / "policy" / "rules" / "own.toml").write_text(rule)
    before = at(explained(house, "portal", Category.PUBLIC, DAY), MARKHOR)["MINISTRY-001"]
    assert before == (Says.NOT_IN_FORCE, "from 2026-08-01")
    after = at(explained(house, "portal", Category.PUBLIC, date(2026, 8, 1)), MARKHOR)["MINISTRY-001"]
    assert after == (Says.REFUSES, f"{MARKHOR} is ruled out")


def test_unclassified_is_refused_everywhere_and_expired_register_explains_nothing(house: Workspace) -> None:
    found = explained(house, "portal", None)
    assert not any(answer.verdict.allowed for answer in found.places)
    assert at(found, MARKHOR)["PSE-R001"] == (Says.REFUSES, "the data has no category")
    known = policy.load_policy(house, as_of=DAY)
    with pytest.raises(Refused):
        explain(known, "portal", Category.OPEN, as_of=known.register.file.valid_until + timedelta(days=1))
