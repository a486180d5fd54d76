"""`pse adopt`: take over an object that a lost answer left behind."""

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, verb


@verb("pse adopt records 'urn:pulumi:records::pse::pse:index:Server::files' srv-0f3a --yes")
@click.argument("unit")
@click.argument("urn")
@click.argument("object_id", metavar="ID")
@change_options
def command(session: Session, unit: str, urn: str, object_id: str, *, yes: bool, dry_run: bool) -> None:
    """Take over an object that a lost answer left.

    The object ID carries our tags; it becomes the resource URN of UNIT.
    """
    from providers.engine import Engine
    from pse.cli.render_work import adopt_intent, adopted_view

    if session.agreed(adopt_intent(unit, urn, object_id), yes=yes, dry_run=dry_run):
        Engine(session.workspace, progress=session.progress).adopt(unit, urn, object_id)
        session.show(adopted_view(unit, urn, object_id))
