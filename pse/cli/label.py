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
    from pse.cli.labels import classified, proposed
    from pse.cli.render_estate import labels_view, proposals_view

    session.refuse_when(propose and accept, "--propose and --accept do not go together")
    if propose:
        session.show(proposals_view(*proposed(session.workspace, file)), fail_on=fail_on)
        return
    if accept:
        file = file or session.workspace.path("policy", "proposals.toml")
    if file and not _taken(session, file, accept=accept, allow_empty=allow_empty, yes=yes, dry_run=dry_run):
        return
    session.show(labels_view(*classified(session.workspace, or_none=file is not None)), fail_on=fail_on)


def _taken(session: Session, file: Path, *, accept: bool, allow_empty: bool, yes: bool, dry_run: bool) -> bool:
    """Make what FILE says the workspace's labels; False when that was not agreed to."""
    from pse.cli.labels import accepted, difference, note_signed, take
    from pse.cli.render_estate import labels_intent
    from pse.core.canonical import read_bytes

    text = accepted(session.workspace, file) if accept else read_bytes(file)
    change = difference(session.workspace, text, where=file, allow_empty=allow_empty)
    if change is None:
        return True
    if not session.agreed(labels_intent(change), yes=yes, dry_run=dry_run):
        return False
    kept = take(session.workspace, change.text)
    if accept:
        note_signed(session.workspace, change.appear, session.progress)
    if kept:
        session.say(f"the former labels are kept in {kept}")
    return True
