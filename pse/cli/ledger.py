"""`pse ledger`: the hash chain of decisions, refusals and effects."""

import click

from pse.cli.session import Session
from pse.cli.verb import Family, verb


@click.group("ledger", cls=Family)
def command() -> None:
    """Show and verify the chain of what was done."""


@verb("pse ledger show")
@click.option("--last", type=click.IntRange(min=1), help="Only the last so many entries.")
def show(session: Session, last: int | None) -> None:
    """Show the entries, oldest first."""
    from policy.ledger import Ledger
    from pse.cli.render_policy import ledger_view

    session.show(ledger_view(tuple(Ledger(session.workspace).entries())[-(last or 0) :]))


@verb("pse ledger verify")
def verify(session: Session) -> None:
    """Check the whole chain.

    A changed, missing or reordered entry is named, and the exit code is 3.
    """
    from policy.ledger import Ledger
    from pse.cli.render_policy import head_view

    session.show(head_view(Ledger(session.workspace).verify()))


command.add_command(show)
command.add_command(verify)
