"""Why each place is allowed or refused for one workload, rule by rule and in words."""

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from policy.nocs import lifting
from policy.rulebook import Effect
from policy.verdicts import UNCOVERED, class_of, judge_class, reading
from pse.core.documents.category import Category
from pse.core.documents.verdicts import Verdict

if TYPE_CHECKING:
    from policy.load import Policy
    from policy.nocs import Noc
    from policy.register import Place
    from policy.rulebook import Rule


class Says(StrEnum):
    """What a rule says of a place."""

    REFUSES = "refuses"
    WARNS = "warns"
    """It does not hold, and the place stays allowed."""
    PERMITS = "permits"
    LIFTED = "lifted"
    """It would refuse, and a NOC lifts it."""
    NOT_IN_FORCE = "not in force"


class RuleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One rule at one place.

    Attributes:
        rule: Its id.
        says: What it says.
        text: The rule in words.
        here: The fact that decides, in words; with a NOC its reference and dates, outside a rule's dates those.
        clause: Clause or document it rests on.
        source: Where it was read, with its confidence.
    """

    rule: str
    says: Says
    text: str
    here: str
    clause: str
    source: str


class PlaceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One place: the verdict, and what each rule that is about the category says."""

    verdict: Verdict
    rules: tuple[RuleAnswer, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One workload at every place.

    Attributes:
        workload: Its id; empty where only a category was asked about.
        category: None is unclassified.
        as_of: Day that was judged for.
        rules_hash: SHA-256 of the rules; see `policy.rulebook.Rules.hash`.
        nocs: References of the NOCs that cover the workload on that day.
        sample: The register is a sample.
        notice: That none of it is legal advice.
        demanded: Place that people say it has to go to; empty lets planning choose.
        places: In the register's order.
    """

    workload: str
    category: Category | None
    as_of: date
    rules_hash: str
    nocs: tuple[str, ...]
    sample: bool
    notice: str
    demanded: str
    places: tuple[PlaceAnswer, ...]


def explain(
    policy: "Policy", workload: str, category: Category | None, *, as_of: date, demanded: str = ""
) -> Explanation:
    """Judge one workload at every place of the register, as `policy.verdicts.decide` does, and keep every reason.

    Args:
        policy: What the law says.
        workload: Its id, for the NOCs that cover it; an empty one is covered by none.
        category: None is unclassified.
        as_of: Day to judge for.
        demanded: Place that it has to go to.

    Raises:
        Refused: The register's last day has passed.
    """
    policy.register.refuse_expired(as_of)
    covering = [noc for noc in policy.nocs.on(as_of) if workload and noc.covers(workload)]
    known = class_of(policy, category, covering)
    places = []
    for place in policy.register.places:
        verdict = judge_class(policy, known, covering, place, as_of=as_of)
        nocs = [noc for noc in covering if noc.reaches(place.id)]
        answers = [_answer(policy, rule, category, place, nocs, as_of) for rule in policy.rules.of_places()]
        if UNCOVERED in verdict.refusals:
            answers.insert(0, _uncovered())
        places.append(PlaceAnswer(verdict=verdict, rules=tuple(answer for answer in answers if answer is not None)))
    return Explanation(
        workload=workload,
        category=category,
        as_of=as_of,
        rules_hash=policy.rules.hash,
        nocs=known.nocs,
        sample=policy.sample,
        notice=policy.rules.notice,
        demanded=demanded,
        places=tuple(places),
    )


def _answer(
    policy: "Policy", rule: "Rule", category: Category | None, place: "Place", nocs: "list[Noc]", day: date
) -> RuleAnswer | None:
    found = reading(rule, category, place, policy.register, on=day, jurisdiction=policy.jurisdiction)
    if found is None:
        return None
    granted = lifting(rule, nocs, day=day)
    against = Says.WARNS if rule.effect is Effect.WARN else Says.REFUSES
    says, here = Says.PERMITS if found.passes else against, found.fact
    if not rule.holds(day):
        says, here = Says.NOT_IN_FORCE, _dates(rule)
    elif not found.passes and granted:
        says = Says.LIFTED
        here = f"{here}; lifted by {', '.join(f'{noc.reference} until {noc.end}' for noc in granted)}"
    return RuleAnswer(rule=rule.id, says=says, text=rule.text, here=here, clause=rule.clause, source=rule.cited)


def _dates(rule: "Rule") -> str:
    return " ".join(
        part
        for part in (
            f"from {rule.valid_from}" if rule.valid_from else "",
            f"until {rule.valid_to}" if rule.valid_to else "",
        )
        if part
    )


def _uncovered() -> RuleAnswer:
    return RuleAnswer(
        rule=UNCOVERED.rule,
        says=Says.REFUSES,
        text="What no rule permits is refused.",
        here=UNCOVERED.message,
        clause=UNCOVERED.clause,
        source=UNCOVERED.source,
    )
