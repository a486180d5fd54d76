"""`pse compare`: the places of a plan side by side, or two plans."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb(
    "pse compare plans/3f2a9c0d1e5b\npse compare plans/3f2a9c0d1e5b plans/9b1c04d2aa71 --format markdown\n"
    "pse compare --score\npse compare --tco"
)
@plan_argument
@click.argument("new", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(("table", "markdown", "html")), default="table", show_default=True)
@click.option("--score", is_flag=True, help="Score the allowed places by the weights of [compare] in pse.toml.")
@click.option("--tco", is_flag=True, help="Hold the plan against the old room, by the figures of room.toml.")
def command(session: Session, plan: Path | None, new: Path | None, *, form: str, score: bool, tco: bool) -> None:
    """Show the places of a plan, or two plans, side by side.

    Of one plan, for each workload: cost, allowed or refused, and why. Of two, PLAN and then NEW: which decisions,
    places, sizes, waves, costs and findings differ, and which inputs. --score and --tco look at one plan in other ways.
    """
    from pse.cli.render import FORMS
    from pse.cli.render_advantage import room_of_plan, score_of_plan
    from pse.cli.render_compare import compare_view, diff_of_plans

    session.refuse_when(
        sum((score, tco, new is not None)) > 1,
        "two comparisons at once",
        hint="Take one of NEW, --score and --tco.",
    )
    if new is not None:
        view = diff_of_plans(session, plan, new)
    else:
        of = session.bundle(plan).plan
        view = score_of_plan(session, of) if score else room_of_plan(session, of) if tco else compare_view(of)
    session.show(view, form=FORMS[form])
