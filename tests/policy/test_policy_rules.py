"""Rules as data: the cases beside each rule, the loader, and what it says of a broken file."""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from policy.cases import failures, refuses
from policy.rulebook import SHIPPED, Case, Kind, Rule, Rules, load_rules
from pse.core.documents.category import Category
from pse.core.errors import BadInput
from tests.policy.house import OWN

RULES = load_rules()
CASES = [
    pytest.param(rule, case, wanted, id=f"{rule.id}-{'bad' if wanted else 'good'}-{number}")
    for rule in RULES.all
    for cases, wanted in ((rule.good, False), (rule.bad, True))
    for number, case in enumerate(cases)
]


@pytest.mark.parametrize(("rule", "case", "wanted"), CASES)
def test_case_beside_a_rule_comes_out_as_the_rule_says(rule: Rule, case: Case, wanted: bool) -> None:
    assert refuses(rule, case, RULES.of_gate(case.day)) is wanted


@pytest.mark.parametrize("rule", RULES.all, ids=lambda rule: rule.id)
def test_shipped_rule_has_cases_of_both_kinds_and_says_that_it_is_no_legal_advice(rule: Rule) -> None:
    assert rule.good
    assert rule.bad
    assert "not legal advice" in rule.cited
    assert f"confidence {rule.confidence}" in rule.cited
    assert rule.text
    assert rule.clause


def test_every_shipped_file_says_in_words_that_it_is_not_legal_advice() -> None:
    files = sorted(SHIPPED.glob("*.toml"))
    assert files
    assert all("Not legal advice" in file.read_text() for file in files)
    assert "Not legal advice" in RULES.notice


def test_every_kind_has_a_shipped_rule_but_the_one_for_own_lists() -> None:
    assert {rule.kind for rule in RULES.all} == set(Kind) - {Kind.PLACE}


def test_failing_case_is_reported_by_rule_and_number() -> None:
    rule = next(rule for rule in RULES.all if rule.kind is Kind.COUNTRY)
    wrong = msgspec.structs.replace(rule, good=(Case(category=Category.SECRET, country="XA", note="wrong"),), bad=())
    assert [(found.code, found.subject, found.message) for found in failures(Rules([wrong], notice=""))] == [
        ("PSE-R106", rule.id, "good case 1 (wrong) is refused"),
        ("PSE-R107", rule.id, "it has no bad case"),
    ]
    assert not list(failures(RULES))


def test_words_of_the_gate_follow_the_dates_of_their_rules() -> None:
    rule = next(rule for rule in RULES.all if rule.kind is Kind.CLOCK)
    later = msgspec.structs.replace(rule, valid_from=date(2027, 1, 1))
    rules = Rules([later], notice="")
    assert [word.rule for word in rules.of_gate(date(2027, 1, 1))] == [rule.id]
    assert rules.of_gate(date(2026, 12, 31)) == ()


@pytest.mark.parametrize(
    ("dates", "in_force"),
    [
        ("", (True, True, True, True)),
        ("valid_from = 2026-03-02", (False, True, True, True)),
        ("valid_to = 2026-03-03", (True, True, True, False)),
        ("valid_from = 2026-03-02\nvalid_to = 2026-03-03", (False, True, True, False)),
        ("valid_from = 2026-03-02\nvalid_to = 2026-03-02", (False, True, False, False)),
    ],
)
def test_rule_is_in_force_from_its_first_to_its_last_day(
    tmp_path: Path, dates: str, in_force: tuple[bool, ...]
) -> None:
    (tmp_path / "own.toml").write_text(f"{OWN}{dates}\n")
    rule = next(rule for rule in load_rules(tmp_path).all if rule.id == "MINISTRY-001")
    assert tuple(rule.holds(date(2026, 3, day)) for day in (1, 2, 3, 4)) == in_force


def test_own_rule_is_added(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    rules = load_rules(tmp_path)
    assert {rule.id for rule in rules.all} - {rule.id for rule in RULES.all} == {"MINISTRY-001"}
    assert rules.hash != RULES.hash


def test_layout_and_cases_do_not_change_the_hash_and_words_do(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    before = load_rules(tmp_path).hash
    file.write_text("# a remark\n\n" + OWN + '[[rule.bad]]\ncategory = "public"\ncountry = "XA"\n')
    assert load_rules(tmp_path).hash == before
    file.write_text(OWN.replace("Public data", "All public data"))
    assert load_rules(tmp_path).hash != before


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("[[rule]\n", "own.toml", "line 1"),
        (OWN + 'colour = "red"\n', "own.toml", r"unknown field `colour` - at `\$.rule\[.*\]`"),
        (OWN.replace('"country"', '"colour"'), "own.toml", r"\$.rule\[.*\].kind"),
        (OWN.replace('"public"', '"publik"'), "own.toml", r"\$.rule\[.*\].categories"),
        (OWN.replace("2026-11-01", '"yesterday"'), "own.toml", r"\$.rule\[.*\].dated"),
        (OWN.replace('confidence = "A"', 'confidence = "D"'), "$.rule[0].confidence", "A, B or C"),
        (OWN.replace('countries = ["PK"]\n', ""), "$.rule[0].countries", "needs countries"),
        (OWN + 'clouds = ["public"]\n', "$.rule[0].clouds", "means nothing"),
        (OWN + "by_name = true\n", "$.rule[0].by_name", "means nothing"),
        (OWN + "valid_from = 2026-02-01\nvalid_to = 2026-01-01\n", "$.rule[0].valid_to", "before"),
        (OWN.replace("MINISTRY-001", "ministry 1"), "$.rule[0].id", "not an id"),
        (OWN.replace("MINISTRY-001", "PSE-R003"), "$.rule[0].id", "kept for the tool"),
        (OWN.replace("MINISTRY-001", "PSE-R999"), "$.rule[0].id", "kept for the tool"),
        (OWN.replace("MINISTRY-001", "PSE-R0031"), "$.rule[0].id", "kept for the tool"),
        (OWN.replace('["PK"]', '["PK", "pk"]'), "$.rule[0].countries", "not a country code: 'pk'"),
        (OWN + "\n" + OWN, "$.rule[1].id", "there already"),
        (
            OWN.replace('"country"', '"unknown"').replace('categories = ["public"]\ncountries = ["PK"]\n', ""),
            "$.rule[0].kind",
            "cannot be added to",
        ),
    ],
)
def test_broken_own_rule_is_named_by_file_and_path(tmp_path: Path, text: str, where: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        load_rules(tmp_path)
    assert str(tmp_path / "own.toml") in caught.value.where
    assert where in caught.value.where


def test_rule_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="UTF-8"):
        load_rules(tmp_path)


def test_same_id_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(OWN)
    (tmp_path / "b.toml").write_text(OWN)
    with pytest.raises(BadInput, match="there already") as caught:
        load_rules(tmp_path)
    assert "b.toml" in caught.value.where


def test_no_shipped_rules_at_all_is_a_broken_installation(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no rules"):
        load_rules(shipped=tmp_path / "nothing")
