"""`pse rollback`: back to the old side."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, plan_argument, verb


@verb("pse rollback portal --yes")
@click.argument("workload")
@plan_argument
@change_options
def command(session: Session, workload: str, plan: Path | None, *, yes: bool, dry_run: bool) -> None:
    """Bring a workload back to the old side.

    With what was written on the new side since the cut-over.
    """
    import migrate
    from pse.cli.render_moves import campaign_view, rollback_intent

    bundle = session.moved(plan)
    if session.agreed(
        rollback_intent(bundle, workload, migrate.status(session.workspace, bundle)), yes=yes, dry_run=dry_run
    ):
        session.show(campaign_view(migrate.rollback(session.workspace, bundle, workload, progress=session.progress)))
