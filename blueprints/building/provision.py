"""Provisioning: the plan's units through the engine, landing zones first, as many at once as there are cores."""

import fcntl
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from blueprints.bills.pricing import add
from blueprints.building.guards import (
    can_build,
    gate_for_preview,
    have_images,
    landing_of,
    leave_served,
    losses_of,
    may_begin,
    note_nocs,
    put_gate,
    rehearsal,
    rehearse,
    same_law,
)
from blueprints.building.outside import outside
from blueprints.building.preview import Change, Preview, offline_changes, priced
from blueprints.building.program import program
from blueprints.building.together import together
from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from policy.deeds import noting_refusal
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Unit
from pse.core.errors import BadInput, Incomplete, MissingTool, Refused, UsageError
from pse.core.progress import Event, Progress, silent
from pse.core.served import NEW_SIDE, UNDER_WAY, mark_removed, served
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    from providers.engine import Engine

BLIND = (
    "offline, the state cannot be read where it is: compared with what this machine built last, if anything; "
    "`pse preview` without --offline asks the state itself"
)


def up(
    workspace: Workspace,
    bundle: Bundle,
    *,
    landing: bool = False,
    waves: Collection[int] = (),
    units: Collection[str] = (),
    progress: Progress = silent,
) -> tuple[Deployment, ...]:
    """Build the chosen units, and the landing zones that they need before them.

    Everything is built when nothing is chosen. What stands as planned is left alone, so that an interrupted call is
    finished by the next one. One unit that fails does not stop the others.

    Args:
        workspace: Where state and deployments are.
        bundle: What to build; its hashes and signatures are checked again.
        landing: Landing zones only.
        waves: Numbers of waves.
        units: Unit ids.
        progress: Told of units and of the engine's resources.

    Returns:
        Deployments of the chosen units and their landing zones, sorted by stack.

    Raises:
        Refused: The plan was changed after it was made, the gate refused a resource and nothing else was done, or
            users are on a stack that another plan built and moved them to.
        UsageError: The plan has no such unit or wave.
        BadInput: The register's entry of a place cannot be used.
        Incomplete: Some units stand and others do not, or the audit found something where it may not be.
        RemoteError: The engine or a cloud failed before anything was done.
    """
    with noting_refusal(workspace, "up", {"plan": bundle.plan.hash, "units": sorted(units)}, progress):
        # Before anything of it is believed.
        bundle.verify(workspace)
    chosen = choose(bundle, landing=landing, waves=waves, units=units)
    asked = {"plan": bundle.plan.hash, "units": [unit.id for unit in chosen]}
    with noting_refusal(workspace, "up", asked, progress):
        engine = _engine(workspace, progress)
        may_begin(workspace, bundle, chosen)
        can_build(workspace, chosen)
        have_images(workspace, chosen)
        leave_served(workspace, bundle, chosen)
        rehearse(workspace, bundle, chosen, engine)
        done: dict[str, Deployment] = {}
        for stage in _stages(chosen):
            done |= together(stage, lambda unit: _ensure(workspace, bundle, unit, engine, progress), done)
    return tuple(done[name] for name in sorted(done))


def refuse(
    workspace: Workspace,
    bundle: Bundle,
    *,
    landing: bool = False,
    waves: Collection[int] = (),
    units: Collection[str] = (),
) -> None:
    """Refuse what `up` refuses before it asks an engine, for a dry run; changes nothing and notes nothing.

    Raises:
        Refused: The plan was changed, the law changed since, or users are on a stack that another plan built.
        UsageError: The plan has no such unit or wave.
    """
    bundle.verify(workspace)
    chosen = choose(bundle, landing=landing, waves=waves, units=units)
    may_begin(workspace, bundle, chosen)
    leave_served(workspace, bundle, chosen)


def ensure(workspace: Workspace, bundle: Bundle, unit_id: str, progress: Progress = silent) -> Deployment:
    """Build one unit, and its landing zone before it; does nothing where both stand as planned.

    Safe to call from several threads, for units of one place too.

    Raises:
        UsageError: The plan has no such unit.
        Refused: As `up`.
        Incomplete: As `up`.
        RemoteError: As `up`.
    """
    bundle.verify(workspace)
    engine = _engine(workspace, progress)
    deployments = {}
    chosen = choose(bundle, units=(unit_id,))
    may_begin(workspace, bundle, chosen)
    can_build(workspace, chosen)
    have_images(workspace, chosen)
    leave_served(workspace, bundle, chosen)
    rehearse(workspace, bundle, chosen, engine)
    for stage in _stages(chosen):
        for unit in stage.values():
            deployments[unit.id] = _ensure(workspace, bundle, unit, engine, progress)
    return deployments[unit_id]


