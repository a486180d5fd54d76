"""The fifth gate over all stacks of a plan that stand."""

from typing import TYPE_CHECKING

from pse.core.progress import Event, Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle
    from pse.core.documents.verdicts import Refusal


def audit_units(workspace: Workspace, bundle: "Bundle", progress: Progress) -> dict[str, tuple["Refusal", ...]]:
    """Ask the cloud of each standing unit what rests where; unit id to what is refused there."""
    from policy.gate import read_gate
    from providers.audit import audit
    from providers.engine import Engine
    from pse.core.time import today

    engine, found = Engine(workspace), {}
    for unit in sorted(bundle.units):
        if engine.deployment(unit) is None:
            continue
        progress(Event("audit", "start", unit))
        found[unit] = audit(workspace, unit, read_gate(workspace, unit, now=today()))
        progress(Event("audit", "done", unit, f"{len(found[unit])} refused"))
    return found
