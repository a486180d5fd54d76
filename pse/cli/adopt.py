"""`pse adopt`: let a stack take over what a lost answer left behind."""

import click

from pse.cli.session import Session
from pse.cli.verb import verb


@verb("pse adopt records")
@click.argument("unit")
def command(session: Session, unit: str) -> None:
    """Let a stack take over what a lost answer left.

    Writes which ids the state of UNIT knows, so that the next plain `pulumi up` can tell an object whose create was
    never answered from a live one. `pse up` does this by itself.
    """
    from providers.engine import Engine
    from pse.cli.render_work import file_view

    session.show(file_view("known", Engine(session.workspace).adopt(unit)))
