"""`pse label`: give servers and workloads their data category."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, fail_on_option, verb


@verb("pse label labels.toml --dry-run\npse label --propose columns.csv\npse label --accept --dry-run")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--allow-empty", is_flag=True, help="Take a FILE without any label, too.")
@click.option("--propose", is_flag=True, help="Write policy/proposals.toml from what was found; decides nothing.")
@click.option("--accept", is_flag=True, help="Make labels of the proposals in FILE that an owner signed.")
@change_options
@fail_on_option()
def command(
    session: Session,
    file: Path | None,
    *,
    allow_empty: bool,
    propose: bool,
    accept: bool,
    yes: bool,
    dry_run: bool,
    fail_on: str,
) -> None:
    """Show the data category of every workload.

    FILE becomes policy/labels.toml first, once you have seen what changes; the former file is kept in .pse/labels. What
    has no category is named, and refused later. With --propose, FILE is a CSV of host, kind and name, such as the
    columns of a database; with --accept it is policy/proposals.toml, where the owners of data have signed.
    """
    from pse.cli.labels import accepted, classified, difference, proposed, take
    from pse.cli.render_estate import labels_intent, labels_view, proposals_view
    from pse.core.canonical import read_bytes

    session.refuse_when(propose and accept, "--propose and --accept do not go together")
    if propose:
        session.show(proposals_view(*proposed(session.workspace, file)), fail_on=fail_on)
        return
    if accept:
        file = file or session.workspace.path("policy", "proposals.toml")
        text = accepted(session.workspace, file)
    else:
        text = read_bytes(file) if file else b""
    change = difference(session.workspace, text, where=file, allow_empty=allow_empty) if file else None
    if change is not None:
        if not session.agreed(labels_intent(change), yes=yes, dry_run=dry_run):
            return
        kept = take(session.workspace, change.text)
        if kept:
            session.say(f"the former labels are kept in {kept}")
    session.show(labels_view(*classified(session.workspace, or_none=file is not None)), fail_on=fail_on)
