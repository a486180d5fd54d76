"""Audits, coordinates and contacts of the register, and rules that only warn."""

from datetime import date
from pathlib import Path

import pytest

import policy
from policy.nocs import sign_nocs
from policy.register import Register
from policy.registerfile import CSP, Audit, RegisterFile, Result, Site
from pse.core.documents.category import Category
from pse.core.documents.verdicts import Verdict
from pse.core.errors import BadInput
from pse.core.settings import Workspace
from tests.policy.house import MARKHOR, REGISTER, build, noc

DAY = date(2026, 7, 1)
AUDIT = REGISTER[REGISTER.index("[[csp.audit]]") : REGISTER.index('[[csp]]\nid = "sample-ibex"')]
REFUSING = """\
[[rule]]
id = "MINISTRY-001"
kind = "audit"
text = "Audits are never late."
clause = "Standing order"
source = "Ministry"
dated = 2026-07-01
confidence = "A"
categories = ["restricted"]
"""


def verdict(house: Workspace, day: date = DAY, category: Category = Category.RESTRICTED) -> Verdict:
    found = policy.decide(policy.load_policy(house, as_of=day), {"payments": category}, as_of=day)
    return next(one for one in found.verdicts if one.place == MARKHOR)


def warned(house: Workspace, day: date = DAY) -> list[str]:
    return [warning.message for warning in verdict(house, day).warnings]


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        ("", "the register has no audit of"),
        (AUDIT.replace('"passed"', '"failed"'), "the audit of 2026-01-01 failed (SAMPLE-AUDIT-1)"),
        (AUDIT.replace("next_due = 2026-12-31", "next_due = 2026-06-30"), "the next was due until 2026-06-30"),
        (AUDIT.replace("on = 2026-01-01", "on = 2026-07-02"), "the register has no audit of"),
    ],
    ids=["none", "failed", "overdue", "not yet"],
)
def test_audit_that_is_missing_failed_or_late_warns_and_refuses_nothing(tmp_path: Path, audit: str, said: str) -> None:
    house = build(tmp_path, register=REGISTER.replace(AUDIT, audit, 1))
    assert verdict(house).allowed
    (message,) = warned(house)
    assert said in message


@pytest.mark.parametrize("outcome", ["passed", "passed-with-conditions"])
def test_passed_audit_is_quiet_to_the_last_day_of_its_term(tmp_path: Path, outcome: str) -> None:
    house = build(tmp_path, register=REGISTER.replace('"passed"', f'"{outcome}"', 1))
    assert warned(house, date(2026, 12, 31)) == []
    assert len(warned(house, date(2027, 1, 1))) == 1
    assert verdict(house, category=Category.OPEN).warnings == ()


def test_own_rule_refuses_what_the_shipped_one_warns_of_and_dates_the_answer(house: Workspace) -> None:
    (house.root / "policy" / "rules").mkdir()
    (house.root / "policy" / "rules" / "own.toml").write_text(REFUSING)
    before, after = verdict(house), verdict(house, date(2027, 1, 1))
    assert (before.allowed, before.until) == (True, date(2026, 12, 31))
    assert [refusal.rule for refusal in after.refusals] == ["MINISTRY-001"]


def test_noc_lifts_a_warning(house: Workspace) -> None:
    (house.root / "policy" / "nocs.toml").write_text(
        noc(start="2027-01-01", end="2027-03-31", places='["sample-markhor/*"]', rules='["PSE-R007"]')
    )
    sign_nocs(house)
    assert warned(house, date(2027, 2, 1)) == []
    assert len(warned(house, date(2027, 4, 1))) == 1


def test_check_of_the_gate_cannot_be_turned_into_a_warning(tmp_path: Path) -> None:
    from policy.rulebook import SHIPPED, load_rules

    shipped = (SHIPPED / "gate.toml").read_text().replace("waivable = false", 'waivable = false\neffect = "warn"', 1)
    (tmp_path / "gate.toml").write_text(shipped)
    with pytest.raises(BadInput, match="it never warns") as caught:
        load_rules(shipped=tmp_path)
    assert caught.value.where.endswith("$.rule[0].effect")


def test_newest_audit_of_the_very_site_counts_and_of_two_on_a_day_the_worse() -> None:
    def last(*audits: Audit) -> Result | None:
        csp = CSP(
            id="c",
            name="C",
            site=tuple(
                Site(region="r", site=name, name=name, country="PK", provider="lab", endpoint="lab:c", evidence="none")
                for name in ("s", "t")
            ),
            audit=audits,
        )
        file = RegisterFile(name="x", issued=DAY, valid_until=date.max, source="test", csp=(csp,))
        register = Register(file, hash_="")
        found = register.last_audit(register.places[0], DAY)
        return found.outcome if found else None

    passed = Audit(on=date(2026, 1, 1), outcome=Result.PASSED)
    failed = Audit(on=date(2026, 2, 1), outcome=Result.FAILED)
    assert last() is None
    assert last(failed, passed) is Result.FAILED
    assert last(passed, Audit(on=date(2026, 2, 1), outcome=Result.FAILED, sites=("r/t",))) is Result.PASSED
    assert last(passed, Audit(on=date(2026, 1, 1), outcome=Result.CONDITIONS)) is Result.CONDITIONS
    assert last(Audit(on=date(2026, 7, 2), outcome=Result.PASSED)) is None


SITE = 'site = "ict-1"\n'


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        (SITE, SITE + "latitude = 33.7\n", "$.csp[0].site[0]", "go together"),
        (SITE, SITE + "latitude = 133.7\nlongitude = 73.1\n", "$.csp[0].site[0]", "not on the globe"),
        (SITE, SITE + "latitude = 25.2\nlongitude = 55.3\n", "$.csp[0].site[0]", "said to be in Pakistan"),
        (SITE, SITE + "latitude = 73.1\nlongitude = 33.7\n", "$.csp[0].site[0]", "said to be in Pakistan"),
        ("next_due = 2026-12-31", "next_due = 2026-01-01", "$.csp[0].audit[0].next_due", "before this one ended"),
        ("next_due = 2026-12-31", 'sites = ["a/b"]', "$.csp[0].audit[0].sites", "no such site"),
        ('"passed"', '"fine"', "register.toml", "Invalid enum value 'fine'"),
        (
            'name = "Sample Markhor Cloud"',
            'name = "x"\ncontact = [{ role = "incidents" }]',
            "$.csp[0].contact[0]",
            "a contact needs a role",
        ),
    ],
)
def test_slip_in_what_a_register_says_of_a_site_is_named(
    tmp_path: Path, old: str, new: str, where: str, message: str
) -> None:
    assert old in REGISTER
    with pytest.raises(BadInput, match=message) as caught:
        build(tmp_path, register=REGISTER.replace(old, new, 1))
    assert where in caught.value.where


def test_site_says_where_it_stands_and_whom_to_ask(tmp_path: Path) -> None:
    told = SITE + 'latitude = 33.7\nlongitude = 73.1\naddress = "Invented"\nservices = ["servers"]\n'
    contact = 'legal_entity = "Invented"\ncontact = [{ role = "incidents", phone = "+92 51 0000000" }]\n'
    register = REGISTER.replace(SITE, told, 1).replace('name = "Sample Markhor Cloud"\n', f'name = "x"\n{contact}', 1)
    (csp, *_) = policy.load_policy(build(tmp_path, register=register), as_of=DAY).register.file.csp
    assert (csp.legal_entity, csp.contact[0].role, csp.site[0].latitude) == ("Invented", "incidents", 33.7)
