"""`pse resume`: let moves go on."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse resume --wave 2")
@plan_argument
@click.option("--wave", "waves", multiple=True, type=click.IntRange(min=1), help="Only this wave; may be repeated.")
@click.option("--workload", "workloads", multiple=True, metavar="WORKLOAD", help="Only this one; may be repeated.")
def command(session: Session, plan: Path | None, *, waves: tuple[int, ...], workloads: tuple[str, ...]) -> None:
    """Take pauses away.

    Those of these waves and workloads, or all. Workers go on at once; where there is none, `pse migrate` does.
    """
    import migrate
    from pse.cli.render_moves import paused_view

    bundle = session.moved(plan)
    session.show(paused_view(migrate.resume(session.workspace, bundle, waves=waves, workloads=workloads)))
