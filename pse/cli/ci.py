"""`pse ci`: everything that a merge request needs, in one go."""

import datetime as dt
from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import Budget, Day, budget_options, fail_on_option, plan_argument, verb


@verb("pse ci --out ci\npse ci plans/9b1c04d2aa71 --base plans/3f2a9c0d1e5b --max-increase 5% --out ci")
@plan_argument
@click.option("--base", type=click.Path(path_type=Path), help="The plan of the branch that it will be merged into.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default="ci", show_default=True)
@click.option("--as-of", type=Day(), help="Day of a plan that is made; today in Asia/Karachi by default.")
@click.option("--offline", is_flag=True, help="Preview without Pulumi's CLI and without state.")
@budget_options
@fail_on_option()
def command(
    session: Session,
    plan: Path | None,
    *,
    base: Path | None,
    out: Path,
    as_of: dt.date | None,
    offline: bool,
    budget: Budget,
    fail_on: str,
) -> None:
    """Look at everything that a merge request needs.

    Readiness, policy, the plan, what it changes against --base, cost, budget and preview; Markdown, SARIF, JUnit and
    Infracost's JSON go into --out. PLAN is the one that was reviewed, and has to be what the workspace's files give;
    without PLAN one is made. No step hides the next one's result, and nothing of the world is changed. The exit code
    is that of the first step that failed, else 1 when something was found.
    """
    from pse.cli.pipeline import Pipeline, Wanted, exit_code
    from pse.cli.render_ci import ci_view, write_files
    from pse.core.time import today

    lacking = bool(budget.increase) and base is None
    session.refuse_when(lacking, "--max-increase has nothing to compare with", hint="Name the older plan with --base.")
    pipeline = Pipeline(session, Wanted(plan, base, as_of or today(), out, budget, offline))
    steps = pipeline.steps()
    code = exit_code(steps, fail_on)
    write_files(session.workspace, pipeline, steps, fail_on=fail_on, code=code, out=out)
    session.show(ci_view(pipeline, steps, fail_on, code, out))
    session.leave(code)
