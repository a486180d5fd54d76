"""Views that compare: the places of one plan, and two plans."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pse.cli.render_cost import signed
from pse.cli.render_plan import READABLE, SAMPLE, amounts, columns, head, mandate_words, total_line, why
from pse.cli.view import Grid, View, grid
from pse.core.text import counted

if TYPE_CHECKING:
    from blueprints.comparing.plandiff import DecisionChange, PlanDiff
    from pse.cli.session import Session
    from pse.core.documents.plan import Decision, Plan
    from pse.core.findings import Finding
    from pse.core.settings import Workspace

SUPPOSED = "this is no plan: nothing was written or signed, and nothing can be provisioned from it"


def compare_view(plan: "Plan") -> View:
    """Each workload's places, cheapest first, with what the mandate costs."""
    items = [
        {
            "workload": d.workload,
            "category": d.category,
            "chosen": d.place,
            "mandate_monthly": d.mandate_monthly,
            "mandate_against": d.mandate_against,
            "options": d.options,
        }
        for d in plan.decisions
    ]
    grids = tuple(_options(d, plan.currency) for d in plan.decisions[:READABLE] if d.options)
    left = len(plan.decisions) - READABLE
    more = (f"and {counted(left, 'more workload')}; --json has all",) if left > 0 else ()
    return View({"plan": plan.hash, "currency": plan.currency, "items": items}, (*head(plan), *grids, *more))


def _options(decision: "Decision", currency: str) -> Grid:
    category = decision.category.value if decision.category else "unclassified"
    title = f"{decision.workload} ({category})"
    if decision.mandate_monthly is not None:
        title += f": {mandate_words(decision.mandate_monthly, currency, decision.mandate_against)}"
    rows = (
        (
            f"{'→ ' if o.place == decision.place else '  '}{o.place}",
            "allowed" if o.allowed else "refused",
            *amounts(o.cost),
            why(o.refusals),
        )
        for o in decision.options
    )
    return grid(title, columns("place|verdict|$|why", currency), rows)


def diff_of_plans(session: "Session", old: Path | None, new: Path) -> View:
    """What differs from the plan ``old`` in ``new``."""
    from blueprints.comparing.plandiff import plan_diff

    before, after = session.bundle(old), session.bundle(new)
    diff = plan_diff(before, after)
    return plan_diff_view(diff, (*head(after.plan), f"against plan {before.plan.hash[:12]} as of {before.plan.as_of}"))


def plan_diff_view(diff: "PlanDiff", above: tuple[str, ...]) -> View:
    """Totals, then each workload that differs, and the findings that are new or gone."""
    currency = diff.currency
    left = len(diff.workloads) - READABLE
    shown = diff.workloads[:READABLE]
    data = {**msgspec.structs.asdict(diff), "items": diff.workloads}
    del data["workloads"]
    blocks: tuple[str | Grid, ...] = (
        *above,
        f"inputs that differ: {', '.join(diff.inputs) or 'none'}",
        f"{signed(diff.monthly)} {currency} a month, {signed(diff.one_time)} {currency} once",
        grid(
            f"What differs{f' (the first {READABLE}; --json has all)' if left > 0 else ''}",
            f"workload|what|before|now|>{currency} a month before|>now|>more",
            (row for change in shown for row in _rows(change)),
        ),
        *_findings("New findings", diff.found),
        *_findings("Findings that are gone", diff.gone),
        f"before: {total_line(diff.before, currency)}, {counted(diff.waves[0], 'wave')}",
        f"now: {total_line(diff.after, currency)}, {counted(diff.waves[1], 'wave')}",
    )
    return View(data, blocks)


def _rows(change: "DecisionChange") -> list[tuple[object, ...]]:
    """One row for the workload with its costs, and one for each field."""
    money = (
        amounts(change.before)[0] if change.before else None,
        amounts(change.after)[0] if change.after else None,
        signed(change.monthly),
    )
    rows: list[tuple[object, ...]] = [(change.workload, change.what, None, None, *money)]
    rows += [("", f.field, f.before or None, f.after or None, "", "", "") for f in change.fields]
    return rows


def _findings(title: str, found: "tuple[Finding, ...]") -> tuple[Grid, ...]:
    rows = [(f.severity.value, f.code, f.subject, f.message) for f in found[:READABLE]]
    left = len(found) - READABLE
    return (
        (grid(f"{title}{f' (the first {READABLE})' if left > 0 else ''}", "severity|code|subject|what", rows),)
        if rows
        else ()
    )


def what_if_view(workspace: "Workspace", supposed: tuple[str, ...], as_of: "dt.date") -> View:
    """What would differ from the plan as it is under what is ``supposed``."""
    from blueprints.comparing.plandiff import plan_diff
    from blueprints.comparing.whatif import read_change, what_if

    now, then = what_if(workspace, [read_change(text) for text in supposed], as_of=as_of)
    title = f"{now.plan.entity}: WHAT IF {', '.join(supposed)}, as of {as_of}"
    view = plan_diff_view(plan_diff(now, then), (title, *((SAMPLE,) if now.plan.sample else ()), SUPPOSED))
    data = {name: value for name, value in view.data.items() if name not in ("old", "new")}
    return View({"what_if": supposed, "as_of": as_of, "sample": now.plan.sample, **data}, view.blocks)
