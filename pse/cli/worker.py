"""`pse worker`: one of several processes that move workloads."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import verb


@verb("pse worker --parallel 4")
@click.argument("plan", required=False, type=click.Path(path_type=Path))
@click.option("--parallel", type=click.IntRange(1, 256), help="Workloads at once; else what pse.toml says.")
@click.option("--until-idle", is_flag=True, help="End when nothing waits and nobody works.")
def command(session: Session, plan: Path | None, *, parallel: int | None, until_idle: bool) -> None:
    """Work on what `pse migrate` asked for.

    As many processes as you like, on as many machines as share the workspace's folder, with PostgreSQL behind. Limits
    of pse.toml count for all together. What a dead one had in hand, the others take up within a minute. Of PLAN, or of
    any plan. An interrupt (or SIGTERM) lets frozen workloads come to their end, and leaves the others to the next one.
    """
    import signal

    import migrate
    from pse.cli.view import View

    bundle = session.bundle(plan) if plan is not None else None
    # What a service manager sends is the same wish as a person's Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    migrate.take_part(
        session.workspace, bundle=bundle, parallel=parallel or 0, until_idle=until_idle, progress=session.progress
    )
    session.show(View({"worked": True}, ("nothing waits, and nobody works",)))