def preview(
    workspace: Workspace,
    bundle: Bundle,
    *,
    offline: bool = False,
    units: Collection[str] = (),
    progress: Progress = silent,
) -> Preview:
    """What `up` would create, change and delete, with the price of each resource; nothing is touched.

    A workload whose landing zone does not stand has nothing standing either: its program is evaluated in the process,
    and everything in it would be created.

    Args:
        workspace: Where state and deployments are.
        bundle: What would be built.
        offline: Evaluate every program in the process and compare with the recorded deployments; needs no CLI.
        units: Unit ids; all when empty.
        progress: Told of each unit.

    Raises:
        Refused: The plan was changed, the gate would refuse a resource, the law changed since, or users are on a stack
            that another plan built.
        UsageError: The plan has no such unit.
        BadInput: The register's entry of a place cannot be used.
        RemoteError: The engine failed.
    """
    bundle.verify(workspace)
    chosen = choose(bundle, units=units)
    engine = _engine(workspace, progress)
    same_law(workspace, bundle, chosen)
    leave_served(workspace, bundle, chosen)
    for look, stops in ((can_build, MissingTool), (have_images, Refused)):
        try:
            look(workspace, chosen)
        except stops as exc:
            # Looking needs none of it.
            progress(Event("preview", "update", message=f"warning: `pse up` will stop: {exc.message}. {exc.hint}"))

    def one(unit: Unit) -> Sequence[Change]:
        landing = landing_of(engine, unit)
        if offline or (landing is None and not unit.landing):
            run = rehearsal(workspace, bundle, unit, engine)
            document = engine.deployment(unit.id)
            same = document is not None and document.unit_hash == bundle.plan.units[unit.id]
            changes = offline_changes(run, unit, engine.standing(unit.id, offline=offline), same=same)
            progress(Event("preview", "done", subject=unit.id, done=len(changes), unit="resources"))
            return changes
        with _turn(workspace, unit.id), gate_for_preview(workspace, bundle, unit.id):
            run = program(unit, landing=landing, workspace=workspace, plan=bundle.plan.hash)
            return engine.preview(unit, run, plan=bundle.plan.hash)

    changes: dict[str, Sequence[Change]] = {}
    for stage in _stages(chosen):
        changes |= together(stage, one, (), effects=False)
    found = tuple(
        priced(unit, changes[unit.id], losses_of(workspace, bundle, unit, engine, offline=offline))
        for stage in _stages(chosen)
        for unit in stage.values()
    )
    from providers.driving.statefile import is_remote

    blind = offline and is_remote(workspace)
    return Preview(
        plan=bundle.plan.hash,
        offline=offline,
        currency=bundle.plan.currency,
        units=found,
        cost=add(unit.cost for unit in found),
        notes=(BLIND,) if blind else (),
        outside=outside(workspace, bundle.units, engine, offline=offline),
    )


def destroy(
    workspace: Workspace,
    units: Collection[str] = (),
    progress: Progress = silent,
    *,
    with_moved_data: bool = False,
) -> tuple[str, ...]:
    """Take stacks down, landing zones last.

    Args:
        workspace: Where the state is.
        units: Unit ids; all stacks when empty. A landing zone that others still use is refused by its cloud.
        progress: Told of each stack.
        with_moved_data: Also stacks that users were moved to; what they wrote there is lost.

    Returns:
        Ids of the stacks that were taken down.

    Raises:
        Refused: Users are on the new side of a workload, and ``with_moved_data`` is not set.
        UsageError: There is no such stack.
        Incomplete: Some stacks are gone and others are not.
        RemoteError: The engine failed before anything was done.
    """
    engine = _engine(workspace, progress)
    stacks = engine.stacks()
    if missing := sorted(set(units) - set(stacks)):
        raise UsageError(f"no such stack: {', '.join(missing)}", hint=f"There are: {', '.join(stacks) or 'none'}.")
    chosen = sorted(units) or list(stacks)
    on_it = sorted(set(chosen) & set(served(workspace, (*NEW_SIDE, *UNDER_WAY))))
    back = "Run " + " and ".join(f"`pse rollback {name}`" for name in on_it)
    if on_it and not with_moved_data:
        with noting_refusal(workspace, "destroy", {"units": chosen}, progress):
            raise Refused(
                "users are on the new side of it, or are being moved there; what was written there would be lost",
                where=", ".join(on_it),
                hint=f"{back} first, name other units, or give --with-moved-data.",
            )
    zones = [name for name in chosen if name.startswith("landing-") and _is_landing(engine, name)]
    done: dict[str, str] = {}

    def one(name: str) -> str:
        with _turn(workspace, name):
            engine.destroy(name, with_moved_data=name in on_it)
            mark_removed(workspace, (name,))
        return name

    for stage in ([name for name in chosen if name not in zones], zones):
        done |= together({name: name for name in stage}, one, done)
    return tuple(sorted(done))


