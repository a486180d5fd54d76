"""`pse policy`: the rules, their cases, and why a place is allowed or refused."""

import datetime as dt
from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import Day, Family, fail_on_option, findings_option, verb

CATEGORIES = ("open", "public", "restricted", "sensitive", "secret")


@click.group("policy", cls=Family)
def command() -> None:
    """List the rules, run their cases, and explain verdicts."""


@verb("pse policy rules --as-of 2027-01-01")
@click.option("--as-of", type=Day(), help="Day that they are read for; today in Asia/Karachi by default.")
def rules(session: Session, as_of: dt.date | None) -> None:
    """List the rules, shipped and own, and which are in force."""
    from policy.rulebook import load_rules
    from pse.cli.render_rules import rules_view
    from pse.core.time import today

    session.show(rules_view(load_rules(session.workspace.path("policy", "rules")), as_of or today()))


@verb("pse policy test")
@findings_option
@fail_on_option()
def test(session: Session, *, files: tuple[Path, ...], fail_on: str) -> None:
    """Run the good and bad cases beside each rule and each clue.

    Exit 1 when one does not come out as written. An own rule without cases is a warning.
    """
    from policy import clues
    from policy.cases import failures
    from policy.rulebook import load_rules
    from pse.cli.render_rules import cases_view

    known = load_rules(session.workspace.path("policy", "rules"))
    looked_for = clues.load_clues(session.workspace.path("policy", "clues"))
    view = cases_view(known, looked_for, (*failures(known), *clues.failures(looked_for)))
    session.write_findings(view, files)
    session.show(view, fail_on=fail_on)


@verb("pse policy explain portal --place 'sample-*'")
@click.argument("workload", required=False)
@click.option(
    "--category", type=click.Choice(CATEGORIES), help="Judge this category: without WORKLOAD, or in its place."
)
@click.option("--place", "pattern", default="*", help="Only places whose id fits this pattern.")
@click.option("--as-of", type=Day(), help="Day to judge for; today in Asia/Karachi by default.")
def explain(session: Session, workload: str | None, category: str | None, pattern: str, as_of: dt.date | None) -> None:
    """Say in words why each place is allowed or refused, rule by rule.

    WORKLOAD is one of the estate, or an environment. It changes nothing and opens nothing: `pse plan` decides.
    """
    from blueprints.estate.explaining import explained
    from pse.cli.render_rules import explanation_view
    from pse.core.documents.category import Category
    from pse.core.time import today

    session.refuse_when(
        workload is None and category is None, "nothing to explain", hint="Name a workload or --category."
    )
    found = explained(
        session.workspace, workload or "", Category(category) if category else None, as_of=as_of or today()
    )
    view = explanation_view(found, pattern)
    session.refuse_when(
        not view.data["items"] and bool(found.places),
        "no place of the register fits",
        hint="`pse register show` lists them.",
    )
    session.show(view)


command.add_command(rules)
command.add_command(test)
command.add_command(explain)
