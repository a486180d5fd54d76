"""The fifth gate over all stacks of a plan that stand."""

from typing import TYPE_CHECKING

from pse.core.progress import Event, Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle
    from pse.core.documents.verdicts import Refusal


def audit_units(workspace: Workspace, bundle: "Bundle", progress: Progress) -> dict[str, tuple["Refusal", ...]]:
    """Ask the cloud of each standing unit what rests where; unit id to what is refused there.

    The plan's own gates judge, whatever a later `pse up` has put into ``.pse/gate``; `Bundle.read` verified them.

    Raises:
        Refused: The clock is behind the ledger, so what has expired would count again.
    """
    from policy.gatefiles import effective_day
    from providers.audit import audit
    from providers.engine import Engine
    from pse.core.time import today

    effective_day(workspace, today())
    engine, found = Engine(workspace), {}
    for unit in sorted(bundle.units):
        if engine.deployment(unit) is None:
            continue
        progress(Event("audit", "start", unit))
        found[unit] = audit(workspace, unit, bundle.gates[unit].gate, plan=bundle.plan.hash)
        progress(Event("audit", "done", unit, f"{len(found[unit])} refused"))
    return found
