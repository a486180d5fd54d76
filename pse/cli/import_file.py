"""`pse import`: take servers from another tool's file."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, verb


@verb("pse import rvtools.xlsx", name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format", "format_", default="", metavar="NAME", help="Take FILE for this format; a wrong name lists all."
)
@click.option("--mapping", type=click.Path(path_type=Path), help="TOML file that says which column is what.")
@fail_on_option()
def command(session: Session, file: Path, format_: str, mapping: Path | None, fail_on: str) -> None:
    """Take servers from another tool's file.

    FILE is an export of RVTools, Azure Migrate, AWS, Google, Live Optics, NetBox and others, a list of one's own, or a
    folder of files that one export wrote; its kind is found by what it holds. A bad row is named and left out.
    Kinds and mapping files: docs/importing.md.
    """
    import inventory
    from pse.cli.render_estate import import_view

    found = inventory.import_file(session.workspace, file, format_=format_, mapping=mapping, progress=session.progress)
    session.show(import_view(found), fail_on=fail_on)
