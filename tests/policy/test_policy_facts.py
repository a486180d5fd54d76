"""Verdicts of rules made for the test: the fact that decides, in words, and until when the answer holds."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from policy.labels import Labels
from policy.load import Policy
from policy.nocs import Noc, Nocs
from policy.register import Register
from policy.registerfile import Audit, Cloud, Result, State, StateRow
from policy.rulebook import Effect, Kind, Rule, Rules, load_rules
from policy.verdicts import UNCOVERED, decide, judge_class, reading
from pse.core.documents.category import Category
from pse.core.documents.verdicts import VerdictClass
from tests.policy.world import DAY, PLACE, law, register, rule

ACCREDITED = StateRow(state=State.ACCREDITED, start=DAY, reference="R-1")
FACTS = [
    (rule(Kind.CLASSIFIED), {}, True, "the data is open"),
    (rule(Kind.COUNTRY, countries=("PK",)), {}, True, f"{PLACE} is in PK"),
    (rule(Kind.COUNTRY, countries=("XA",)), {}, False, f"{PLACE} is in PK"),
    (rule(Kind.CLOUD, clouds=(Cloud.GOVERNMENT,)), {}, True, f"{PLACE} is a government cloud"),
    (rule(Kind.CLOUD, clouds=(Cloud.PUBLIC,)), {}, False, f"{PLACE} is a government cloud"),
    (rule(Kind.PLACE, places=("csp/*",)), {}, False, f"{PLACE} is ruled out"),
    (rule(Kind.PLACE, places=("other/*",)), {}, True, f"{PLACE} is not ruled out"),
    (
        rule(Kind.STATE, states=(State.ACCREDITED,)),
        {"state": (ACCREDITED,)},
        True,
        f"csp is accredited for open at {PLACE} (R-1)",
    ),
    (
        rule(Kind.STATE, states=(State.ACCREDITED,), by_name=True),
        {"state": (ACCREDITED,)},
        False,
        f"csp is not in the federal register for open by name at {PLACE}",
    ),
    (
        rule(Kind.STATE, states=(State.ACCREDITED,)),
        {"state": (StateRow(state=State.APPLIED, start=DAY),)},
        False,
        f"csp is applied for open at {PLACE}",
    ),
    (rule(Kind.AUDIT), {}, False, f"the register has no audit of {PLACE}"),
    (
        rule(Kind.AUDIT),
        {"audit": (Audit(on=DAY, outcome=Result.CONDITIONS, reference="A-9"),)},
        True,
        "the audit of 2026-06-01 passed with conditions (A-9), when the next is due is not known",
    ),
    (
        rule(Kind.AUDIT),
        {"audit": (Audit(on=DAY, outcome=Result.PASSED, next_due=date(2026, 7, 1)),)},
        True,
        "the audit of 2026-06-01 passed, the next is due until 2026-07-01",
    ),
    (
        rule(Kind.AUDIT),
        {"audit": (Audit(on=date(2026, 1, 1), outcome=Result.PASSED, next_due=date(2026, 6, 1)),)},
        True,
        "the audit of 2026-01-01 passed, the next is due until 2026-06-01",
    ),
    (
        rule(Kind.AUDIT),
        {"audit": (Audit(on=date(2026, 1, 1), outcome=Result.PASSED, next_due=date(2026, 5, 31)),)},
        False,
        "the audit of 2026-01-01 passed, and the next was due until 2026-05-31",
    ),
    (
        rule(Kind.AUDIT),
        {"audit": (Audit(on=DAY, outcome=Result.FAILED, reference="A-9", next_due=date(2026, 7, 1)),)},
        False,
        "the audit of 2026-06-01 failed (A-9)",
    ),
]


@pytest.mark.parametrize(("one", "known", "passes", "fact"), FACTS, ids=[fact for *_, fact in FACTS])
def test_fact_that_decides_is_told(one: Rule, known: dict[str, Any], passes: bool, fact: str) -> None:
    has = register(**known)
    found = reading(one, Category.OPEN, has.places[0], has, on=DAY, jurisdiction="federal")
    assert found == (passes, fact)


def test_unclassified_data_is_told_and_other_rules_say_nothing_of_it() -> None:
    has = register()
    (place,) = has.places
    assert reading(rule(Kind.CLASSIFIED), None, place, has, on=DAY, jurisdiction="federal") == (
        False,
        "the data has no category",
    )
    assert reading(rule(Kind.COUNTRY, countries=("XA",)), None, place, has, on=DAY, jurisdiction="federal") is None


def test_refusal_holds_the_rule_its_words_and_the_fact() -> None:
    has = law(register(), rule(Kind.COUNTRY, countries=("XA",)), rule(Kind.STATE, states=(State.REGISTERED,)))
    (verdict,) = decide(has, {"w": Category.OPEN}, as_of=DAY).verdicts
    assert {(r.rule, r.clause, r.message, r.source) for r in verdict.refusals} >= {
        ("A-1", "c", f"t Here: {PLACE} is in PK.", "s; confidence C; read 2026-06-01; not legal advice")
    }


def test_category_that_no_rule_covers_is_refused_in_words() -> None:
    (verdict,) = decide(law(register(), rule(Kind.CLASSIFIED)), {"w": Category.OPEN}, as_of=DAY).verdicts
    assert verdict.refusals == (UNCOVERED,)
    assert UNCOVERED.rule == "PSE-R000"
    warning = rule(Kind.STATE, states=tuple(State), effect=Effect.WARN)
    (verdict,) = decide(law(register(), warning), {"w": Category.OPEN}, as_of=DAY).verdicts
    assert verdict.refusals == (UNCOVERED,), "a rule that only warns opens no place"


GRANT: dict[str, Any] = {"start": DAY, "end": DAY + timedelta(days=9), "places": ("*",), "rules": ("A-1",)}


def test_workloads_of_one_category_and_the_same_nocs_share_a_class() -> None:
    nocs = (Noc(reference="N-2", workloads=("a", "b"), **GRANT), Noc(reference="N-1", workloads=("a",), **GRANT))
    has = law(register(), rule(Kind.COUNTRY, countries=("XA",)), nocs=nocs)
    made = decide(has, {"a": Category.OPEN, "b": Category.OPEN, "c": Category.OPEN, "d": None}, as_of=DAY)
    assert made.assignments == {"a": "open+N-1+N-2", "b": "open+N-2", "c": "open", "d": "unclassified"}
    assert [known.id for known in made.classes] == ["open", "open+N-1+N-2", "open+N-2", "unclassified"]
    assert [v.class_id for v in made.verdicts] == [known.id for known in made.classes]
    assert {known.jurisdiction for known in made.classes} == {"federal"}
    assert (made.as_of, made.inputs, made.sample) == (DAY, has.inputs, False)


def test_noc_that_lifted_something_is_named_only_where_the_place_is_allowed() -> None:
    grant = Noc(reference="N-1", workloads=("a",), **GRANT)
    state = rule(Kind.STATE, states=(State.ACCREDITED,))
    named = msgspec.structs.replace(state, id="A-2")
    for has, nocs in (
        (law(register(state=(ACCREDITED,)), rule(Kind.CLASSIFIED), named), ()),
        (law(register(), state), ("N-1",)),
    ):
        one = Policy(rules=has.rules, register=has.register, nocs=Nocs(noc=(grant,)), labels=Labels())
        (verdict,) = decide(one, {"a": Category.OPEN}, as_of=DAY).verdicts
        assert (verdict.allowed, verdict.nocs) == (True, nocs)
    assert verdict.until == DAY + timedelta(days=9), "the NOC's last day is the answer's"
    both = Policy(rules=Rules((state, named), notice=""), register=register(), nocs=Nocs(noc=(grant,)), labels=Labels())
    (verdict,) = decide(both, {"a": Category.OPEN}, as_of=DAY).verdicts
    assert (verdict.allowed, verdict.nocs, [r.rule for r in verdict.refusals]) == (False, (), ["A-2"])


def test_rule_that_only_warns_leaves_the_place_allowed() -> None:
    warns = msgspec.structs.replace(rule(Kind.COUNTRY, countries=("XA",)), effect=Effect.WARN)
    state = msgspec.structs.replace(rule(Kind.STATE, states=(State.ACCREDITED,)), id="A-2")
    (verdict,) = decide(law(register(state=(ACCREDITED,)), warns, state), {"a": Category.OPEN}, as_of=DAY).verdicts
    assert (verdict.allowed, verdict.refusals, [w.rule for w in verdict.warnings]) == (True, (), ["A-1"])


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ({}, date(2027, 12, 31)),
        ({"state": (msgspec.structs.replace(ACCREDITED, end=date(2026, 8, 31)),)}, date(2026, 8, 31)),
        ({"state": (ACCREDITED, StateRow(state=State.SUSPENDED, start=date(2026, 9, 10)))}, date(2026, 9, 9)),
    ],
    ids=["register", "end of a row", "start of a row"],
)
def test_answer_holds_until_the_day_before_it_turns(words: dict[str, Any], until: date) -> None:
    has = law(register(**{"state": (ACCREDITED,), **words}), rule(Kind.STATE, states=(State.ACCREDITED,)))
    known = VerdictClass(id="open", category=Category.OPEN, jurisdiction="federal", nocs=())
    verdict = judge_class(has, known, (), has.register.places[0], as_of=DAY)
    assert (verdict.allowed, verdict.until) == (True, until)


@pytest.mark.parametrize(("field", "turns"), [("valid_from", -1), ("valid_to", 0)])
def test_rules_that_begin_and_end_turn_the_answer(field: str, turns: int) -> None:
    day = date(2026, 9, 10)
    dated = msgspec.structs.replace(rule(Kind.COUNTRY, countries=("XA",)), **{field: day})
    state = msgspec.structs.replace(rule(Kind.STATE, states=(State.ACCREDITED,)), id="A-2")
    (verdict,) = decide(law(register(state=(ACCREDITED,)), dated, state), {"a": Category.OPEN}, as_of=DAY).verdicts
    assert (verdict.allowed, verdict.until) == (field == "valid_from", day + timedelta(days=turns))


def test_overdue_audit_turns_the_answer_of_a_rule_that_refuses() -> None:
    audit = Audit(on=DAY, outcome=Result.PASSED, next_due=date(2026, 9, 10))
    later = Audit(on=date(2026, 10, 1), outcome=Result.PASSED)
    state = msgspec.structs.replace(rule(Kind.STATE, states=(State.ACCREDITED,)), id="A-2")
    has = law(register(state=(ACCREDITED,), audit=(audit, later)), rule(Kind.AUDIT), state)
    known = VerdictClass(id="open", category=Category.OPEN, jurisdiction="federal", nocs=())
    first, then = (judge_class(has, known, (), has.register.places[0], as_of=day) for day in (DAY, date(2026, 9, 11)))
    assert (first.allowed, first.until) == (True, date(2026, 9, 10))
    assert (then.allowed, then.until) == (False, date(2026, 9, 30))


def test_turn_on_the_registers_last_day_is_not_its_end() -> None:
    end = date(2027, 12, 31)
    has = law(register(state=(ACCREDITED, msgspec.structs.replace(ACCREDITED, start=end))), *load_rules().all)
    (verdict,) = decide(has, {"a": Category.OPEN}, as_of=DAY).verdicts
    assert (verdict.allowed, verdict.until) == (True, end)


def test_register_for_ever_has_no_end() -> None:
    known = register(state=(ACCREDITED,))
    for_ever = Register(msgspec.structs.replace(known.file, valid_until=date.max), hash_="")
    (verdict,) = decide(law(for_ever, *load_rules().all), {"a": Category.OPEN}, as_of=DAY).verdicts
    assert (verdict.allowed, verdict.until) == (True, None)


def test_class_is_of_the_entitys_jurisdiction() -> None:
    has = law(register(state=(ACCREDITED,)))
    of_sindh = Policy(rules=has.rules, register=has.register, nocs=has.nocs, labels=has.labels, jurisdiction="sindh")
    (known,) = decide(of_sindh, {"a": Category.OPEN}, as_of=DAY).classes
    assert known.jurisdiction == "sindh"
