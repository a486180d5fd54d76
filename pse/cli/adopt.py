"""`pse adopt`: take over what a lost answer left behind."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, plan_argument, verb


@verb("pse adopt records --yes")
@click.argument("unit")
@plan_argument
@click.option("--refresh", is_flag=True, help="Ask the cloud first, and build again what is gone or was changed there.")
@change_options
def command(session: Session, unit: str, plan: Path | None, *, refresh: bool, yes: bool, dry_run: bool) -> None:
    """Take over what a lost answer left behind.

    Runs UNIT of PLAN again, also when it stands: an object with our tags that its state does not know, and that is as
    planned, becomes the stack's. For when `pulumi up` says ALREADY_EXISTS; with --refresh for what `pse audit` finds
    missing or changed.
    """
    from blueprints.building.provision import adopt
    from pse.cli.render_work import deployments_view, up_intent

    bundle = session.bundle(plan)
    intent = up_intent(session.workspace, bundle, units=(unit,), again=True)
    if session.agreed(intent, yes=yes, dry_run=dry_run):
        built = adopt(session.workspace, bundle, unit, session.progress, refresh=refresh)
        session.show(deployments_view((built,)))
