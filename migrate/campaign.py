"""The verbs of a campaign: run, roll back, ask, clean up."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrate.backward import Backward
from migrate.beginning import named_in, not_anothers, not_removed
from migrate.durable import Durable, Stopped, durable
from migrate.findings import finding
from migrate.forward import Forward
from migrate.journal import SqlJournal
from migrate.replicators.ports import CLOSING, FreezeOver
from migrate.standing import half_back, standing, unsure
from migrate.steps import PERMIT
from migrate.store import Store, campaign_lock, newest_plan
from migrate.work import Runtime, Work, chosen, guards_of, works
from pse.core.database import open_database
from pse.core.documents.campaign import Campaign, MoveState, WorkloadProgress
from pse.core.errors import PseError, Refused, UsageError
from pse.core.findings import Finding, Severity
from pse.core.progress import Event, Progress, silent
from pse.core.served import NEW_SIDE
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    from blueprints import Bundle

LEFT = "PSE-M006"
"""Finding: something of a move is still on a host after the cleanup."""


def run(
    workspace: Workspace,
    bundle: "Bundle",
    *,
    waves: Sequence[int] = (),
    workloads: Sequence[str] = (),
    progress: Progress = silent,
) -> Campaign:
    """Move what the plan moves, wave by wave; run again after a crash, it goes on where it was.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        waves: Wave numbers; empty means all.
        workloads: Workload ids; empty means all.
        progress: Takes events.

    Returns:
        Where every workload of the plan stands. One that failed has state ``failed`` (``switched`` when only the
        checks after the switch failed) and its reason in the last step and in ``findings``; it never stops the others
        of its wave, but the next wave is not begun.

    Raises:
        Refused: The plan or the law that it was made by was changed, another process runs a campaign of this workspace,
            or another plan moved a workload already: its old side is stale, and must never be copied over the new one.
        UsageError: An unknown workload or wave.
    """
    from blueprints.guards import may_begin
    from blueprints.provision import choose

    bundle.verify(workspace)
    todo = chosen(bundle, waves, workloads)
    not_anothers(workspace, bundle.plan.hash, named_in(todo))
    with campaign_lock(workspace), _runtime(workspace, bundle, progress) as runtime, _engine(runtime) as engine:
        named = named_in(todo)
        if half := sorted(name for name in named if _half_back(engine, runtime, name)):
            raise Refused(
                "a rollback of it was interrupted half-way",
                where=", ".join(half),
                hint="Run `pse rollback` again: it goes on from there.",
            )
        if units := [unit.id for name in named if _begins(engine, runtime, name) for unit in works(bundle)[name].units]:
            may_begin(workspace, bundle, choose(bundle, units=units))
        for number, members in todo:
            progress(Event(step="wave", state="start", subject=str(number), total=len(members), unit="workloads"))
            failed = _wave(runtime, engine, members)
            progress(Event(step="wave", state="failed" if failed else "done", subject=str(number)))
            if failed:
                break
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
    with campaign_lock(workspace), _runtime(workspace, bundle, progress) as runtime, _engine(runtime) as engine:
        refuse_closed(runtime.store.get(workload))
        state = runtime.store.get(workload).state
        if state in (MoveState.WAITING, MoveState.ROLLED_BACK) and not _unfinished(engine, runtime, workload, "back"):
            raise Refused(f"{workload} is {state.value}: there is nothing to roll back", where=workload)
        forward = engine.attempts(_prefix(runtime, work.workload, "move"))
        if forward:
            engine.cancel(f"{_prefix(runtime, workload, 'move')}-{len(forward)}")
        _attempt(runtime, engine, work, "back")
        return _standing(runtime)


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


def cleanup(
    workspace: Workspace, bundle: "Bundle", *, workloads: Sequence[str] = (), progress: Progress = silent
) -> tuple[Finding, ...]:
    """Remove what moves leave on hosts (keys, forwarders, slots, subscriptions, guards) and prove it by listing.

    Names may be remembered for as long as before again. The way back of what users are on the new side of ends with
    this: a rollback is refused from then on. Where the new server was destroyed, only the old side is cleaned.

    Returns:
        What is still there, each with code ``PSE-M006``, and ``PSE-M007`` for servers that were destroyed; empty when
        all is gone from both sides.

    Raises:
        Refused: Another process runs a campaign, or a move or rollback was interrupted half-way.
        UsageError: Unknown workload.
    """
    found: list[Finding] = []
    with campaign_lock(workspace), _runtime(workspace, bundle, progress) as runtime, _engine(runtime) as engine:
        for _, members in chosen(bundle, (), workloads):
            for work in members:
                begun = any(_unfinished(engine, runtime, work.workload, kind) for kind in ("move", "settle"))
                if begun or _half_back(engine, runtime, work.workload):
                    raise Refused(
                        "a move or a rollback of it was interrupted half-way",
                        where=work.workload,
                        hint="Run `pse migrate` or `pse rollback` again first: it goes on from there.",
                    )
                state = runtime.store.get(work.workload).state
                if state is MoveState.SWITCHED and unsure(runtime.journal, f"{runtime.plan[:16]}/{work.workload}"):
                    raise Refused(
                        "it is not known whether its record was switched, and its source is stopped",
                        where=work.workload,
                        hint="Run `pse migrate` first: it completes the switch. Or `pse rollback`.",
                    )
                if state in NEW_SIDE:
                    # Before anything is taken away: also what is cleaned only in part cannot be gone back any more.
                    runtime.store.update(work.workload, lambda progress: replace(progress, closed=True))
                if state is not MoveState.WAITING:
                    cleaned = _clean(runtime, work)
                    _tell_closed(runtime, work, sum(one.code == LEFT for one in cleaned))
                    found += cleaned
    return tuple(sorted(found))


def _standing(runtime: Runtime) -> Campaign:
    return standing(runtime.workspace, runtime.store, runtime.journal, runtime.plan, works(runtime.bundle))


def _clean(runtime: Runtime, work: Work) -> list[Finding]:
    left: list[str] = []
    gone = sorted({move.target for move in work.moves if not runtime.stands(work, move.target)})
    for move in work.moves:
        try:
            left += runtime.replicator(move).cleanup(runtime.task(work, move, CLOSING))
        except PseError as exc:
            left.append(str(exc))
    for act in (guards_of(runtime, work, CLOSING).remove, lambda: runtime.give_back_ttls(work)):
        try:
            act()
        except PseError as exc:
            left.append(str(exc))
    remedy = "Run `pse close` again when the host can be reached."
    runtime.progress(Event(step="cleanup", state="failed" if left else "done", subject=work.workload))
    found = [finding(LEFT, work.workload, f"left: {printable(what)}", remedy, source="cleanup") for what in left]
    if gone:
        text = f"destroyed, with all that was on it: {', '.join(gone)}; only the old side had to be cleaned"
        found.append(finding("PSE-M007", work.workload, text, "None is needed.", Severity.INFO, source="cleanup"))
    return found


def _tell_closed(runtime: Runtime, work: Work, left: int) -> None:
    """Write the close of a workload into the ledger; once, until something is done to it again."""
    from policy import Ledger
    from policy.deeds import note

    of_it = {"plan": runtime.plan, "workload": work.workload}
    try:
        told = [e for e in Ledger(runtime.workspace).entries() if {k: e.data.get(k) for k in of_it} == of_it]
    except PseError:
        told = []  # `note` says it
    entry = {**of_it, "left": left}
    if not told or told[-1].kind != "close" or told[-1].data != entry:
        note(runtime.workspace, "close", entry, runtime.progress)


def _wave(runtime: Runtime, engine: Durable, members: list[Work]) -> bool:
    """Move the workloads of a wave side by side; True when one failed."""
    with ThreadPoolExecutor(max(1, runtime.workspace.settings.migrate.parallel)) as pool:
        waiting: dict[Future[None], Work] = {}
        try:
            for work in members:
                waiting[pool.submit(_attempt, runtime, engine, work, "move")] = work
            _all_ended(pool)
        except KeyboardInterrupt:
            # Frozen workloads go on to their end, the others stop at the next step; a second interrupt ends all.
            runtime.stop.set()
            engine.stop.set()
            try:
                _all_ended(pool)
            except KeyboardInterrupt:
                # Threads would be waited for, so this ends as a kill does; the guards at the sources end a freeze.
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)
            raise
    failed = False
    ours: list[BaseException] = []
    for future, work in waiting.items():
        error = future.exception()
        if error is None:
            continue
        failed = True
        if isinstance(error, Stopped):
            continue
        runtime.progress(Event(step="move", state="failed", subject=work.workload, message=printable(str(error))))
        # What a step failed with is kept with the workload; anything else would be lost here.
        last = runtime.store.get(work.workload).steps[-1:]
        if not isinstance(error, PseError) or not any(step.outcome == "failed" or step.step == "tidy" for step in last):
            ours.append(error)
    if ours:
        raise ours[0]
    return failed


def _all_ended(pool: ThreadPoolExecutor) -> None:
    """Until every thread has ended, also one that was being started just then.

    By short waits: a signal that another thread took is seen only when this one wakes.
    """
    ending = threading.Thread(target=pool.shutdown, daemon=True)
    ending.start()
    while ending.is_alive():
        ending.join(0.2)


def _attempt(runtime: Runtime, engine: Durable, work: Work, kind: str) -> None:
    """Take up the unfinished attempt, or begin the next one when the last has ended."""
    prefix = _prefix(runtime, work.workload, kind)
    while True:
        attempts = engine.attempts(prefix)
        unfinished = bool(attempts) and attempts[-1] in ("PENDING", "ENQUEUED")
        state = runtime.store.get(work.workload).state
        if kind == "move" and not unfinished:
            if state is MoveState.VERIFIED:
                return
            if state is MoveState.SWITCHED:
                # The target serves already: only what comes after the switch is done again.
                kind, prefix = "settle", _prefix(runtime, work.workload, "settle")
                continue
        number = len(attempts) if unfinished else len(attempts) + 1
        try:
            engine.run(kind, prefix, runtime.plan, work.workload, number)
        except FreezeOver:
            if unfinished and kind == "move":
                continue  # the controller was gone for too long, and the source was given back: once more
            raise
        return


def _begins(engine: Durable, runtime: Runtime, workload: str) -> bool:
    """A run would begin it anew; what is under way or done is gone on with under the law it was begun by."""
    done = runtime.store.get(workload).state in NEW_SIDE
    return not done and not _unfinished(engine, runtime, workload, "move")


def _half_back(engine: Durable, runtime: Runtime, workload: str) -> bool:
    return _unfinished(engine, runtime, workload, "back") or half_back(runtime.store.get(workload)) is not None


def _unfinished(engine: Durable, runtime: Runtime, workload: str, kind: str) -> bool:
    attempts = engine.attempts(_prefix(runtime, workload, kind))
    return bool(attempts) and attempts[-1] in ("PENDING", "ENQUEUED")


def _prefix(runtime: Runtime, workload: str, kind: str) -> str:
    return f"{runtime.plan[:32]}-{workload}-{kind}"


@contextlib.contextmanager
def _runtime(workspace: Workspace, bundle: "Bundle", progress: Progress) -> Iterator[Runtime]:
    database = open_database(workspace)
    runtime = Runtime(
        workspace=workspace,
        bundle=bundle,
        store=Store(database, bundle.plan.hash),
        journal=SqlJournal(database),
        progress=progress,
    )
    try:
        yield runtime
    finally:
        runtime.close()
        database.dispose()


@contextlib.contextmanager
def _engine(runtime: Runtime) -> Iterator[Durable]:
    """DBOS with this campaign's workflows; their arguments are a hash, a name and a number."""
    known = works(runtime.bundle)

    def latest() -> Durable:
        return running

    def move(_plan: str, workload: str, attempt: int) -> None:
        Forward(runtime, known[workload], f"a{attempt}").go()

    def settle(_plan: str, workload: str, _attempt: int) -> None:
        number = len(latest().attempts(_prefix(runtime, workload, "move")))
        Forward(runtime, known[workload], f"a{number}").resume()

    def back(_plan: str, workload: str, attempt: int) -> None:
        number = len(latest().attempts(_prefix(runtime, workload, "move")))
        key, forward = f"r{attempt}", f"a{number}"
        permit = runtime.journal.find(f"{runtime.plan[:16]}/{workload}/{forward}/{PERMIT}")
        # Without the permit no record was touched, and the source may have given itself back.
        switched = runtime.store.get(workload).state in (MoveState.SWITCHED, MoveState.VERIFIED)
        switched = switched or (permit is not None and permit.result is not None)
        Backward(runtime, known[workload], key, forward=forward, switched=switched).go()

    with durable(runtime.workspace, {"move": move, "settle": settle, "back": back}) as running:
        yield running


def _nothing(workload: str) -> list[tuple[int, list[Work]]]:
    raise UsageError(f"{workload} is in no wave", where=workload)
