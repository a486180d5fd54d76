"""`pse label`: give servers and workloads their data category."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, fail_on_option, verb


@verb("pse label labels.toml --dry-run")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--allow-empty", is_flag=True, help="Take a FILE without any label, too.")
@change_options
@fail_on_option()
def command(session: Session, file: Path | None, *, allow_empty: bool, yes: bool, dry_run: bool, fail_on: str) -> None:
    """Show the data category of every workload.

    FILE becomes policy/labels.toml first, once you have seen what changes; the former file is kept in .pse/labels. What
    has no category is named, and refused later.
    """
    from pse.cli.labels import classified, difference, take
    from pse.cli.render_estate import labels_intent, labels_view

    found = difference(session.workspace, file, allow_empty=allow_empty) if file else None
    if found is not None:
        if not session.agreed(labels_intent(found), yes=yes, dry_run=dry_run):
            return
        kept = take(session.workspace, found.text)
        if kept:
            session.say(f"the former labels are kept in {kept}")
    session.show(labels_view(*classified(session.workspace, or_none=file is not None)), fail_on=fail_on)
