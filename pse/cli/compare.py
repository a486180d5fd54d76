"""`pse compare`: the places of a plan side by side, or two plans."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse compare plans/3f2a9c0d1e5b\npse compare plans/3f2a9c0d1e5b plans/9b1c04d2aa71 --format markdown")
@plan_argument
@click.argument("new", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(("table", "markdown", "html")), default="table", show_default=True)
def command(session: Session, plan: Path | None, new: Path | None, form: str) -> None:
    """Show the places of a plan, or two plans, side by side.

    Of one plan, for each workload: cost, allowed or refused, and why. Of two, PLAN and then NEW: which decisions,
    places, sizes, waves, costs and findings differ, and which inputs.
    """
    from pse.cli.render import FORMS
    from pse.cli.render_compare import compare_view, diff_of_plans

    view = compare_view(session.bundle(plan).plan) if new is None else diff_of_plans(session, plan, new)
    session.show(view, form=FORMS[form])
