"""`pse preview`: what the engine would do."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse preview --offline")
@plan_argument
@click.option("--offline", is_flag=True, help="Evaluate the program here, without Pulumi's CLI and without state.")
@click.option("--unit", "units", multiple=True, metavar="UNIT", help="Only this unit; may be repeated.")
def command(session: Session, plan: Path | None, *, offline: bool, units: tuple[str, ...]) -> None:
    """Show what the engine would do, and its cost.

    What would be created, changed or deleted for PLAN. Touches nothing.
    """
    from blueprints.building import provision
    from pse.cli.render_work import preview_view

    bundle = session.bundle(plan)
    found = provision.preview(session.workspace, bundle, offline=offline, units=units, progress=session.progress)
    session.show(preview_view(bundle, found))
