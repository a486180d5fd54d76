"""The fifth gate over all stacks of a plan that stand, in whole or in part."""

from typing import TYPE_CHECKING

from pse.core.progress import Event, Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle
    from pse.core.documents.verdicts import Refusal


def audit_units(workspace: Workspace, bundle: "Bundle", progress: Progress) -> dict[str, tuple["Refusal", ...]]:
    """Ask the cloud of each unit that stands, in whole or in part, what rests where; unit id to what is refused there.

    The plan's own gates judge, whatever a later `pse up` has put into ``.pse/gate``; `Bundle.read` verified them.
    Places that today's law refuses count as refused.

    Raises:
        Refused: The clock is behind the ledger, so what has expired would count again, or the register is expired.
    """
    from blueprints.categories import note_today
    from policy import load_policy
    from policy.deeds import note
    from policy.gatefiles import effective_day
    from providers.audit import audit
    from providers.engine import PROJECT, Engine
    from providers.known import path_of
    from pse.core.time import today

    note_today(workspace, load_policy(workspace, as_of=max(effective_day(workspace, today()), bundle.plan.as_of)))
    engine, found = Engine(workspace), {}
    for unit in sorted(bundle.units):
        # A run that was cut off leaves objects and no Deployment: what it knew or meant to make is looked at too.
        traces = (path_of(workspace.private, PROJECT, unit), workspace.private / "intents" / f"{unit}.jsonl")
        if engine.deployment(unit) is None and not any(trace.exists() for trace in traces):
            continue
        progress(Event("audit", "start", unit))
        found[unit] = audit(workspace, unit, bundle.gates[unit].gate, plan=bundle.plan.hash)
        progress(Event("audit", "done", unit, f"{len(found[unit])} refused"))
    if found:
        refused = {unit: len(refusals) for unit, refusals in found.items() if refusals}
        entry = {"plan": bundle.plan.hash, "judged": sorted(found), "refused": refused}
        note(workspace, "audit", entry, progress)
    return found
