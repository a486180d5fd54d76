"""The verbs of a campaign: run, take part, roll back, ask, clean up."""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from migrate.beginning import named_in, not_anothers, not_removed
from migrate.floor import Floor, Opener, floor, opened
from migrate.journal import SqlJournal
from migrate.limits import Touching
from migrate.standing import half_back, standing
from migrate.store import Store, newest_plan
from migrate.turn import OPEN, Turn, TurnState, scopes_of
from migrate.work import Runtime, Work, chosen, works
from pse.core.database import open_database
from pse.core.documents.campaign import Campaign, MoveState, WorkloadProgress
from pse.core.errors import PseError, Refused, UsageError, Waiting
from pse.core.progress import Event, Progress, silent
from pse.core.served import NEW_SIDE
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


def run(
    workspace: Workspace,
    bundle: "Bundle",
    *,
    waves: Sequence[int] = (),
    workloads: Sequence[str] = (),
    progress: Progress = silent,
    opener: Opener = opened,
) -> Campaign:
    """Move what the plan moves, wave by wave; run again after a crash, it goes on where it was.

    With PostgreSQL behind, other processes (`take_part`) move workloads of it at the same time.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        waves: Wave numbers; empty means all.
        workloads: Workload ids; empty means all.
        progress: Takes events.
        opener: Makes what this process holds of the campaign.

    Returns:
        Where every workload of the plan stands. One that failed has state ``failed`` (``switched`` when only the
        checks after the switch failed) and its reason in the last step and in ``findings``; it never stops the others
        of its wave, but the next wave is not begun.

    Raises:
        Refused: The plan or the law that it was made by was changed, another process runs a campaign of this workspace
            and the database is SQLite, or another plan moved a workload already: its old side is stale, and must never
            be copied over the new one.
        UsageError: An unknown workload or wave.
        Waiting: Nothing failed, and what is left waits for a person: an approval, or the end of a pause.
    """
    from blueprints.building.guards import may_begin
    from blueprints.building.provision import choose

    bundle.verify(workspace)
    todo = chosen(bundle, waves, workloads)
    not_anothers(workspace, bundle.plan.hash, named_in(todo))
    plan, named = bundle.plan.hash, named_in(todo)
    with _floor(workspace, bundle, progress, opener) as floor:
        if half := sorted(name for name in named if _half_back(floor, plan, name)):
            raise Refused(
                "a rollback of it was interrupted half-way",
                where=", ".join(half),
                hint="Run `pse rollback` again: it goes on from there.",
            )
        if units := [unit.id for name in named if _begins(floor, plan, name) for unit in works(bundle)[name].units]:
            may_begin(workspace, bundle, choose(bundle, units=units))
        return carry_out(floor, bundle, todo, parallel=max(1, workspace.settings.migrate.parallel))


def carry_out(floor: Floor, bundle: "Bundle", todo: list[tuple[int, list[Work]]], *, parallel: int) -> Campaign:
    """Ask for turns of these workloads by wave, work on them, and return when all have ended; see `run`."""
    plan, named = bundle.plan.hash, named_in(todo)
    runtime, _ = floor.runtime(plan)
    run = secrets.token_hex(8)
    try:
        floor.turns.ask(_asked(runtime.workspace, plan, todo, run))
        floor.work(plan=plan, only=named, parallel=parallel, over=_ended(floor, plan, todo))
    except KeyboardInterrupt:
        floor.turns.withdraw(run)
        raise
    _raise(floor, plan, named)
    return _standing(runtime)


