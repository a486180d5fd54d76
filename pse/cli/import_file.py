"""`pse import`: take servers from another tool's file, or from vSphere itself."""

import sys
from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, verb


@verb(
    "pse import rvtools.xlsx\npse import vsphere://reader@vcenter.example.org --password file:vsphere.pw", name="import"
)
@click.argument("file")
@click.option(
    "--format", "format_", default="", metavar="NAME", help="Take FILE for this format; a wrong name lists all."
)
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML file that says which column is what.")
@click.option("--password", default="", metavar="REF", help="vSphere: env:NAME, file:PATH or keyring:SERVICE/NAME.")
@click.option("--pin", default="", metavar="SHA256", help="vSphere: the fingerprint of its certificate.")
@fail_on_option()
def command(
    session: Session, file: str, format_: str, mapping: Path | None, password: str, pin: str, fail_on: str
) -> None:
    """Take servers from another tool's file, or from vSphere.

    FILE is an export of RVTools, Azure Migrate, AWS, Google, Live Optics, NetBox and others, a list of one's own, or a
    folder of files that one export wrote; its kind is found by what it holds. A bad row is named and left out.
    vsphere://USER@HOST[:PORT] asks a vCenter or an ESXi host, read only; its password is in PSE_VSPHERE_PASSWORD, where
    --password says, or asked for. Kinds and mapping files: docs/importing.md.
    """
    from inventory.importing import Access, import_from
    from pse.cli.render_estate import import_view

    access = Access(password=password, pin=pin, ask=_ask)
    found = import_from(
        session.workspace, file, format_=format_, mapping=mapping, access=access, progress=session.progress
    )
    session.show(import_view(found), fail_on=fail_on)


def _ask(what: str) -> str:
    """Ask whoever sits there; nobody does in a pipeline."""
    return str(click.prompt(what, hide_input=True, err=True)) if sys.stdin.isatty() else ""
