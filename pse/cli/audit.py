"""`pse audit`: ask the clouds where things rest."""

from pathlib import Path

from pse.cli.session import Session
from pse.cli.verb import plan_argument, verb


@verb("pse audit")
@plan_argument
def command(session: Session, plan: Path | None) -> None:
    """Ask each place what rests there, and judge it.

    The fifth gate, over every stack that stands, also one that PLAN does not name. What is refused goes to the ledger,
    and the exit code is 3.
    """
    from blueprints.auditing import audit_units
    from pse.cli.render_work import audit_view
    from pse.core.errors import Refused

    found = audit_units(session.workspace, session.bundle(plan), session.progress)
    session.show(audit_view(found))
    if any(found.refused.values()):
        raise Refused("something rests where it may not be", hint="See the list above; the ledger has it too.")
