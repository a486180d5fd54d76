"""Views of costs: the bill of a plan, and Infracost's format."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pse.cli.render_plan import READABLE, amounts, columns, head, mandate_words, total_line
from pse.cli.view import Grid, View, grid
from pse.core.money import cents

if TYPE_CHECKING:
    from blueprints import CostReport
    from blueprints.outside import Outside
    from pse.core.documents.plan import Plan


def infracost_view(data: dict[str, Any]) -> View:
    """Infracost's own JSON, as it is."""
    return View(data)


def cost_view(plan: "Plan", report: "CostReport", outside: "tuple[Outside, ...]" = ()) -> View:
    """Totals by workload and by place; every total says how many lines have no price. What stands outside is said."""
    currency = report.currency
    data = {
        "plan": report.plan,
        "currency": currency,
        "sample": report.sample,
        "total": report.total,
        "mandate_monthly": report.mandate_monthly,
        "not_comparable": report.not_comparable,
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
            _signed(w.mandate_monthly),
            w.forbidden_place,
        )
        for w in report.workloads[:READABLE]
    )
    places = ((p.place, p.workloads, *amounts(p.cost)) for p in report.places)
    blocks: tuple[str | Grid, ...] = (
        *head(plan),
        grid(
            f"By workload{f' (the first {READABLE}; --json has all)' if left > 0 else ''}",
            columns("workload|strategy|place|$|>mandate a month|against", currency),
            workloads,
        ),
        grid("By place", columns("place|>workloads|$", currency), places),
        total_line(report.total, currency),
        *_aloud(report),
    )
    return View(data, blocks, (*report.findings, *(other.finding() for other in outside)))


def _aloud(report: "CostReport") -> tuple[str, ...]:
    lines = []
    if report.mandate_monthly is not None:
        lines.append(mandate_words(report.mandate_monthly, report.currency))
    if report.not_comparable:
        lines.append(f"not comparable, so not in the mandate's sum: {', '.join(report.not_comparable[:READABLE])}")
    return tuple(lines)


def _signed(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{cents(amount):+,}"
