"""`pse cost`: what a plan costs."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse cost --format infracost")
@plan_argument
@click.option("--format", "form", type=click.Choice(("table", "json", "infracost")), default="table", show_default=True)
def command(session: Session, plan: Path | None, form: str) -> None:
    """Show the bill of a plan.

    Monthly and once, by workload and place, with what the in-country mandate costs. What has no price is said.
    """
    import blueprints
    from blueprints.outside import outside
    from providers.engine import Engine
    from pse.cli.render_cost import cost_view, infracost_view

    bundle = session.bundle(plan)
    if form != "table":
        session.as_json = True
    if form == "infracost":
        session.show(infracost_view(blueprints.infracost(bundle)))
        return
    # Of a state elsewhere, what was built from here; `pse preview` and `pse audit` ask it.
    others = outside(session.workspace, bundle.units, Engine(session.workspace), offline=True)
    session.show(cost_view(bundle.plan, blueprints.cost_report(bundle), others))
