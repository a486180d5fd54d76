"""Runs a unit's stack again, so that the engine adopts what its state does not know."""

from typing import TYPE_CHECKING

from pse.core.documents.deployment import Deployment
from pse.core.progress import Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


def adopt(workspace: Workspace, bundle: "Bundle", unit_id: str, progress: Progress) -> Deployment:
    """Bring the stack of ``unit_id`` up even though it stands already.

    Raises:
        UsageError: The plan has no such unit.
        Refused: The gate refused a resource, or users are on a stack that another plan built.
        Incomplete: Some resources stand and some do not; run it again.
        RemoteError: The engine or a cloud failed.
    """
    from blueprints.guards import leave_served
    from blueprints.names import landing_id
    from blueprints.program import program
    from blueprints.provision import choose
    from policy.gate import write_gate
    from providers.engine import Engine

    leave_served(workspace, bundle, choose(bundle, units=(unit_id,)))
    unit, plan, engine = bundle.units[unit_id], bundle.plan, Engine(workspace, progress=progress)
    write_gate(workspace, bundle.gates[unit_id])
    landing = None if unit.landing else engine.deployment(landing_id(unit.place))
    run = program(unit, landing=landing, workspace=workspace, plan=plan.hash)
    return engine.ensure(unit, run, plan=plan.hash, unit_hash=plan.units[unit_id], again=True)
