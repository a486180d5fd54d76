"""The verbs of a campaign: run, roll back, ask, clean up."""

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from migrate.backward import Backward
from migrate.durable import Durable, Stopped, durable
from migrate.findings import finding
from migrate.forward import Forward
from migrate.journal import SqlJournal
from migrate.replicators.ports import FreezeOver
from migrate.standing import standing
from migrate.steps import PERMIT
from migrate.store import Store, campaign_lock, newest_plan
from migrate.work import Runtime, Work, chosen, guards_of, works
from pse.core.database import open_database
from pse.core.documents.campaign import Campaign, MoveState
from pse.core.errors import PseError, Refused, UsageError
from pse.core.findings import Finding
from pse.core.progress import Event, Progress, silent
from pse.core.served import NEW_SIDE, UNDER_WAY, served
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    from blueprints import Bundle


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
        Refused: The plan was changed, another process runs a campaign of this workspace, or another plan moved a
            workload already: its old side is stale, and must never be copied over the new one.
        UsageError: An unknown workload or wave.
    """
    bundle.verify(workspace)
    todo = chosen(bundle, waves, workloads)
    _mine(workspace, bundle.plan.hash, {work.workload for _, members in todo for work in members})
    with campaign_lock(workspace), _runtime(workspace, bundle, progress) as runtime, _engine(runtime) as engine:
        named = {work.workload for _, members in todo for work in members}
        if half := sorted(name for name in named if _unfinished(engine, runtime, name, "back")):
            raise Refused(
                "a rollback of it was interrupted half-way",
                where=", ".join(half),
                hint="Run `pse rollback` again: it goes on from there.",
            )
        for number, members in todo:
            progress(Event(step="wave", state="start", subject=str(number), total=len(members), unit="workloads"))
            failed = _wave(runtime, engine, members)
            progress(Event(step="wave", state="failed" if failed else "done", subject=str(number)))
            if failed:
                break
        return standing(runtime.workspace, runtime.store, runtime.journal, bundle.plan.hash, sorted(works(bundle)))


def rollback(workspace: Workspace, bundle: "Bundle", workload: str, *, progress: Progress = silent) -> Campaign:
    """Give a workload back to its source, with everything that was written at the target since the cut-over.

    Before the switch this only takes the move back: the source has everything.

    Raises:
        Refused: There is nothing to roll back, the way back is lost, or another process runs a campaign.
        UsageError: Unknown workload.
        RemoteError: A host or service failed; run again to go on.
        Incomplete: Both ends differ; the target serves on.
    """
    bundle.verify(workspace)
    _not_removed(workspace, bundle.plan.hash, {workload})
    ((_, (work,)),) = chosen(bundle, (), (workload,)) or _nothing(workload)
    with campaign_lock(workspace), _runtime(workspace, bundle, progress) as runtime, _engine(runtime) as engine:
        state = runtime.store.get(workload).state
        if state in (MoveState.WAITING, MoveState.ROLLED_BACK) and not _unfinished(engine, runtime, workload, "back"):
            raise Refused(f"{workload} is {state.value}: there is nothing to roll back", where=workload)
        forward = engine.attempts(_prefix(runtime, work.workload, "move"))
        if forward:
            engine.cancel(f"{_prefix(runtime, workload, 'move')}-{len(forward)}")
        _attempt(runtime, engine, work, "back")
        return standing(workspace, runtime.store, runtime.journal, bundle.plan.hash, sorted(works(bundle)))


def _mine(workspace: Workspace, plan: str, workloads: set[str]) -> None:
    """Refuse what another plan has in hand: its old side is stale, or stopped in the middle of a cut-over."""
    for states, words in ((NEW_SIDE, "moved already, by plan"), (UNDER_WAY, "a move of it is under way, by plan")):
        found = served(workspace, states)
        other = {name: found[name] for name in workloads & found.keys() if found[name] != plan}
        if other:
            raise Refused(
                f"{words} {', '.join(sorted({by[:12] for by in other.values()}))}",
                where=", ".join(sorted(other)),
                hint="Roll it back with that plan first, or leave it out: --workload names what is to move.",
            )
    _not_removed(workspace, plan, workloads)


def _not_removed(workspace: Workspace, plan: str, workloads: set[str]) -> None:
    removed = served(workspace, (MoveState.REMOVED,))
    gone = sorted(name for name in workloads & removed.keys() if removed[name] == plan)
    if gone:
        raise Refused(
            "its new side was destroyed after the cut-over, and the old side is still stopped",
            where=", ".join(gone),
            hint="Start the old side by its own commands, look at what it lacks, and make a new plan to move it again.",
        )


def status(workspace: Workspace, bundle: "Bundle | None" = None) -> Campaign | None:
    """Where the campaign of ``bundle``, or else the newest one, stands; None before the first move."""
    database = open_database(workspace)
    try:
        plan = bundle.plan.hash if bundle is not None else newest_plan(database)
        if plan is None:
            return None
        store = Store(database, plan)
        known = sorted(works(bundle)) if bundle is not None else sorted(store.all())
        if not store.all():
            return None
        return standing(workspace, store, SqlJournal(database), plan, known)
    finally:
        database.dispose()


def cleanup(
    workspace: Workspace, bundle: "Bundle", *, workloads: Sequence[str] = (), progress: Progress = silent
) -> tuple[Finding, ...]:
    """Remove what moves leave on hosts (keys, forwarders, slots, subscriptions, guards) and prove it by listing.

    Names may be remembered for as long as before again. After this a rollback can no longer keep what is written at the
    target.

    Returns:
        What is still there, each with code ``PSE-M006``; empty when all is gone.

    Raises:
        Refused: Another process runs a campaign.
        UsageError: Unknown workload.
    """
    found: list[Finding] = []
    with campaign_lock(workspace), _runtime(workspace, bundle, progress) as runtime, _engine(runtime) as engine:
        for _, members in chosen(bundle, (), workloads):
            for work in members:
                if any(_unfinished(engine, runtime, work.workload, kind) for kind in ("move", "settle", "back")):
                    raise Refused(
                        "a move or a rollback of it was interrupted half-way",
                        where=work.workload,
                        hint="Run `pse migrate` or `pse rollback` again first: it goes on from there.",
                    )
                if runtime.store.get(work.workload).state is not MoveState.WAITING:
                    left = _clean(runtime, work)
                    _tell_closed(runtime, work, len(left))
                    found += left
    return tuple(sorted(found))


def _clean(runtime: Runtime, work: Work) -> list[Finding]:
    left: list[str] = []
    for move in work.moves:
        try:
            left += runtime.replicator(move).cleanup(runtime.task(work, move, "cleanup"))
        except PseError as exc:
            left.append(str(exc))
    for act in (guards_of(runtime, work, "cleanup").remove, lambda: runtime.give_back_ttls(work)):
        try:
            act()
        except PseError as exc:
            left.append(str(exc))
    remedy = "Run `pse close` again when the host can be reached."
    runtime.progress(Event(step="cleanup", state="failed" if left else "done", subject=work.workload))
    return [finding("PSE-M006", work.workload, f"left: {printable(what)}", remedy, source="cleanup") for what in left]


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
        waiting = {pool.submit(_attempt, runtime, engine, work, "move"): work for work in members}
        try:
            _wait(waiting)
        except KeyboardInterrupt:
            # Frozen workloads go on to their end, the others stop at the next step; a second interrupt ends all.
            runtime.stop.set()
            engine.stop.set()
            try:
                _wait(waiting)
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


def _wait(waiting: Iterable[Future[None]]) -> None:
    """Until all have ended. By short waits: a signal that another thread took is seen only when this one wakes."""
    while wait(waiting, timeout=0.2).not_done:
        pass


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
        Forward(runtime, known[workload], f"a{number}").settle()

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
