"""`pse waves`: what moves together and when, why, and how good that is; as a picture and for calendars."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb

if TYPE_CHECKING:
    from pse.core.documents.plan import Plan


@verb("pse waves\npse waves plans/3f2a9c0d1e5b --gantt waves.svg --ics waves.ics\npse waves --json")
@plan_argument
@click.option("--gantt", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture of the waves: SVG.")
@click.option("--ics", type=click.Path(path_type=Path, dir_okay=False), help="Write them for calendars: iCalendar.")
def command(session: Session, plan: Path | None, gantt: Path | None, ics: Path | None) -> None:
    """Show which workloads of a plan move together and when, and why.

    With the least number of waves that was proven, and how far the plan is from it. Limits, change freezes, deadlines
    and the pilot are set in `[plan.schedule]` of pse.toml and in workloads.toml; `pse plan` keeps them.
    """
    from pse.cli.render_waves import waves_view

    bundle = session.bundle(plan)
    written = _written(bundle.plan, gantt, ics)
    session.show(waves_view(bundle.plan, written))


def _written(plan: "Plan", gantt: Path | None, ics: Path | None) -> list[str]:
    """Write the files that were asked for, both made before the first is written; their paths."""
    from blueprints.waves.gantt import gantt as picture
    from blueprints.waves.ical import icalendar
    from pse.core.canonical import write_many

    files = {gantt: picture(plan).encode()} if gantt else {}
    files |= {ics: icalendar(plan)} if ics else {}
    if files:
        write_many(files)
    return [str(path) for path in files]
