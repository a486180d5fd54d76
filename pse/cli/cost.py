"""`pse cost`: what a plan costs, beside another plan, and within a budget."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb
from pse.cli.view import View
from pse.core.errors import UsageError

if TYPE_CHECKING:
    from pse.core.findings import Finding


@verb(
    "pse cost --format infracost\n"
    "pse cost --diff plans/3f2a9c0d1e5b plans/9b1c04d2aa71 --format markdown\n"
    "pse cost --max-monthly 250000 --diff plans/main --max-increase 5%"
)
@plan_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "infracost", "markdown")),
    default="table",
    show_default=True,
    help="Markdown is for a merge request.",
)
@click.option("--diff", "old", type=click.Path(path_type=Path), help="Show what changes from this older plan.")
@click.option("--max-monthly", metavar="AMOUNT", help="Exit 1 when a month costs more.")
@click.option(
    "--max-increase",
    metavar="AMOUNT|PERCENT",
    default="",
    help="Exit 1 when a month costs so much more than the plan of --diff: 50000, or 5%.",
)
def command(
    session: Session, plan: Path | None, form: str, old: Path | None, max_monthly: str | None, max_increase: str
) -> None:
    """Show the bill of a plan, or what changes from another one's.

    Monthly and once, by workload and place, with what the in-country mandate costs. What has no price is said, and is
    within no budget. Exit 1 when the bill is over a budget.
    """
    if max_increase and old is None:
        raise UsageError("--max-increase has nothing to compare with", hint="Name the older plan with --diff.")
    if form == "infracost" and old is not None:
        raise UsageError("Infracost's format holds one bill", hint="Take --format json or markdown with --diff.")
    session.as_json = session.as_json or form in ("json", "infracost")
    view, over = _bill(
        session, plan, old, most=_amount(max_monthly), increase=max_increase, infracost=form == "infracost"
    )
    session.show(view, markdown=form == "markdown")
    session.finish(View({}, findings=over), fail_on="error")


def _bill(
    session: Session, plan: Path | None, old: Path | None, *, most: Decimal | None, increase: str, infracost: bool
) -> tuple[View, tuple["Finding", ...]]:
    """What is shown, and why it is over a budget."""
    import blueprints
    from blueprints.costdiff import cost_diff, over_budget
    from blueprints.outside import outside
    from providers.engine import Engine
    from pse.cli.render_cost import cost_view, diff_view, infracost_view

    bundle = session.bundle(plan)
    report = blueprints.cost_report(bundle)
    diff = None if old is None else cost_diff(blueprints.cost_report(session.bundle(old)), report)
    over = tuple(over_budget(report.total, report.currency, most=most, rise=diff, by=increase))
    if infracost:
        for finding in over:
            session.say(f"{finding.code} {finding.message}")  # the format has no place for it
        return infracost_view(blueprints.infracost(bundle)), over
    if diff is not None:
        return diff_view(bundle.plan, diff, over), over
    # Of a state elsewhere, what was built from here; `pse preview` and `pse audit` ask it.
    others = outside(session.workspace, bundle.units, Engine(session.workspace), offline=True)
    return cost_view(bundle.plan, report, others, over), over


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.replace(",", "").replace("_", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"--max-monthly takes an amount, not {text!r}", hint="For example 250000.")
    return amount