def choose(
    bundle: Bundle, *, landing: bool = False, waves: Collection[int] = (), units: Collection[str] = ()
) -> tuple[Unit, ...]:
    """The units that were asked for and the landing zones that they need; all when nothing is asked for.

    Raises:
        UsageError: The plan has no such unit or wave.
        Refused: It lacks the landing zone of a unit.
    """
    if missing := sorted(set(units) - set(bundle.units)):
        known = ", ".join(sorted(bundle.units)) or "none"
        raise UsageError(f"the plan builds no {', '.join(missing)}", hint=f"Its units are: {known}.")
    numbers = {wave.number for wave in bundle.plan.waves}
    if unknown := sorted(set(waves) - numbers):
        known = ", ".join(map(str, sorted(numbers))) or "none"
        raise UsageError(f"the plan has no wave {', '.join(map(str, unknown))}", hint=f"Its waves are: {known}.")
    everything = not (landing or waves or units)
    chosen = {
        name
        for name, unit in bundle.units.items()
        if everything or name in units or (unit.wave in waves and not unit.landing) or (landing and unit.landing)
    }
    chosen |= {landing_id(bundle.units[name].place) for name in chosen}
    if lacking := sorted(chosen - set(bundle.units)):
        raise Refused(f"the plan has no {', '.join(lacking)}", hint="Make the plan again with `pse plan`.")
    return tuple(bundle.units[name] for name in sorted(chosen))


def adopt(
    workspace: Workspace, bundle: Bundle, unit_id: str, progress: Progress = silent, *, refresh: bool = False
) -> Deployment:
    """Run the stack of ``unit_id`` again even though it stands, so that the engine adopts what its state lacks.

    Args:
        workspace: Where the state is.
        bundle: The plan.
        unit_id: Which unit.
        progress: Told of resources.
        refresh: Ask the cloud first what it has, so that what is gone or was changed there comes to be as planned.

    Raises:
        UsageError: The plan has no such unit.
        Refused: The gate refused a resource, the law changed since, users are on a stack that another plan built, or
            data would be lost.
        Incomplete: Some resources stand and some do not; run it again.
        RemoteError: The engine or a cloud failed.
    """
    bundle.verify(workspace)
    chosen = choose(bundle, units=(unit_id,))
    may_begin(workspace, bundle, chosen)
    leave_served(workspace, bundle, chosen)
    unit, engine = bundle.units[unit_id], _engine(workspace, progress)
    rehearse(workspace, bundle, (unit,), engine, again=True)
    if refresh:
        with _turn(workspace, unit.id):
            engine.refresh(unit.id)
    return _ensure(workspace, bundle, unit, engine, progress, again=True)


def _stages(units: Iterable[Unit]) -> tuple[dict[str, Unit], dict[str, Unit]]:
    units = list(units)
    return {unit.id: unit for unit in units if unit.landing}, {unit.id: unit for unit in units if not unit.landing}


def _ensure(
    workspace: Workspace, bundle: Bundle, unit: Unit, engine: "Engine", progress: Progress, *, again: bool = False
) -> Deployment:
    """The one way to the engine's `up`; `Engine.ensure` refuses there what would lose data."""
    with _turn(workspace, unit.id):
        return _ensure_alone(workspace, bundle, unit, engine, progress, again=again)


@contextmanager
def _turn(workspace: Workspace, unit_id: str) -> Iterator[None]:
    """One at a time for a unit, over threads and processes: workloads of one place share its landing zone."""
    folder = workspace.private / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / f"{unit_id}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _ensure_alone(
    workspace: Workspace, bundle: Bundle, unit: Unit, engine: "Engine", progress: Progress, *, again: bool
) -> Deployment:
    unit_hash = bundle.plan.units[unit.id]
    put_gate(workspace, bundle, unit.id)
    landing = landing_of(engine, unit)
    if landing is None and not unit.landing:
        raise BadInput("the landing zone of its place does not stand", where=unit.id)
    run = program(unit, landing=landing, workspace=workspace, plan=bundle.plan.hash)
    note_nocs(workspace, bundle, unit, progress)
    deployment = engine.ensure(unit, run, plan=bundle.plan.hash, unit_hash=unit_hash, again=again)
    _audit(workspace, bundle, unit)
    progress(Event("audit", "done", subject=unit.id, message="every object rests where it may"))
    return deployment


def _audit(workspace: Workspace, bundle: Bundle, unit: Unit) -> None:
    from providers.audit import audit

    refusals = audit(workspace, unit.id, bundle.gates[unit.id].gate)
    if refusals:
        from policy import Ledger

        Ledger(workspace).refuse(plan=bundle.plan.hash, unit=unit.id, urn=unit.id, gate="audit", refusals=refusals)
        raise Incomplete(
            "built, and the audit found it where it may not be: "
            + "; ".join(printable(f"{r.rule}: {r.message}") for r in refusals),
            where=unit.id,
            hint=f"Run `pse destroy --unit {unit.id}`, or correct it at the cloud and run `pse up` again.",
        )


def _is_landing(engine: "Engine", stack: str) -> bool:
    deployment = engine.deployment(stack)
    return deployment is None or stack == landing_id(deployment.place)


def _engine(workspace: Workspace, progress: Progress) -> "Engine":
    from providers.engine import Engine

    return Engine(workspace, progress=progress)
