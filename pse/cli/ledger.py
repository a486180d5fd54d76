"""`pse ledger`: the hash chain of decisions, refusals and effects."""

import click

from pse.cli.session import Session
from pse.cli.verb import Family, change_options, verb


@click.group("ledger", cls=Family)
def command() -> None:
    """Show and verify the chain of what was done.

    `pse evidence write` exports it, signed, for whoever has no workspace.
    """


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


@verb("pse ledger accept-clock --reason 'The clock was a year ahead until today.' --yes", name="accept-clock")
@click.option("--reason", required=True, help="Why the later dates are wrong; it is kept in the ledger.")
@change_options
def accept_clock(session: Session, reason: str, *, yes: bool, dry_run: bool) -> None:
    """Go on after entries that a wrong clock dated into the future.

    Look at the clock first: from then on the gate judges by it, and accreditations that a later day had ended count
    again. An entry in the ledger says so, with the reason.
    """
    from policy.ledger import Ledger
    from pse.cli.render_policy import clock_view, ledger_view

    ledger = Ledger(session.workspace)
    if session.agreed(clock_view(ledger.last_day()), yes=yes, dry_run=dry_run):
        session.show(ledger_view((ledger.accept_clock(reason),)))


command.add_command(accept_clock)
command.add_command(show)
command.add_command(verify)
