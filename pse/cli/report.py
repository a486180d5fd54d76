"""`pse report`: one HTML file of what was decided, done, refused and spent."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse report --out report.html")
@plan_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File; below .pse/reports by default.")
def command(session: Session, plan: Path | None, out: Path | None) -> None:
    """Write the report: one HTML file, no network."""
    import migrate
    from pse.cli.render_work import file_view

    session.show(file_view("report", migrate.write_report(session.workspace, session.bundle(plan), out)))
