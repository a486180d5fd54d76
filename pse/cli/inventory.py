"""`pse inventory`: what is known of the servers, what changed, and files of it for other tools."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import Family, verb

_STATES = ("ready", "ready-with-conditions", "not-ready", "unknown")
_TABLES = (
    *("list", "servers", "disks", "filesystems", "nics", "listeners", "flows", "databases", "configuration"),
    "workloads",
)


@click.group("inventory", cls=Family)
def command() -> None:
    """Show what is known of the servers, and what changed."""


@verb("pse inventory list\npse inventory list 'db-*' --readiness not-ready --json", name="list")
@click.argument("pattern", default="*")
@click.option("--readiness", type=click.Choice(_STATES), help="Only servers in this state.")
def list_(session: Session, pattern: str, readiness: str | None) -> None:
    """List servers and templates, and how ready each is to move.

    PATTERN is a host name, in which * and ? stand for others.
    """
    from inventory import load_estate
    from pse.cli.render_inventory import list_view

    session.show(list_view(load_estate(session.workspace), pattern, readiness))


@verb("pse inventory show db-01")
@click.argument("server")
def show(session: Session, server: str) -> None:
    """Show everything known of one server; SERVER is its host name or id."""
    from inventory.listing import whole_of
    from pse.cli.render_inventory import whole_view

    session.show(whole_view(whole_of(session.workspace, server)))


@verb("pse inventory history")
def history(session: Session) -> None:
    """List the discoveries and imports, and the snapshot that each left behind."""
    from inventory.history import runs
    from pse.cli.render_inventory import history_view

    session.show(history_view(runs(session.workspace)))


@verb("pse inventory diff\npse inventory diff 3 4\npse inventory diff 9c41d07e 5b20aa13 --json")
@click.argument("old", required=False)
@click.argument("new", required=False)
def diff(session: Session, old: str | None, new: str | None) -> None:
    """Show what changed between two snapshots.

    OLD and NEW are numbers of `pse inventory history` or first digits of hashes. Without them it is what changed last;
    without NEW, OLD is compared with what is known now.
    """
    from inventory.history import difference, two_of
    from pse.cli.render_inventory import diff_view

    session.show(diff_view(difference(*two_of(session.workspace, old, new))))


@verb("pse inventory export estate.xlsx\npse inventory export flows.parquet --table flows")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--table", type=click.Choice(_TABLES), default="list", show_default=True, help="xlsx takes all of them.")
def export(session: Session, file: Path, table: str) -> None:
    """Write a table as .json, .csv or .parquet, or all of them as .xlsx; FILE must not be there yet."""
    from inventory import load_estate
    from inventory.exports import export as write
    from pse.cli.render_inventory import export_view

    session.show(export_view(file, write(load_estate(session.workspace), file, table)))


for _verb in (list_, show, history, diff, export):
    command.add_command(_verb)
