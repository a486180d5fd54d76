"""Verdicts: every class at every place, allowed or refused by every rule that refuses it."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from policy.jurisdictions import jurisdictions
from policy.nocs import Noc, lifting
from policy.patterns import matches, pattern
from policy.register import Place, Register
from policy.registerfile import Audit, Result
from policy.rulebook import Effect, Kind, Rule
from pse.core.documents.category import Category
from pse.core.documents.verdicts import Refusal, Verdict, VerdictClass, Verdicts

if TYPE_CHECKING:
    from policy.load import Policy

UNCOVERED = Refusal(
    rule="PSE-R000",
    clause="Our own rule: what no rule permits is refused",
    message="no rule in force says how a CSP has to stand for this category",
    source="design of the rules; confidence C; not legal advice",
)
"""Refuses a category that no rule of kind ``state`` covers on the day, so that deleting rules never opens a place."""


SERVES = "our stricter default, confidence C"
"""How sure it is that an entity is served by the register of its own jurisdiction alone."""


def decide(policy: "Policy", categories: Mapping[str, Category | None], *, as_of: date) -> Verdicts:
    """Judge every workload's class at every place of the register.

    Workloads with the same category and the same NOCs share a class.

    Args:
        policy: What the law says; see `policy.load_policy`.
        categories: Workload id to category; None is unclassified, which every place refuses.
        as_of: Day to judge for. NOCs and rules outside their dates do not count.

    Raises:
        Refused: The register's last day has passed.
    """
    policy.register.refuse_expired(as_of)
    live = policy.nocs.on(as_of)
    # Most workloads are covered by none: one look for all NOCs together finds that out.
    covered = pattern(tuple(sorted({one for noc in live for one in noc.workloads})))
    classes: dict[tuple[Category | None, tuple[str, ...]], VerdictClass] = {}
    assignments: dict[str, str] = {}
    for workload, category in sorted(categories.items()):
        covering = [noc for noc in live if noc.covers(workload)] if covered.match(workload) else []
        key = (category, tuple(noc.reference for noc in covering))
        if key not in classes:
            classes[key] = class_of(policy, category, covering)
        assignments[workload] = classes[key].id
    by_reference = {noc.reference: noc for noc in live}
    verdicts = [
        judge_class(policy, known, [by_reference[name] for name in known.nocs], place, as_of=as_of)
        for known in sorted(classes.values(), key=lambda known: known.id)
        for place in policy.register.places
    ]
    return Verdicts(
        as_of=as_of,
        inputs=policy.inputs,
        sample=policy.sample,
        classes=tuple(sorted(classes.values(), key=lambda known: known.id)),
        assignments=assignments,
        verdicts=tuple(verdicts),
    )


def class_of(policy: "Policy", category: Category | None, nocs: Iterable[Noc]) -> VerdictClass:
    """The class of a workload of ``category`` that ``nocs`` cover."""
    references = tuple(sorted(noc.reference for noc in nocs))
    return VerdictClass(
        id="+".join((category.value if category else "unclassified", *references)),
        category=category,
        jurisdiction=policy.jurisdiction,
        nocs=references,
    )


def judge_class(policy: "Policy", known: VerdictClass, nocs: Iterable[Noc], place: Place, *, as_of: date) -> Verdict:
    """One class at one place, and the last day on which the answer stays what it is."""
    bench = _Bench(policy, known, [noc for noc in nocs if noc.reaches(place.id)], place)
    found = bench.on(as_of)
    allowed = not found.refusals
    return Verdict(
        class_id=known.id,
        place=place.id,
        allowed=allowed,
        refusals=tuple(sorted(found.refusals)),
        warnings=tuple(sorted(found.warnings)),
        until=bench.until(as_of, allowed=allowed),
        nocs=tuple(sorted(found.used)) if allowed else (),
    )


class Reading(NamedTuple):
    """What one rule finds at one place: whether it lets pass, and the fact that decides, in words."""

    passes: bool
    fact: str


def reading(
    rule: Rule, category: Category | None, place: Place, register: Register, *, on: date, jurisdiction: str
) -> Reading | None:
    """What one rule finds, whatever its dates; None when it is not about the category.

    Args:
        rule: A rule that judges places.
        category: None is unclassified.
        place: A place of ``register``.
        register: Says how the place's CSP stands.
        on: Day to look at the register for.
        jurisdiction: Whose rows of the register count.
    """
    if rule.kind is Kind.CLASSIFIED:
        return Reading(category is not None, f"the data is {category}" if category else "the data has no category")
    if category is None or category not in rule.categories:
        return None
    if rule.kind is Kind.STATE:
        return _standing(rule, category, place, register, on=on, jurisdiction=jurisdiction)
    if rule.kind is Kind.AUDIT:
        return _audited(register.last_audit(place, on), place, on)
    if rule.kind is Kind.JURISDICTION:
        passes, fact = jurisdiction in rule.jurisdictions, jurisdictions()[jurisdiction].words
    elif rule.kind is Kind.COUNTRY:
        passes, fact = place.country in rule.countries, f"{place.id} is in {place.country}"
    elif rule.kind is Kind.CLOUD:
        passes, fact = place.cloud in rule.clouds, f"{place.id} is a {place.cloud.value} cloud"
    else:
        passes = not matches(rule.places, place.id)
        fact = f"{place.id} is {'not ' if passes else ''}ruled out"
    return Reading(passes, fact)


def _standing(
    rule: Rule, category: Category, place: Place, register: Register, *, on: date, jurisdiction: str
) -> Reading:
    standing = register.standing(place, category, on, jurisdiction=jurisdiction, by_name=rule.by_name)
    state = standing.state.value if standing.state else f"not in the {jurisdiction} register"
    named = " by name" if rule.by_name else ""
    if standing.state is None:
        named += _elsewhere(rule, category, place, register, on=on, jurisdiction=jurisdiction)
    reference = f" ({standing.row.reference})" if standing.row and standing.row.reference else ""
    return Reading(
        standing.state in rule.states, f"{place.csp} is {state} for {category.value}{named} at {place.id}{reference}"
    )


def _elsewhere(rule: Rule, category: Category, place: Place, register: Register, *, on: date, jurisdiction: str) -> str:
    """What other jurisdictions' registers say, and why it does not count; nothing where they say nothing."""
    said = []
    for other in register.jurisdictions:
        state = register.standing(place, category, on, jurisdiction=other, by_name=rule.by_name).state
        if other != jurisdiction and state is not None:
            said.append(f"{state.value} in the {other} register")
    return f" ({' and '.join(said)}, which serves its own entities only: {SERVES})" if said else ""


