"""`pse migrate`: move the data and cut over."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, plan_argument, verb


@verb("pse migrate --workload records --yes")
@plan_argument
@click.option("--wave", "waves", multiple=True, type=click.IntRange(min=1), help="Only this wave; may be repeated.")
@click.option("--workload", "workloads", multiple=True, metavar="WORKLOAD", help="Only this one; may be repeated.")
@change_options
def command(
    session: Session,
    plan: Path | None,
    *,
    waves: tuple[int, ...],
    workloads: tuple[str, ...],
    yes: bool,
    dry_run: bool,
) -> None:
    """Move the data, verify it, cut over.

    Durable: killed and run again, it goes on, and no effect takes place twice. Needs no `pse up` before it.
    """
    import migrate
    from pse.cli.render_moves import campaign_view, migrate_intent, refuse_unfinished

    bundle = session.bundle(plan)
    standing = migrate.status(session.workspace, bundle)
    if dry_run:
        migrate.refuse(session.workspace, bundle, standing, waves=waves, workloads=workloads)
    intent = migrate_intent(bundle, standing, waves=waves, workloads=workloads)
    if session.agreed(intent, yes=yes, dry_run=dry_run):
        campaign = migrate.run(session.workspace, bundle, waves=waves, workloads=workloads, progress=session.progress)
        session.show(campaign_view(campaign))
        refuse_unfinished(campaign, bundle, waves=waves, workloads=workloads)