def rollback(workspace: Workspace, bundle: "Bundle", workload: str, *, progress: Progress = silent) -> Campaign:
    """Give a workload back to its source, with everything that was written at the target since the cut-over.

    Before the switch this only takes the move back: the source has everything.

    Raises:
        Refused: There is nothing to roll back, the way back is lost or was ended by `cleanup`, or another process runs
            a campaign.
        UsageError: Unknown workload.
        RemoteError: A host or service failed; run again to go on.
        Incomplete: Both ends differ; the target serves on.
    """
    bundle.verify(workspace)
    not_removed(workspace, bundle.plan.hash, {workload})
    ((_, (work,)),) = chosen(bundle, (), (workload,)) or _nothing(workload)
    plan = bundle.plan.hash
    with _floor(workspace, bundle, progress) as floor:
        runtime, _ = floor.runtime(plan)
        refuse_closed(runtime.store.get(workload))
        state = runtime.store.get(workload).state
        if state in (MoveState.WAITING, MoveState.ROLLED_BACK) and not floor.unfinished(plan, workload, "back"):
            raise Refused(f"{workload} is {state.value}: there is nothing to roll back", where=workload)
        floor.work_on(Touching(workspace).turn(plan, work, "back"))
        return _standing(runtime)


def take_part(
    workspace: Workspace,
    *,
    bundle: "Bundle | None" = None,
    parallel: int = 0,
    until_idle: bool = False,
    progress: Progress = silent,
    opener: Opener = opened,
) -> None:
    """Be a worker: do whatever turns `run` asked for, and what processes that died have left.

    Args:
        workspace: The workspace; the same folder and the same database for all workers.
        bundle: Work on this plan only; None is any plan of the workspace.
        parallel: Workloads at once; 0 is what the settings say.
        until_idle: End when nothing waits and nobody works.
        progress: Takes events.
        opener: Makes what this process holds of a campaign.

    Raises:
        Refused: The database is SQLite, and another process works.
    """
    from blueprints import Bundle
    from blueprints.planning.bundle import path_of

    def find(plan: str) -> Bundle:
        return bundle if bundle is not None else Bundle.read(workspace, path_of(workspace, plan))

    hands = parallel or max(1, workspace.settings.migrate.parallel)
    with floor(workspace, find, progress=progress, parallel=hands, opener=opener) as made:

        def over() -> bool:
            states = {state for state, _ in made.turns.counts()}
            return until_idle and not states & {TurnState.WAITING, TurnState.RUNNING, TurnState.PARKED}

        made.work(plan=bundle.plan.hash if bundle else "", parallel=hands, over=over)


def refuse_closed(progress: WorkloadProgress) -> None:
    """What kept the new side's writes for the old one is gone, whatever the kind of data.

    Raises:
        Refused: The way back of a workload was ended by `cleanup`.
    """
    if progress.closed:
        raise Refused(
            "its way back was ended by `pse close`, so users stay on the new side",
            where=progress.workload,
            hint="Nothing was changed. What is wanted at the old side has to be carried there by hand.",
        )


def status(workspace: Workspace, bundle: "Bundle | None" = None) -> Campaign | None:
    """Where the campaign of ``bundle``, or else the newest one, stands; None before the first move."""
    database = open_database(workspace)
    try:
        plan = bundle.plan.hash if bundle is not None else newest_plan(database)
        if plan is None:
            return None
        store = Store(database, plan)
        if not store.all():
            return None
        return standing(workspace, store, SqlJournal(database), plan, works(bundle) if bundle is not None else {})
    finally:
        database.dispose()


def _standing(runtime: Runtime) -> Campaign:
    return standing(runtime.workspace, runtime.store, runtime.journal, runtime.plan, works(runtime.bundle))