def _audited(audit: Audit | None, place: Place, on: date) -> Reading:
    if audit is None:
        return Reading(False, f"the register has no audit of {place.id}")
    words = f"the audit of {audit.on} {audit.outcome.value.replace('-', ' ')}"
    words += f" ({audit.reference})" if audit.reference else ""
    if audit.outcome is Result.FAILED:
        return Reading(False, words)
    overdue = audit.next_due is not None and audit.next_due < on
    due = f"the next is due until {audit.next_due}" if audit.next_due else "when the next is due is not known"
    return Reading(not overdue, f"{words}, {f'and the next was due until {audit.next_due}' if overdue else due}")


def refusal_by(
    rule: Rule, category: Category | None, place: Place, register: Register, *, on: date, jurisdiction: str
) -> Refusal | None:
    """What one rule says against a place, whatever its dates; None when it lets pass. See `reading`."""
    found = reading(rule, category, place, register, on=on, jurisdiction=jurisdiction)
    if found is None or found.passes:
        return None
    return Refusal(rule=rule.id, clause=rule.clause, message=f"{rule.text} Here: {found.fact}.", source=rule.cited)


def _covers(rule: Rule, category: Category) -> bool:
    """Whether it says how a CSP has to stand; what only warns demands nothing."""
    return rule.kind is Kind.STATE and rule.effect is Effect.REFUSE and category in rule.categories


class _Found(NamedTuple):
    """What a class meets at a place on a day: what refuses, what warns, and the NOCs that lifted something."""

    refusals: list[Refusal]
    warnings: list[Refusal]
    used: set[str]


class _Bench:
    """One class at one place on any day."""

    def __init__(self, policy: "Policy", known: VerdictClass, nocs: list[Noc], place: Place) -> None:
        self._policy = policy
        self._known = known
        self._nocs = nocs
        self._place = place

    def on(self, day: date) -> _Found:
        """What the rules in force on ``day`` say."""
        rules = [rule for rule in self._policy.rules.of_places() if rule.holds(day)]
        category = self._known.category
        found = _Found([], [], set())
        if category is not None and not any(_covers(rule, category) for rule in rules):
            found.refusals.append(UNCOVERED)
        for rule in rules:
            refusal = refusal_by(
                rule, category, self._place, self._policy.register, on=day, jurisdiction=self._known.jurisdiction
            )
            if refusal is None:
                continue
            if granted := lifting(rule, self._nocs, day=day):
                found.used.update(noc.reference for noc in granted)
            else:
                (found.warnings if rule.effect is Effect.WARN else found.refusals).append(refusal)
        return found

    def until(self, as_of: date, *, allowed: bool) -> date | None:
        """The day before the answer turns; None when no date in rules, register or NOCs turns it."""
        end = self._policy.register.file.valid_until
        for day in sorted(day for day in self._turns() if day > as_of):
            if (day <= end and not self.on(day).refusals) is not allowed:
                return day - timedelta(days=1)
        return None

    def _turns(self) -> set[date]:
        """Days on which something starts or has just ended."""
        rules = self._policy.rules.of_places()
        rows = self._policy.register.rows(self._place.csp)
        audits = self._policy.register.audits(self._place.csp)
        starts = [*(r.valid_from for r in rules), *(row.start for row in rows), *(n.start for n in self._nocs)]
        ends = [*(r.valid_to for r in rules), *(row.end for row in rows), *(n.end for n in self._nocs)]
        starts += [audit.on for audit in audits]
        ends += [*(audit.next_due for audit in audits), self._policy.register.file.valid_until]
        found = {day for day in starts if day is not None}
        return found | {day + timedelta(days=1) for day in ends if day is not None and day < date.max}
