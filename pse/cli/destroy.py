"""`pse destroy`: remove what was provisioned."""

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, verb


@verb("pse destroy --unit records --yes")
@click.option("--unit", "units", multiple=True, metavar="UNIT", help="Only this unit; may be repeated.")
@change_options
def command(session: Session, *, units: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove what was provisioned.

    The stacks of this workspace, workloads before landing zones. Data on them is lost.
    """
    from blueprints import provision
    from pse.cli.render_work import destroy_intent, destroyed_view

    standing = session.stacks(units)
    if session.agreed(destroy_intent(session.workspace, standing), yes=yes, dry_run=dry_run) and standing:
        session.show(destroyed_view(provision.destroy(session.workspace, units=standing, progress=session.progress)))
