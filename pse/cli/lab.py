"""`pse lab`: the embedded server room."""

import click

from pse.cli.session import Session
from pse.cli.verb import Family, verb


@click.group("lab", cls=Family)
def command() -> None:
    """Start, show and stop the lab on this machine."""


@verb("pse lab start")
def start(session: Session) -> None:
    """Start the sample's old server room.

    Its name server too. What runs already is left alone.
    """
    from providers.lab import hosts
    from pse.cli.render_work import lab_view

    hosts.start_room(session.workspace, progress=session.progress)
    session.show(lab_view(hosts.status(session.workspace)))


@verb("pse lab status")
def status(session: Session) -> None:
    """Show the lab's hosts."""
    from providers.lab import hosts
    from pse.cli.render_work import lab_view

    session.show(lab_view(hosts.status(session.workspace)))


@verb("pse lab stop")
@click.argument("names", nargs=-1)
def stop(session: Session, names: tuple[str, ...]) -> None:
    """Stop hosts of the lab.

    NAMES, or every host; their disks stay.
    """
    from providers.lab import hosts
    from pse.cli.render_work import lab_view

    hosts.stop(session.workspace, names)
    session.show(lab_view(hosts.status(session.workspace)))


command.add_command(start)
command.add_command(status)
command.add_command(stop)
