"""`pse plan`: map the inventory to places and architectures."""

import datetime as dt
from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import Day, fail_on_option, findings_option, verb


@verb(
    "pse plan --as-of 2026-11-25\npse plan --findings plan.sarif --findings plan.xml\n"
    "pse plan --what-if 'price:sample-markhor/*:compute=+10%' --what-if comfort=1.5"
)
@click.option("--as-of", type=Day(), help="Day that decisions hold for; today in Asia/Karachi by default.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder; plans/<hash> by default.")
@click.option(
    "--what-if",
    "supposed",
    multiple=True,
    metavar="CHANGE",
    help="Write nothing; show what would differ with price:PLACE:KIND=+10%, category:WORKLOAD=open, "
    "place:WORKLOAD=PLACE, without:PLACE or comfort=1.3; may be repeated.",
)
@findings_option
@fail_on_option()
def command(
    session: Session,
    *,
    as_of: dt.date | None,
    out: Path | None,
    supposed: tuple[str, ...],
    files: tuple[Path, ...],
    fail_on: str,
) -> None:
    """Map workloads to places, sizes, waves and costs.

    Writes the plan and changes nothing else. Same inputs, same bytes. Exit 1 when a workload is refused.
    With --what-if it shows instead what would differ from the plan as it is; nothing can be provisioned from that.
    """
    import blueprints
    from pse.cli.render_compare import what_if_view
    from pse.cli.render_plan import plan_view
    from pse.core.time import today

    if supposed:
        session.refuse_when(bool(out or files), "--what-if makes no plan and writes nothing")
        session.show(what_if_view(session.workspace, supposed, as_of or today()))
        return
    bundle = blueprints.make_plan(session.workspace, as_of=as_of or today(), progress=session.progress)
    path = bundle.write(out or bundle.default_folder(session.workspace))
    view = plan_view(bundle.plan, path)
    session.write_findings(view, files)
    session.show(view, fail_on=fail_on)
