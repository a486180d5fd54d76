"""`pse label`: give servers and workloads their data category."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, verb


@verb("pse label labels.toml")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@fail_on_option
def command(session: Session, file: Path | None, fail_on: str) -> None:
    """Show the data category of every workload.

    FILE becomes policy/labels.toml first. What has no category is named, and refused later.
    """
    from pse.cli.labels import classified, take
    from pse.cli.render_estate import labels_view

    if file:
        take(session.workspace, file)
    session.show(labels_view(*classified(session.workspace)), fail_on=fail_on)
