"""`pse cost`: what a plan costs, beside another plan, and within a budget."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pse.cli.session import Session
from pse.cli.verb import Budget, budget_options, plan_argument, verb
from pse.cli.view import View

if TYPE_CHECKING:
    from blueprints import Bundle
    from pse.core.findings import Finding


OF_OTHERS = ("infracost", "focus-csv", "focus-parquet")
"""Formats of other tools, beside the forms of a view."""


@verb(
    "pse cost --format infracost --diff plans/main\n"
    "pse cost --diff plans/3f2a9c0d1e5b plans/9b1c04d2aa71 --format markdown\n"
    "pse cost --max-monthly 250000 --diff plans/main --max-increase 5%\n"
    "pse cost --format focus-parquet --out bill.parquet"
)
@plan_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "markdown", "html", *OF_OTHERS)),
    default="table",
    show_default=True,
    help="Markdown is for a merge request, HTML for a reader, FOCUS for FinOps tools.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it into this file.")
@click.option("--diff", "old", type=click.Path(path_type=Path), help="Show what changes from this older plan.")
@click.option("--lines", is_flag=True, help="Show each line with its row of the price book; HTML always has them.")
@budget_options
def command(
    session: Session,
    plan: Path | None,
    *,
    form: str,
    out: Path | None,
    old: Path | None,
    lines: bool,
    budget: Budget,
) -> None:
    """Show the bill of a plan, or what changes from another one's.

    Monthly and once, by workload and place, with what the in-country mandate costs. What has no price is named, and is
    within no budget, nor is a bill without workloads that are refused. Exit 1 when the bill is over a budget.
    """
    from pse.cli.render import FORMS

    _check(session, form, out, old, budget, lines=lines)
    bundle, before = session.bundle(plan), None if old is None else session.bundle(old)
    view, over = _bill(session, bundle, before, budget, whole=lines or form == "html")
    if form in OF_OTHERS:
        for finding in over:
            session.say(f"{finding.code} {finding.message}")  # these formats have no place for it
        session.emit(_document(form, bundle, before), out)
    else:
        session.show(view, form=FORMS[form], out=out)
    session.finish(View({}, findings=over), fail_on="error")


def _check(session: Session, form: str, out: Path | None, old: Path | None, budget: Budget, *, lines: bool) -> None:
    session.refuse_when(
        lines and (old is not None or form in OF_OTHERS),
        "--lines is for one bill as table, Markdown or HTML",
        hint="--diff shows the lines that changed, and the formats of other tools have all of them.",
    )
    session.refuse_when(
        bool(budget.increase) and old is None,
        "--max-increase has nothing to compare with",
        hint="Name the older plan with --diff.",
    )
    session.refuse_when(
        form.startswith("focus") and old is not None,
        "FOCUS's format holds one bill",
        hint="Take --format json, infracost, markdown or html with --diff.",
    )
    session.refuse_when(
        form == "focus-parquet" and out is None, "Parquet is no text", hint="Name a file with --out bill.parquet."
    )
    session.refuse_when(
        form == "table" and out is not None, "a table is for a terminal", hint="Take another --format with --out."
    )


def _document(form: str, bundle: "Bundle", old: "Bundle | None") -> bytes:
    """The bill in another tool's format."""
    import blueprints
    from blueprints.outputs import focus as focus_format
    from pse.cli import render

    if form == "infracost":
        return render.json_text(blueprints.infracost(bundle, old)).encode()
    return focus_format.as_csv(bundle) if form == "focus-csv" else focus_format.as_parquet(bundle)


def _bill(
    session: Session, bundle: "Bundle", old: "Bundle | None", budget: Budget, *, whole: bool
) -> tuple[View, tuple["Finding", ...]]:
    """What is shown, and why it is over a budget."""
    import blueprints
    from blueprints.building.outside import outside
    from blueprints.comparing.costdiff import cost_diff, over_budget
    from providers.engine import Engine
    from pse.cli.render_cost import cost_view, diff_view

    report = blueprints.cost_report(bundle)
    diff = None if old is None else cost_diff(blueprints.cost_report(old), report)
    over = tuple(over_budget(report, most=budget.most, rise=diff, by=budget.increase))
    if diff is not None:
        return diff_view(bundle.plan, diff, over), over
    # Of a state elsewhere, what was built from here; `pse preview` and `pse audit` ask it.
    others = outside(session.workspace, bundle.units, Engine(session.workspace), offline=True)
    return cost_view(bundle.plan, report, others, over, whole=whole), over
