"""What stands in the way of `up`: another law than the plan's, users on a stack, data that would be lost."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from blueprints.building.program import planned_landing, program
from blueprints.estate.categories import note_today
from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from pse.core.canonical import write_bytes
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.errors import Refused
from pse.core.progress import Progress, silent
from pse.core.served import served
from pse.core.settings import Workspace
from pse.core.time import today

if TYPE_CHECKING:
    from providers.driving.losses import Loss
    from providers.engine import Engine


def may_begin(workspace: Workspace, bundle: Bundle, units: Collection[Unit]) -> None:
    """Refuse what `same_law` refuses, and wait for the approvals that the workspace demands for ``units``.

    Raises:
        BadInput: As `same_law`.
        Refused: As `same_law`, or the clock is behind the ledger.
        Waiting: Not enough people approved this very plan.
    """
    from policy.approvals import require_approvals
    from policy.gate import effective_day

    same_law(workspace, bundle, units)
    categories = [bundle.gates[unit.id].gate.category for unit in units]
    require_approvals(workspace, bundle.plan.hash, categories, day=effective_day(workspace, today()))


def same_law(workspace: Workspace, bundle: Bundle, units: Iterable[Unit]) -> None:
    """Refuse a plan that was decided under other rules, another register, other NOCs or labels than today's.

    And one that takes the data of ``units`` for less sensitive than it is today: a tag, an environment or the grouping
    of the estate may have been corrected since. Notes today's categories for the plugin.

    Raises:
        BadInput: The estate or a file that categories come from cannot be read.
        Refused: Something changed since, or the register is expired, unsigned or altered.
    """
    from policy import load_policy
    from policy.categories import refuse_stricter
    from policy.gate import changed_law

    policy = load_policy(workspace, as_of=max(today(), bundle.plan.as_of))
    if changed := changed_law(policy.inputs, bundle.verdicts.inputs):
        raise Refused(
            f"{', '.join(changed)} changed since the plan was made",
            where=f"plan {bundle.plan.hash[:12]}",
            hint="Make the plan again with `pse plan`, and have it reviewed.",
        )
    note_today(workspace, policy)
    refuse_stricter(workspace, policy, [bundle.gates[unit.id].gate for unit in units])


def can_build(workspace: Workspace, units: Collection[Unit]) -> None:
    """See that the register's entries of the units' places, and this machine, have what their providers need.

    Raises:
        BadInput: An entry cannot be used.
        MissingTool: It has not; the hint is the line to run.
    """
    from providers.places import Places

    places = Places(workspace)
    try:
        places.ready({unit.place for unit in units})
    finally:
        places.close()


def have_images(workspace: Workspace, units: Collection[Unit]) -> None:
    """See that the providers have the images that the units' servers start from, as far as they know without asking.

    Raises:
        Refused: A provider lacks one.
    """
    from blueprints.planning.abilities import abilities_of
    from policy.register import load_register

    abilities, _ = abilities_of(load_register(workspace).places)
    for unit in units:
        if unit.place in abilities and (lacking := abilities[unit.place].no_image(unit)):
            raise Refused(
                "; ".join(lacking),
                where=unit.id,
                hint="Take the image out of the price book, or register a place that has it; then plan again.",
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


def rehearse(
    workspace: Workspace, bundle: Bundle, units: Iterable[Unit], engine: "Engine", *, again: bool = False
) -> None:
    """Evaluate the program of every unit that `up` would change, before anything starts, and write nothing.

    First it is seen that what stands, as planned or not, is in the account that its place leads to: a register may have
    been signed anew since, and credentials are whatever the environment has. A remote state is not asked for that.

    A refusal or a broken blueprint is told in its own words here. A program without a resource that stands and holds
    data is refused: a renamed volume is a deleted one, and so is one at another place. `Engine.ensure` looks once more,
    at the state as it then is.

    Args:
        workspace: Where the state is.
        bundle: The plan.
        units: What would be built.
        engine: Asked what stands.
        again: Also what stands as planned, as `adopt` does.

    Raises:
        Refused: The gate refuses a resource, or data would be lost.
        BadInput: A program cannot be evaluated.
        RemoteError: What stands is in another account, where nothing of it would be found.
    """
    from providers.audit import must_ask_where_it_was_made
    from providers.driving.losses import refuse_losses
    from providers.places import Places

    units = tuple(units)
    places = Places(workspace)
    try:
        for unit in units:
            must_ask_where_it_was_made(places, engine.standing(unit.id, offline=True))
    finally:
        places.close()
    for unit in units:
        document = engine.deployment(unit.id)
        if not again and document is not None and document.unit_hash == bundle.plan.units[unit.id]:
            continue
        refuse_losses(losses_of(workspace, bundle, unit, engine), unit)


def losses_of(
    workspace: Workspace, bundle: Bundle, unit: Unit, engine: "Engine", *, offline: bool = False
) -> tuple["Loss", ...]:
    """Servers and data of the unit's stack that `up` would delete or replace.

    Args:
        workspace: Where the state is.
        bundle: The plan.
        unit: What would be built.
        engine: Asked what stands.
        offline: As `Engine.standing`.

    Raises:
        Refused: The gate refuses a resource.
        BadInput: The program cannot be evaluated.
    """
    from providers.driving.losses import losses
    from providers.driving.recorder import evaluate

    recorded = evaluate(rehearsal(workspace, bundle, unit, engine), stack=unit.id)
    return losses(engine.standing(unit.id, offline=offline), recorded, unit)


def rehearsal(workspace: Workspace, bundle: Bundle, unit: Unit, engine: "Engine") -> Callable[[], None]:
    """The unit's program for evaluation without the engine: by the plan's own gate, on the landing zone to be."""
    landing = None if unit.landing else landing_of(engine, unit) or planned_landing(unit.place, landing_id(unit.place))
    return program(unit, landing=landing, workspace=workspace, plan=bundle.plan.hash, gate=bundle.gates[unit.id].gate)


def note_nocs(workspace: Workspace, bundle: Bundle, unit: Unit, progress: Progress = silent) -> None:
    """Write into the ledger which NOCs let the unit be at its place, once for a plan; quiet where none is needed."""
    from policy.deeds import NOC, note
    from policy.ledger import Ledger

    verdicts = bundle.verdicts.verdicts
    used = next(
        (one for one in verdicts if (one.class_id, one.place) == (unit.class_id, unit.place) and one.nocs), None
    )
    if used is None:
        return
    said = {"plan": bundle.plan.hash, "unit": unit.id, "place": unit.place, "nocs": list(used.nocs)}
    if not any(entry.kind == NOC and entry.data == said for entry in Ledger(workspace).entries()):
        note(workspace, NOC, said, progress)


def put_gate(workspace: Workspace, bundle: Bundle, unit_id: str) -> None:
    """Lay the unit's signed gate where the plugin reads it."""
    from policy.gate import write_gate

    write_gate(workspace, bundle.gates[unit_id])


@contextmanager
def gate_for_preview(workspace: Workspace, bundle: Bundle, unit_id: str) -> Iterator[None]:
    """Lay the unit's gate for the plugin, and put back what was there: a preview of one plan is no step of another."""
    path = workspace.private / "gate" / f"{unit_id}.json"
    before = path.read_bytes() if path.exists() else None
    put_gate(workspace, bundle, unit_id)
    try:
        yield
    finally:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            write_bytes(path, before)


def landing_of(engine: "Engine", unit: Unit) -> Deployment | None:
    """The landing zone that stands at the unit's place; None for a landing zone itself."""
    return None if unit.landing else engine.deployment(landing_id(unit.place))
