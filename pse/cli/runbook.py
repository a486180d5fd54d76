"""`pse runbook`: what is done in a wave, by whom, for how long, and how it is taken back."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse runbook --wave 1 --out wave-1.html")
@plan_argument
@click.option("--wave", type=click.IntRange(min=1), required=True, help="Which.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File: .md or .html.")
def command(session: Session, plan: Path | None, wave: int, out: Path | None) -> None:
    """Show or write the runbook of a wave.

    Before it: who, what, when, how long, and the points from which it is taken back. Made again while it goes on and
    after it, it is filled in with what happened.
    """
    import migrate
    from migrate.runbook import make_runbook
    from pse.cli.render_runbook import runbook_view, write_view

    bundle = session.bundle(plan)
    made = make_runbook(session.workspace, bundle, wave, migrate.status(session.workspace, bundle))
    view = runbook_view(made)
    session.show(view if out is None else write_view(view, out))