def _ended(floor: Floor, plan: str, waves: list[tuple[int, list[Work]]]) -> Callable[[], bool]:
    """Whether all turns have ended or wait for a person; tells of each wave when it begins and ends."""
    tell, begun, told = floor.runtime(plan)[0].progress, set[int](), set[int]()
    last: list[object] = []

    def ended() -> bool:
        counts = floor.turns.counts()
        if last == [counts]:
            return False
        last.clear()
        turns = {turn.workload: turn for turn in floor.turns.all(plan)}
        paused, frozen = set(floor.turns.pauses(plan)), floor.turns.frozen(plan)
        goes_on = False
        for number, members in waves:
            mine = [turns[work.workload] for work in members if work.workload in turns]
            if number not in begun and any(turn.state is TurnState.RUNNING for turn in mine):
                begun.add(number)
                tell(Event(step="wave", state="start", subject=str(number), total=len(members), unit="workloads"))
            goes = [one for one in mine if one.state in OPEN and not _waits(one, paused, frozen)]
            goes_on = goes_on or bool(goes)
            if number in begun and number not in told and not any(one.state in OPEN for one in mine):
                told.add(number)
                failed = any(one.state is TurnState.FAILED for one in mine)
                tell(Event(step="wave", state="failed" if failed else "done", subject=str(number)))
        if not goes_on or not paused | {one for one in turns.values() if one.state is TurnState.HELD}:
            last[:] = [counts]
        return not goes_on

    return ended


def _waits(turn: Turn, paused: set[str], frozen: frozenset[str]) -> bool:
    """A person has to do something before anybody goes on with it."""
    if turn.workload in frozen:
        return False
    held = turn.state is TurnState.HELD
    return held or (turn.state is TurnState.WAITING and bool(paused & set(scopes_of(turn.workload, turn.wave))))


def _raise(floor: Floor, plan: str, names: set[str]) -> None:
    """Raise what is not kept with a workload, and what a person has to do.

    Raises:
        PseError: What a turn failed with before its first step, or `Waiting`.
    """
    runtime, _ = floor.runtime(plan)
    for name in sorted(floor.failed.keys() & names):
        # What a step failed with is kept with the workload; anything else would be lost here.
        error, last = floor.failed[name], runtime.store.get(name).steps[-1:]
        if not isinstance(error, PseError) or not any(step.outcome == "failed" or step.step == "tidy" for step in last):
            raise error
    turns = [turn for turn in floor.turns.all(plan) if turn.workload in names]
    paused, frozen = set(floor.turns.pauses(plan)), floor.turns.frozen(plan)
    held = [turn for turn in turns if turn.state in OPEN and _waits(turn, paused, frozen)]
    if held and not any(turn.state is TurnState.FAILED for turn in turns):
        said = sorted({turn.said or "paused; `pse resume` lets it go on" for turn in held})
        raise Waiting("; ".join(said), where=", ".join(turn.workload for turn in held), hint="Then run it again.")


def _asked(workspace: Workspace, plan: str, waves: list[tuple[int, list[Work]]], run: str) -> list[Turn]:
    """Turns for these workloads."""
    touching = Touching(workspace)
    return [
        Turn(
            plan=plan,
            workload=work.workload,
            kind="move",
            run=run,
            wave=number,
            priority=touching.priority(work.workload),
            place=place,
            touches=touching.of(work),
        )
        for number, members in waves
        for place, work in enumerate(members)
    ]


def _begins(floor: Floor, plan: str, workload: str) -> bool:
    """A run would begin it anew; what is under way or done is gone on with under the law it was begun by."""
    done = floor.runtime(plan)[0].store.get(workload).state in NEW_SIDE
    return not done and not floor.unfinished(plan, workload, "move")


def _half_back(floor: Floor, plan: str, workload: str) -> bool:
    step = half_back(floor.runtime(plan)[0].store.get(workload))
    return floor.unfinished(plan, workload, "back") or step is not None


@contextlib.contextmanager
def _floor(workspace: Workspace, bundle: "Bundle", progress: Progress, opener: Opener = opened) -> Iterator[Floor]:
    parallel = workspace.settings.migrate.parallel
    with floor(workspace, lambda _plan: bundle, progress=progress, parallel=parallel, opener=opener) as made:
        yield made


def _nothing(workload: str) -> list[tuple[int, list[Work]]]:
    raise UsageError(f"{workload} is in no wave", where=workload)
