"""What stands in the way of `up`: another law than the plan's, users on a stack, data that would be lost."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from blueprints.bundle import Bundle
from blueprints.names import landing_id
from blueprints.program import planned_landing, program
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.errors import Refused
from pse.core.schema import KINDS
from pse.core.served import served
from pse.core.settings import Workspace
from pse.core.time import today

if TYPE_CHECKING:
    from providers.engine import Engine


def same_law(workspace: Workspace, bundle: Bundle) -> None:
    """Refuse a plan that was decided under other rules, another register, other NOCs or labels than today's.

    Raises:
        Refused: Something changed since, or the register is expired, unsigned or altered.
    """
    from policy import load_policy

    now = load_policy(workspace, as_of=max(today(), bundle.plan.as_of)).inputs
    changed = sorted(
        name for name in now.keys() | bundle.verdicts.inputs.keys() if now.get(name) != bundle.verdicts.inputs.get(name)
    )
    if changed:
        raise Refused(
            f"{', '.join(changed)} changed since the plan was made",
            where=f"plan {bundle.plan.hash[:12]}",
            hint="Make the plan again with `pse plan`, and have it reviewed.",
        )


def kept_for_users(workspace: Workspace, bundle: Bundle, units: Iterable[Unit]) -> dict[str, str]:
    """Units that `up` would change and must not, and the hash of the plan that moved their users there.

    Another plan may rebuild a stack somewhere else; once users write to it, only a rollback or that plan may touch it.
    """
    from providers.engine import Engine

    moved = {name: plan for name, plan in served(workspace).items() if plan != bundle.plan.hash}
    engine = Engine(workspace)
    found = {}
    for unit in units:
        if not unit.landing and unit.workload in moved:
            standing = engine.deployment(unit.id)
            if standing is None or standing.unit_hash != bundle.plan.units[unit.id]:
                found[unit.id] = moved[unit.workload]
    return found


def leave_served(workspace: Workspace, bundle: Bundle, units: Iterable[Unit]) -> None:
    """Refuse `kept_for_users`.

    Raises:
        Refused: There is such a unit.
    """
    kept = kept_for_users(workspace, bundle, units)
    if kept:
        raise Refused(
            "users are on it since plan "
            + ", ".join(sorted({plan[:12] for plan in kept.values()}))
            + ", and this plan would rebuild it",
            where=", ".join(sorted(kept)),
            hint="Roll it back with that plan first, or name other units with --unit or --wave.",
        )


def lose_nothing(workspace: Workspace, bundle: Bundle, units: Iterable[Unit], engine: "Engine") -> None:
    """Refuse units without a resource that stands and holds data: a renamed volume is a deleted one.

    Raises:
        Refused: There is one.
    """
    from blueprints.recorder import evaluate

    holding = {kind.token for kind in KINDS.values() if kind.holds_data}
    for unit in units:
        standing = engine.deployment(unit.id)
        if standing is None or standing.unit_hash == bundle.plan.units[unit.id]:
            continue
        stands = {r.urn.rpartition("::")[2] for r in standing.resources if r.type in holding}
        if not stands:
            continue
        landing = landing_of(engine, unit) or planned_landing(unit.place, landing_id(unit.place))
        run = program(unit, landing=None if unit.landing else landing, workspace=workspace, plan=bundle.plan.hash)
        put_gate(workspace, bundle, unit.id)
        wanted = {resource.name for resource in evaluate(run, stack=unit.id) if resource.type in holding}
        if lost := sorted(stands - wanted):
            raise Refused(
                f"the plan would delete {', '.join(lost)} with the data on it",
                where=unit.id,
                hint="Plan it under the same name, or take the stack down by `pse destroy` first.",
            )


def put_gate(workspace: Workspace, bundle: Bundle, unit_id: str) -> None:
    """Lay the unit's signed gate where the plugin reads it."""
    from policy.gate import write_gate

    write_gate(workspace, bundle.gates[unit_id])


def landing_of(engine: "Engine", unit: Unit) -> Deployment | None:
    """The landing zone that stands at the unit's place; None for a landing zone itself."""
    return None if unit.landing else engine.deployment(landing_id(unit.place))
