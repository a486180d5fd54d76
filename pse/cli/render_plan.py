"""Views of a plan: decisions, waves, and the places side by side."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pse.cli.render_findings import refusals_of
from pse.cli.view import Grid, Lines, View, grid
from pse.core.documents.plan import Cost, Strategy
from pse.core.money import cents
from pse.core.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pse.core.documents.plan import Decision, Plan
    from pse.core.documents.verdicts import Refusal

READABLE = 60
"""Rows that a person reads; ``--json`` and plan.json have all of them."""
LONGEST_REASON = 240
"""Characters of the reasons that stand below a table; ``pse plan --json`` has them whole."""
AGAINST = "the chosen place less the cheapest place abroad that the mandate forbids"
SAMPLE = "SAMPLE: the register or the prices are invented; nothing here is an accreditation or an offer"


def amounts(cost: Cost | None) -> tuple[str, str]:
    """Monthly and one-time amounts as cells of a table; what has no price is said, and never shown as 0."""
    if cost is None:
        return ("no offer", "–")
    once = f"{cents(cost.one_time):,}" if cost.one_time else "–"
    if not cost.no_price:
        return (f"{cents(cost.monthly):,}" if cost.monthly else "–", once)
    lacking = f"{cost.no_price} without a price"
    return (f"{cents(cost.monthly):,} + {lacking}" if cost.monthly else lacking, once)


def change_amounts(cost: Cost | None) -> tuple[str, str]:
    """`amounts` of one change of a preview; what goes is priced in another plan, so nothing is said of it."""
    return ("–", "–") if cost is None else amounts(cost)


def total_line(cost: Cost, currency: str) -> str:
    """The total in one line, with what has no price said beside it."""
    lacking = f", and {counted(cost.no_price, 'line')} WITHOUT A PRICE, in no sum" if cost.no_price else ""
    return f"total: {currency} {cents(cost.monthly):,} a month, {currency} {cents(cost.one_time):,} once{lacking}"


def services_line(plan: "Plan") -> tuple[str, ...]:
    """What a preview leaves out: software services, which no stack makes."""
    bought = [d for d in plan.decisions if d.strategy is Strategy.SAAS]
    if not bought:
        return ()
    names = ", ".join(d.workload for d in bought[:READABLE])
    return (f"not in it: {counted(len(bought), 'software service')} ({names}); see `pse cost`",)


def columns(text: str, currency: str) -> str:
    """Headings with those of the two columns of `amounts` in place of ``$``."""
    return text.replace("$", f">{currency} a month|>{currency} once")


def why(refusals: "tuple[Refusal, ...]") -> str:
    """Refusals in words, a line each, with their rules; the clauses are in ``--json`` and in the report."""
    return Lines(f"{r.rule}: {r.message}" for r in refusals)


def mandate_words(amount: Decimal, currency: str, against: str | None = None) -> str:
    """What the mandate costs, in the same words in every view.

    Args:
        amount: A month; of one workload or of all.
        currency: Of the amount.
        against: For one workload: the place abroad that it is compared with, empty where the mandate forbids none.
    """
    words = {None: AGAINST, "": "it forbids no place abroad here"}.get(against, f"against {against}")
    return f"the in-country mandate costs {currency} {cents(amount):,} a month ({words})"


def head(plan: "Plan") -> tuple[str, ...]:
    """Lines that stand above everything made from a plan."""
    title = f"{plan.entity}: plan {plan.hash[:12]} as of {plan.as_of}"
    return (title, SAMPLE) if plan.sample else (title,)


def plan_view(plan: "Plan", path: Path) -> View:
    """The plan for review, with where it was written."""
    refused = tuple(d for d in plan.decisions if d.strategy is None)
    retained = tuple(d for d in plan.decisions if d.strategy is Strategy.RETAIN)
    data = {
        "path": path,
        "hash": plan.hash,
        "as_of": plan.as_of,
        "sample": plan.sample,
        "currency": plan.currency,
        "servers": plan.servers,
        "cost": plan.cost,
        "refused": [d.workload for d in refused],
        "waves": plan.waves,
        "units": plan.units,
        "items": plan.decisions,
    }
    blocks: tuple[str | Grid, ...] = (
        *head(plan),
        decisions_grid(plan),
        *(
            f"{d.workload} is REFUSED: {'; '.join(why(d.refusals).splitlines() or d.reasons)}"
            for d in refused[:READABLE]
        ),
        *(f"{d.workload} is retained: {_short('; '.join(d.reasons))}" for d in retained[:READABLE]),
        *waves_grid(plan),
        total_line(plan.cost, plan.currency),
        f"written to {path}",
    )
    return View(
        data,
        blocks,
        plan.findings,
        len(refused),
        also=refusals_of(plan),
        subjects=tuple(d.workload for d in plan.decisions),
    )


def decisions_grid(plan: "Plan") -> Grid:
    """One row a workload, and one for all landing zones, so that the rows add up to the plan's total."""
    left = len(plan.decisions) - READABLE
    title = f"Decisions (the first {READABLE}; {left} more in plan.json)" if left > 0 else "Decisions"
    rows = [_decision(d) for d in plan.decisions[:READABLE]]
    if left > 0:
        rows.append(_rest(f"{left:,} more", plan.decisions[READABLE:]))
    rows += _zones(plan)
    return grid(title, columns("workload|category|strategy|architecture|place|>wave|$", plan.currency), rows)


def _decision(decision: "Decision") -> tuple[object, ...]:
    return (
        decision.workload,
        decision.category.value if decision.category else "none",
        decision.strategy.value if decision.strategy else "REFUSED",
        decision.blueprint or decision.saas.rpartition(":")[2] or None,
        decision.place or None,
        decision.wave or None,
        *amounts(decision.cost),
    )


def _rest(title: str, decisions: "Sequence[Decision]") -> tuple[object, ...]:
    return (title, None, None, None, None, None, *amounts(_sum(d.cost for d in decisions)))


def _zones(plan: "Plan") -> "Iterator[tuple[object, ...]]":
    """The row of the landing zones, which are paid once a place: what the total has and no workload bears."""
    places = sorted({d.place for d in plan.decisions if d.blueprint and d.place})
    own = _sum(d.cost for d in plan.decisions)
    cost = Cost(
        monthly=plan.cost.monthly - own.monthly,
        one_time=plan.cost.one_time - own.one_time,
        no_price=plan.cost.no_price - own.no_price,
    )
    if places:
        yield (counted(len(places), "landing zone"), None, None, "landing", Lines(places), None, *amounts(cost))


def _sum(costs: "Iterable[Cost]") -> Cost:
    monthly, once, no_price = Decimal(0), Decimal(0), 0
    for cost in costs:
        monthly, once, no_price = monthly + cost.monthly, once + cost.one_time, no_price + cost.no_price
    return Cost(monthly=monthly, one_time=once, no_price=no_price)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON].rpartition(' ')[0]} …"


def waves_grid(plan: "Plan") -> tuple[Grid, ...]:
    """The waves, when there are any."""
    rows = [
        # No known size is not a size of 0; why says how many moves have none.
        (w.number, " ".join(w.workloads[:12]), w.servers, f"{w.size_mib:,}" if w.size_mib else None, w.why)
        for w in plan.waves[:READABLE]
    ]
    return (grid("Waves", ">wave|workloads|>servers|>MiB|why", rows),) if rows else ()
