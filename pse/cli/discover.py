"""`pse discover`: ask the hosts of hosts.toml over SSH."""

import click

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, verb


@verb("pse discover --accept-new")
@click.option("--accept-new", is_flag=True, help="Pin host keys that are not known yet; a changed key stays refused.")
@click.option("--commands", is_flag=True, help="List what would run and be read on a host, and do nothing.")
@click.option(
    "--only", multiple=True, metavar="HOST", help="Only this host or pattern, such as 'por*'; may be repeated."
)
@fail_on_option()
def command(session: Session, *, accept_new: bool, commands: bool, only: tuple[str, ...], fail_on: str) -> None:
    """Take stock of hosts over SSH.

    The hosts of hosts.toml, one round trip each; nothing is written there.
    """
    import inventory
    from pse.cli.render_estate import commands_view, discovery_view

    if commands:
        session.show(commands_view())
        return
    found = inventory.discover(session.workspace, accept_new=accept_new, only=only, progress=session.progress)
    session.show(discovery_view(found), fail_on=fail_on)
