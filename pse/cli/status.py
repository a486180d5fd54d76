"""`pse status`: where the moves stand."""

from functools import partial
from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, plan_argument, verb


@verb("pse status --follow")
@plan_argument
@click.option("--follow", is_flag=True, help="Go on until nothing moves any more.")
@click.option("--json-lines", is_flag=True, help="With --follow: one JSON object a line for each change.")
@fail_on_option(default="never")
def command(session: Session, plan: Path | None, *, follow: bool, json_lines: bool, fail_on: str) -> None:
    """Show where the moves stand.

    State, bytes, checks and downtime of each workload; how far each move is, at what rate, what is left and how far
    behind its target is; who works, and what waits for what. With --follow bars on a terminal, and with --json-lines an
    object a line: a workload, or how far a move is. Looking is no failure: exit 0 whatever it finds, but for what
    --fail-on names.
    """
    import migrate
    from pse.cli.follow import changes
    from pse.cli.render_moves import campaign_view, show_change, with_going

    session.refuse_when(json_lines and not follow, "--json-lines goes with --follow")
    bundle = session.moved(plan)
    look = partial(migrate.status, session.workspace, bundle)
    going = partial(migrate.going, session.workspace, bundle)
    if follow:
        working = partial(migrate.working, session.workspace)
        for change in changes(look, working=working, going=going):
            show_change(session, change, json_lines=json_lines)
        session.close()
    view = with_going(campaign_view(look(), plan=bundle.plan.hash), going())
    if json_lines:
        session.finish(view, fail_on=fail_on)
    else:
        session.show(view, fail_on=fail_on)
