"""Views of costs: the bill of a plan, and what changes from another one's."""

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from pse.cli.render_plan import READABLE, amounts, columns, head, mandate_words, total_line
from pse.cli.view import Grid, View, grid
from pse.core.money import cents
from pse.core.text import counted, few, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blueprints import CostReport
    from blueprints.building.outside import Outside
    from blueprints.comparing.costdiff import CostDiff
    from pse.core.documents.plan import CostLine, Plan
    from pse.core.findings import Finding


MOST_LINES = 500
"""Lines of a bill that one page or table holds; ``--json`` has all of them."""


def cost_view(
    plan: "Plan",
    report: "CostReport",
    outside: "tuple[Outside, ...]" = (),
    over: "tuple[Finding, ...]" = (),
    *,
    whole: bool = False,
) -> View:
    """Totals by workload and by place; every total says how many lines have no price, and these are named.

    What stands ``outside`` the plan is said, and what of the bill is ``over`` a budget. A ``whole`` bill has its lines,
    each with the row of the price book that it comes from.
    """
    currency = report.currency
    data = {
        "plan": report.plan,
        "currency": currency,
        "sample": report.sample,
        "prices": plan.prices or None,
        "total": report.total,
        "mandate_monthly": report.mandate_monthly,
        "not_comparable": report.not_comparable,
        "refused": report.refused,
        "staying": report.staying,
        "places": report.places,
        "items": report.workloads,
    }
    left = len(report.workloads) - READABLE
    workloads = (
        (
            w.workload,
            w.strategy,
            w.place or None,
            *amounts(w.cost),
            signed(w.mandate_monthly),
            w.forbidden_place,
        )
        for w in report.workloads[:READABLE]
    )
    places = ((p.place, p.workloads, *amounts(p.cost)) for p in report.places)
    blocks: tuple[str | Grid, ...] = (
        *head(plan),
        *_priced(plan),
        grid(
            f"By workload{f' (the first {READABLE}; --json has all)' if left > 0 else ''}",
            columns("workload|strategy|place|$|>mandate a month|against", currency),
            workloads,
        ),
        grid("By place", columns("place|>workloads|$", currency), places),
        *(_lines(report) if whole else ()),
        *_unpriced(report, MOST_LINES if whole else READABLE),
        total_line(report.total, currency),
        *_aloud(report),
    )
    return View(data, blocks, (*over, *report.findings, *(other.finding() for other in outside)))


def diff_view(plan: "Plan", diff: "CostDiff", over: "tuple[Finding, ...]" = ()) -> View:
    """What changes from one bill to another: totals, workloads, and of these the lines."""
    currency = diff.currency
    data = {**msgspec.structs.asdict(diff), "items": diff.workloads}
    del data["workloads"]
    left = len(diff.workloads) - READABLE
    shown = diff.workloads[:READABLE]
    share = "" if diff.percent is None else f" ({diff.percent:+f} %)"
    against = f"against plan {diff.old[:12]}: {signed(diff.monthly)} {currency} a month"
    blocks: tuple[str | Grid, ...] = (
        *head(plan),
        f"{against}{share}, {signed(diff.one_time)} {currency} once",
        grid(
            f"What changes{f' (the first {READABLE}; --json has all)' if left > 0 else ''}",
            f"workload|from|to|>{currency} a month before|>now|>more a month|>more once",
            (
                (
                    change.workload,
                    change.place_before or None,
                    change.place or None,
                    amounts(change.before)[0] if change.before else None,
                    amounts(change.after)[0] if change.after else None,
                    signed(change.monthly),
                    signed(change.one_time),
                )
                for change in shown
            ),
        ),
        grid(
            "Lines that changed, a month or once",
            f"workload|item|kind|why|>{currency} before|>now",
            (
                (change.workload, line.item, line.kind, line.why, _amount(line.before), _amount(line.after))
                for change in shown
                for line in change.lines
            ),
        ),
        f"before: {total_line(diff.before, currency)}{_without(diff.refused_before)}",
        f"now: {total_line(diff.after, currency)}{_without(diff.refused)}",
    )
    return View(data, blocks, over)


def _without(refused: tuple[str, ...]) -> str:
    """What a total has nothing of, beside it, because a bill falls where a workload is refused."""
    return f"; without {counted(len(refused), 'refused workload')} ({few(refused, 12)})" if refused else ""


def _amount(line: "CostLine | None") -> str | None:
    if line is None:
        return None
    amount = line.monthly if line.monthly is not None else line.one_time
    return "without a price" if amount is None else f"{cents(amount):,}"


def _priced(plan: "Plan") -> tuple[str, ...]:
    """The price book, and the rates by which prices in other currencies came into it."""
    used = plan.prices
    if not used:
        return ()
    lines = [f"prices: {printable(used.book)} of {used.dated}, {used.file} ({used.hash[:12]})"]
    lines += (
        f"1 {rate.currency} is {rate.rate:f} {plan.currency} on {rate.dated}, by {printable(rate.source)}"
        for rate in used.rates
    )
    return tuple(lines)


def _lines(report: "CostReport") -> "Iterator[Grid]":
    """Every line with the row that prices it."""
    from blueprints.bills.cost import lines_of

    lines = [(row.workload, line) for row in report.workloads if row.place for line in lines_of(row)]
    left = len(lines) - MOST_LINES
    yield grid(
        f"Lines{f' (the first {MOST_LINES:,}; --json has all)' if left > 0 else ''}",
        f"workload|item|kind|row of the price book|>quantity|unit|>{report.currency} each|>a month|>once",
        (
            (
                workload,
                line.item,
                line.kind,
                line.offer.partition(":")[2] or None,
                f"{line.quantity:,f}",
                line.unit,
                "no price" if line.price is None else f"{line.price:,f}",
                None if line.monthly is None else f"{cents(line.monthly):,}",
                None if line.one_time is None else f"{cents(line.one_time):,}",
            )
            for workload, line in lines[:MOST_LINES]
        ),
    )


def _unpriced(report: "CostReport", most: int) -> "Iterator[Grid]":
    """Every line without a price, by name: what of the bill nobody has seen yet."""
    from blueprints.bills.cost import lines_of

    if not report.total.no_price:
        return
    lines = [
        (row.workload, line)
        for row in report.workloads
        if row.cost.no_price
        for line in lines_of(row)
        if line.price is None
    ]
    left = len(lines) - most
    yield grid(
        f"Without a price, in no sum{f' (the first {most:,}; --json has all)' if left > 0 else ''}",
        "workload|item|kind|row of the price book|>quantity|unit",
        ((w, x.item, x.kind, x.offer.partition(":")[2] or "none", f"{x.quantity:,f}", x.unit) for w, x in lines[:most]),
    )


def _aloud(report: "CostReport") -> tuple[str, ...]:
    lines = []
    for names, what in ((report.refused, "refused"), (report.staying, "kept where they are")):
        if names:
            lines.append(f"in no bill, because {what}: {counted(len(names), 'workload')} ({few(names, READABLE)})")
    if report.mandate_monthly is not None:
        lines.append(mandate_words(report.mandate_monthly, report.currency))
    if report.not_comparable:
        lines.append(f"not comparable, so not in the mandate's sum: {', '.join(report.not_comparable[:READABLE])}")
    return tuple(lines)


def signed(amount: Decimal | None) -> str | None:
    """An amount that is a difference, with its sign."""
    return None if amount is None else f"{cents(amount):+,}"
