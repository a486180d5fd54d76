"""`pse blueprints`: the reference architectures that planning chooses from."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import Family, verb


@click.group("blueprints", cls=Family)
def command() -> None:
    """List, show and draw the reference architectures."""


@verb("pse blueprints list", name="list")
def list_(session: Session) -> None:
    """List the installed architectures, with those of outside packages.

    Needs no workspace.
    """
    from pse.cli.render_blueprints import list_view

    session.show(list_view())


@verb("pse blueprints show web-database")
@click.argument("name")
def show(session: Session, name: str) -> None:
    """Show when an architecture fits, and its controls: those that are built, and those that are left to people.

    Needs no workspace.
    """
    from pse.cli.render_blueprints import show_view

    session.show(show_view(name))


@verb("pse blueprints draw web-database --out web-database.svg")
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it into this file, not to stdout.")
def draw(session: Session, name: str, out: Path | None) -> None:
    """Draw an architecture as SVG, with its controls.

    Needs no workspace.
    """
    from blueprints.outputs.drawing import svg
    from pse.cli.render_blueprints import architecture, drawn_view

    drawn = svg(name, architecture(name))
    if session.as_json:
        session.show(drawn_view(name, drawn))
    else:
        session.emit(drawn.encode(), out)


command.add_command(list_)
command.add_command(show)
command.add_command(draw)
