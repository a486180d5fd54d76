"""`pse up`: provision a plan."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import change_options, plan_argument, verb


@verb("pse up --wave 1 --yes\npse up plans/4f1c09aa2b7d --unchanged --yes")
@plan_argument
@click.option("--landing", is_flag=True, help="Only the landing zones.")
@click.option("--wave", "waves", multiple=True, type=click.IntRange(min=0), help="Only this wave; may be repeated.")
@click.option("--unit", "units", multiple=True, metavar="UNIT", help="Only this unit; may be repeated.")
@click.option("--unchanged", is_flag=True, help="Refuse it when anything that it was made from changed since.")
@change_options
def command(
    session: Session,
    plan: Path | None,
    *,
    landing: bool,
    waves: tuple[int, ...],
    units: tuple[str, ...],
    unchanged: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Provision a plan.

    Landing zones first, then stacks side by side. Interrupted and run again, it goes on.
    """
    from blueprints.building import provision
    from blueprints.planning.unchanged import refuse_changed
    from policy.deeds import noting_refusal
    from pse.cli.render_work import deployments_view, up_intent

    asked = {"file": session.plan_path(plan).parent.name}
    with noting_refusal(session.workspace, "up", asked, session.progress):
        bundle = session.bundle(plan)
        if unchanged:
            refuse_changed(session.workspace, bundle)
    if dry_run:
        provision.refuse(session.workspace, bundle, landing=landing, waves=waves, units=units)
    with noting_refusal(session.workspace, "up", asked, session.progress):
        intent = up_intent(session.workspace, bundle, landing=landing, waves=waves, units=units)
    if session.agreed(intent, yes=yes, dry_run=dry_run):
        built = provision.up(
            session.workspace, bundle, landing=landing, waves=waves, units=units, progress=session.progress
        )
        session.show(deployments_view(built))
