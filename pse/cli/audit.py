"""`pse audit`: ask the clouds where things rest."""

from pathlib import Path

from pse.cli.session import Session
from pse.cli.verb import fail_on_option, plan_argument, verb


@verb("pse audit")
@plan_argument
@fail_on_option()
def command(session: Session, plan: Path | None, *, fail_on: str) -> None:
    """List what rests at the places, and judge it.

    The fifth gate, over everything that the accounts list: what stands, also outside PLAN, leftovers, objects of others
    and of nobody, and what moved, was copied elsewhere, or lost its key. What is refused goes to the ledger, and the
    exit code is 3. The audit is kept for `pse evidence`.
    """
    from blueprints.building.auditing import audit_units
    from pse.cli.render_work import audit_view
    from pse.core.errors import Refused

    found = audit_units(session.workspace, session.bundle(plan), session.progress)
    refused = any(found.refused.values())
    session.show(audit_view(found), fail_on="never" if refused else fail_on)
    if refused:
        raise Refused("something rests where it may not be", hint="See the list above; the ledger has it too.")
