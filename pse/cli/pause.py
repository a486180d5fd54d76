"""`pse pause`: let moves wait at their next step."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse pause --wave 2")
@plan_argument
@click.option("--wave", "waves", multiple=True, type=click.IntRange(min=1), help="Only this wave; may be repeated.")
@click.option("--workload", "workloads", multiple=True, metavar="WORKLOAD", help="Only this one; may be repeated.")
def command(session: Session, plan: Path | None, *, waves: tuple[int, ...], workloads: tuple[str, ...]) -> None:
    """Let moves wait at their next step.

    One workload, a wave, or everything. A step that runs comes to its end first, a copy too; whatever is frozen goes on
    to its end. What waits keeps nobody's place. A rollback is not held up. `pse resume` lets them go on.
    """
    import migrate
    from pse.cli.render_moves import paused_view

    bundle = session.moved(plan)
    session.show(paused_view(migrate.pause(session.workspace, bundle, waves=waves, workloads=workloads)))
