"""`pse rollback`: back to the old side."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, verb


@verb("pse rollback plans/3f2a9c0d1e5b portal --yes")
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("workload")
@change_options
def command(session: Session, plan: Path, workload: str, *, yes: bool, dry_run: bool) -> None:
    """Bring a workload back to the old side.

    With what was written on the new side since the cut-over.
    """
    import migrate
    from pse.cli.render_moves import campaign_view, rollback_intent

    bundle = session.bundle(plan)
    if session.agreed(rollback_intent(bundle, workload), yes=yes, dry_run=dry_run):
        session.show(campaign_view(migrate.rollback(session.workspace, bundle, workload, progress=session.progress)))
