"""`pse destroy`: remove what was provisioned."""

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, verb


@verb("pse destroy --unit records --yes")
@click.option("--unit", "units", multiple=True, metavar="UNIT", help="Only this unit; may be repeated.")
@click.option("--with-moved-data", is_flag=True, help="Also stacks that workloads were moved to and are served from.")
@change_options
def command(session: Session, *, units: tuple[str, ...], with_moved_data: bool, yes: bool, dry_run: bool) -> None:
    """Remove what was provisioned.

    The stacks of this workspace, workloads before landing zones. Data on them is lost. Where users are on the new side
    of a moved workload, its stack stays unless --with-moved-data is given.
    """
    from blueprints.building import provision
    from pse.cli.render_work import destroy_intent, destroyed_view

    standing = session.stacks(units)
    intent = destroy_intent(session.workspace, standing)
    if session.agreed(intent, yes=yes, dry_run=dry_run) and standing:
        gone = provision.destroy(session.workspace, standing, session.progress, with_moved_data=with_moved_data)
        session.show(destroyed_view(gone))
