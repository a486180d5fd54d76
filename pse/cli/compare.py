"""`pse compare`: the places of a plan side by side."""

from pathlib import Path

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse compare plans/3f2a9c0d1e5b")
@plan_argument
def command(session: Session, plan: Path | None) -> None:
    """Show the places of a plan side by side.

    For each workload: cost, allowed or refused, and why.
    """
    from pse.cli.render_plan import compare_view

    session.show(compare_view(session.bundle(plan).plan))
