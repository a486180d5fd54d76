"""`pse import`: take servers from another tool's file."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, verb


@verb("pse import rvtools.xlsx", name="import")
@click.argument("file", type=click.Path(path_type=Path))
@fail_on_option()
def command(session: Session, file: Path, fail_on: str) -> None:
    """Take servers from another tool's file.

    FILE is an RVTools workbook; a bad row is named and left out.
    """
    import inventory
    from pse.cli.render_estate import import_view

    session.show(
        import_view(inventory.import_file(session.workspace, file, progress=session.progress)), fail_on=fail_on
    )
