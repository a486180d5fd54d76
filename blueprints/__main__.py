"""What plain ``pulumi preview`` and ``pulumi up`` run, through ``Pulumi.yaml`` at the root: one unit of a plan.

Stack config: ``pse:workspace`` (else ``PSE_WORKSPACE``, else the nearest ``pse.toml``), ``pse:plan`` (path of
``plan.json``, or its folder, or the name of that under ``plans/``) and ``pse:unit`` (else the stack's name).
"""

from pathlib import Path

import pulumi

from blueprints.building.program import program
from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from policy.gate import write_gate
from pse.core import canonical
from pse.core.documents.deployment import Deployment
from pse.core.errors import BadInput, PseError, UsageError
from pse.core.settings import Workspace


def main() -> None:
    """Evaluate the unit's program in the engine that runs this.

    Raises:
        pulumi.RunError: What went wrong, in words, as the engine shows it.
    """
    config = pulumi.Config("pse")
    try:
        _run(config.get("workspace"), config.get("plan"), config.get("unit") or pulumi.get_stack())
    except PseError as exc:
        raise pulumi.RunError(f"{exc}. {exc.hint}" if exc.hint else str(exc)) from exc


def _run(root: str | None, plan: str | None, unit_id: str) -> None:
    workspace = Workspace.find(Path(root) if root else None)
    if not plan:
        raise UsageError("which plan?", hint="Run `pulumi config set pse:plan PATH`.")
    bundle = Bundle.read(workspace, Path(plan))
    unit = bundle.units.get(unit_id)
    if unit is None:
        known = ", ".join(sorted(bundle.units))
        raise BadInput(f"the plan builds no {unit_id!r}", hint=f"Units: {known}. Set pse:unit, or name the stack so.")
    write_gate(workspace, bundle.gates[unit_id])
    landing = None
    if not unit.landing:
        # Landing outputs reach workloads through the Deployment document, which `pse up` writes.
        path = workspace.private / "deployments" / f"{landing_id(unit.place)}.json"
        if not path.exists():
            raise BadInput(
                f"the landing zone of {unit.place} does not stand",
                where=unit_id,
                hint="Run `pse up PLAN --landing` first.",
            )
        landing = canonical.read(path, Deployment)
    program(unit, landing=landing, workspace=workspace, plan=bundle.plan.hash)()


if __name__ == "__main__":
    main()
