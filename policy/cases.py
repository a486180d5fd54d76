"""The cases beside the rules, run: a good case has to pass its rule, a bad one has to be refused by it."""

from collections.abc import Iterator
from datetime import date, timedelta

from policy.gate import Subject, Value, judge
from policy.register import Register
from policy.registerfile import CSP, Audit, RegisterFile, Site, StateRow
from policy.rulebook import Case, Rule, Rules
from policy.verdicts import refusal_by
from pse.core.documents.category import Category
from pse.core.documents.gate import AllowedPlace, GateRule, UnitGate
from pse.core.findings import Finding, Severity
from pse.core.schema import Rests

_DAY = date(2026, 6, 1)
_PLACE = "csp/region/site"


def failures(rules: Rules) -> Iterator[Finding]:
    """PSE-R106 for every case that does not come out as its rule says, PSE-R107 for a rule without both kinds."""
    words = rules.of_gate(_DAY)
    for rule in rules.all:
        for name, cases, wanted in (("good", rule.good, False), ("bad", rule.bad, True)):
            if not cases:
                yield Finding(
                    code="PSE-R107",
                    severity=Severity.WARNING,
                    subject=rule.id,
                    message=f"it has no {name} case",
                    remedy=f"Write a [[rule.{name}]] beside it, so that a slip in the rule is seen.",
                )
            for number, case in enumerate(cases, start=1):
                if refuses(rule, case, words) is not wanted:
                    note = f" ({case.note})" if case.note else ""
                    yield Finding(
                        code="PSE-R106",
                        severity=Severity.ERROR,
                        subject=rule.id,
                        message=f"{name} case {number}{note} is {'let pass' if wanted else 'refused'}",
                        remedy="Correct the rule, or the case.",
                    )


def refuses(rule: Rule, case: Case, words: tuple[GateRule, ...] = ()) -> bool:
    """Whether ``rule`` refuses the case.

    Args:
        rule: A rule of places or of the gate.
        case: What to show it.
        words: Words of the gate, for a gate rule.
    """
    if rule.of_gate:
        return any(refusal.rule == rule.id for refusal in judge(_gate(case, words), _subject(case), today=case.day))
    register = _register(case)
    (place,) = register.places
    return refusal_by(rule, case.category, place, register, on=_DAY, jurisdiction=case.jurisdiction) is not None


def _register(case: Case) -> Register:
    csp, region, site = case.place.split("/")
    named = (case.category,) if case.by_name and case.category is not None else ()
    row = StateRow(state=case.state, categories=named, start=_DAY)
    house = Site(
        region=region,
        site=site,
        name=site,
        country=case.country,
        cloud=case.cloud,
        provider="lab",
        endpoint=case.endpoint,
        evidence="a case beside a rule",
    )
    audits: tuple[Audit, ...] = ()
    if case.audit is not None:
        due = _DAY + timedelta(days=1 if case.due else -1)
        audits = (Audit(on=_DAY - timedelta(days=365), outcome=case.audit, next_due=due),)
    file = RegisterFile(
        name="case",
        jurisdiction=case.jurisdiction,
        issued=_DAY,
        valid_until=date.max,
        source="a case beside a rule",
        csp=(CSP(id=csp, name=csp, site=(house,), state=(row,) if case.listed else (), audit=audits),),
    )
    return Register(file, hash_="", where="a case beside a rule")


def _gate(case: Case, words: tuple[GateRule, ...]) -> UnitGate:
    """A gate from January to December 2026 that allows one place to workload ``portal``."""
    return UnitGate(
        unit="portal",
        workloads=("portal",),
        plan_inputs={},
        as_of=date(2026, 1, 1),
        category=Category.RESTRICTED,
        class_id="restricted",
        allowed=(AllowedPlace(place=_PLACE, until=date(2026, 12, 31)),),
        endpoints={_PLACE: case.endpoint},
        sample=case.sample,
        rules=words,
    )


def _subject(case: Case) -> Subject:
    values: tuple[Value, ...]
    if case.rests is Rests.PLACE:
        values = (Value("place", Rests.PLACE, case.text),)
    else:
        values = (Value("place", Rests.PLACE, _PLACE), Value("case", case.rests, case.text))
    return Subject(urn="case", kind=case.kind, workload=case.workload, values=values)
