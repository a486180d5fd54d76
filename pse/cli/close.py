"""`pse close`: end the way back, and leave nothing of the moves on any host."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, fail_on_option, plan_argument, verb


@verb("pse close --workload records --yes")
@plan_argument
@click.option("--workload", "workloads", multiple=True, metavar="WORKLOAD", help="Only this one; may be repeated.")
@change_options
@fail_on_option()
def command(
    session: Session, plan: Path | None, *, workloads: tuple[str, ...], yes: bool, dry_run: bool, fail_on: str
) -> None:
    """End the way back of moved workloads.

    Removes keys, tunnels, slots, publications and subscriptions from both sides and proves it by listing. A rollback of
    what users are on the new side of is refused afterwards, for files and databases alike.
    """
    import migrate
    from pse.cli.render_moves import close_intent, closed_view

    bundle = session.moved(plan)
    if session.agreed(close_intent(session.workspace, bundle, workloads), yes=yes, dry_run=dry_run):
        left = migrate.cleanup(session.workspace, bundle, workloads=workloads, progress=session.progress)
        session.show(closed_view(bundle, left), fail_on=fail_on)
