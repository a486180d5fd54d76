"""`pse discover`: ask the hosts of hosts.toml over SSH."""

import re
from datetime import timedelta
from typing import Any

import click

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, verb


class Age(click.ParamType[timedelta]):
    """A time such as ``90s``, ``30m``, ``12h`` or ``2d``."""

    name = "TIME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """See the class."""
        match = re.fullmatch(r"(\d{1,6})([smhd])", value.strip())
        if not match:
            self.fail("write a number and s, m, h or d, such as 12h", param, ctx)
        return timedelta(seconds=int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]])


@verb("pse discover --accept-new")
@click.option("--accept-new", is_flag=True, help="Pin host keys that are not known yet; a changed key stays refused.")
@click.option("--commands", is_flag=True, help="List what would run and be read on a host, and do nothing.")
@click.option(
    "--only", multiple=True, metavar="HOST", help="Only this host or pattern, such as 'por*'; may be repeated."
)
@click.option(
    "--max-age",
    type=Age(),
    help="Leave out hosts seen within this time, such as 12h or 2d: go on after an interruption.",
)
@click.option(
    "--measure", is_flag=True, help="Read only what known hosts did since the visit before: for every few minutes."
)
@click.option("--usage", is_flag=True, help="Ask nobody; write what such visits measured into usage.csv, for sizes.")
@fail_on_option()
def command(session: Session, *, commands: bool, usage: bool, fail_on: str, **asked: Any) -> None:
    """Take stock of hosts over SSH.

    The hosts of hosts.toml, one round trip each; nothing is written there.
    """
    import inventory
    from inventory.use import write_usage
    from pse.cli.render_estate import commands_view, discovery_view, usage_view

    if commands:
        session.show(commands_view())
    elif usage:
        session.show(usage_view(write_usage(session.workspace)))
    else:
        found = inventory.discover(session.workspace, progress=session.progress, **asked)
        session.show(discovery_view(found), fail_on=fail_on)
