"""Where campaigns are worked on: one process's share, with its engine, its connections and its signs of life."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from migrate.backward import Backward
from migrate.durable import Durable, Parked, Stopped, durable
from migrate.forward import Forward
from migrate.journal import SqlJournal
from migrate.limits import limits_of
from migrate.paces import Noting
from migrate.replicators.ports import FreezeOver
from migrate.steps import PERMIT
from migrate.store import Store, campaign_lock
from migrate.turns import BEAT_S, LEASE_S, Turn, Turns, TurnState, scopes_of
from migrate.work import Runtime, Work, works
from pse.core.database import open_database
from pse.core.documents.campaign import MoveState
from pse.core.progress import Event, Progress
from pse.core.settings import Workspace
from pse.core.text import printable

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from blueprints import Bundle

_LOOK_S = 0.25
"""Seconds between two looks for a turn while there is room for one more."""
_CLOSER_S = 2.0
"""Seconds between two looks that also see pauses taken away and processes that died."""

Opener = Callable[[Workspace, "Bundle", Store, SqlJournal, Progress], Runtime]


def opened(workspace: Workspace, bundle: "Bundle", store: Store, journal: SqlJournal, progress: Progress) -> Runtime:
    """What a process holds of a plan's campaign: the hosts that there are."""
    return Runtime(workspace=workspace, bundle=bundle, store=store, journal=journal, progress=progress)


class Floor:
    """One process that works on campaigns; made by `floor`.

    Attributes:
        turns: Whose turn it is.
        worker: This process's id among the workers.
        engine: The durable engine.
        stop: Set when this process is to end: frozen workloads go on to their end, others stop at the next step.
        failed: What turns of this process failed with, by workload.
    """

    engine: Durable

    def __init__(
        self,
        workspace: Workspace,
        database: "Engine",
        find: Callable[[str], "Bundle"],
        progress: Progress,
        opener: Opener = opened,
    ) -> None:
        """Join the workers."""
        self.turns = Turns(database, limits_of(workspace.settings.migrate))
        self.stop = threading.Event()
        self.failed: dict[str, BaseException] = {}
        self._workspace = workspace
        self._database = database
        self._find = find
        self._progress = progress
        self._opener = opener
        self._runtimes: dict[str, tuple[Runtime, dict[str, Work]]] = {}
        self._opening = threading.Lock()
        self._ended = threading.Event()
        if database.dialect.name == "sqlite":
            self.turns.leave_all()
        self.worker = self.turns.join()

    # -- what is worked on ---------------------------------------------------------------------------------------------

    def runtime(self, plan: str) -> tuple[Runtime, dict[str, Work]]:
        """What this process holds of a plan's campaign, and what the plan moves."""
        with self._opening:
            if plan not in self._runtimes:
                bundle = self._find(plan)
                known = works(bundle)
                moves = frozenset(move.id for one in known.values() for move in one.moves)
                store, journal = Store(self._database, plan), SqlJournal(self._database)
                noting = Noting(self._progress, self._database, plan, moves)
                made = self._opener(self._workspace, bundle, store, journal, noting)
                made.stop = self.stop
                made.may_go = lambda workload, always: self._may_go(plan, workload, always=always)
                self._runtimes[plan] = made, known
            return self._runtimes[plan]

    def workflows(self) -> dict[str, Callable[[str, str, int], None]]:
        """What the engine runs; their arguments are a hash, a name and a number."""

        def move(plan: str, workload: str, attempt: int) -> None:
            runtime, known = self.runtime(plan)
            Forward(runtime, known[workload], f"a{attempt}").go()

        def settle(plan: str, workload: str, _attempt: int) -> None:
            runtime, known = self.runtime(plan)
            Forward(runtime, known[workload], f"a{self._moves(plan, workload)}").resume()

        def back(plan: str, workload: str, attempt: int) -> None:
            runtime, known = self.runtime(plan)
            key, forward = f"r{attempt}", f"a{self._moves(plan, workload)}"
            permit = runtime.journal.find(f"{plan[:16]}/{workload}/{forward}/{PERMIT}")
            # Without the permit no record was touched, and the source may have given itself back.
            switched = runtime.store.get(workload).state in (MoveState.SWITCHED, MoveState.VERIFIED)
            switched = switched or (permit is not None and permit.result is not None)
            Backward(runtime, known[workload], key, forward=forward, switched=switched).go()

        return {"move": move, "settle": settle, "back": back}

    def unfinished(self, plan: str, workload: str, kind: str) -> bool:
        """The last attempt of this kind was begun and has not ended."""
        return self.engine.attempts(prefix(plan, workload, kind))[-1:] in (["PENDING"], ["ENQUEUED"])

    def attempt(self, plan: str, workload: str, kind: str) -> None:
        """Take up the unfinished attempt, or begin the next one when the last has ended.

        Raises:
            PseError: What it failed with.
            Stopped: It was left, as a crash would leave it.
        """
        runtime, _ = self.runtime(plan)
        if kind == "back" and (moves := self._moves(plan, workload)):
            self.engine.cancel(f"{prefix(plan, workload, 'move')}-{moves}")
        while True:
            attempts = self.engine.attempts(prefix(plan, workload, kind))
            unfinished = attempts[-1:] in (["PENDING"], ["ENQUEUED"])
            state = runtime.store.get(workload).state
            if kind == "move" and not unfinished:
                if state is MoveState.VERIFIED:
                    return
                if state is MoveState.SWITCHED:
                    # The target serves already: only what comes after the switch is done again.
                    kind = "settle"
                    continue
            number = len(attempts) if unfinished else len(attempts) + 1
            try:
                self.engine.run(kind, prefix(plan, workload, kind), plan, workload, number)
            except FreezeOver:
                if unfinished and kind == "move":
                    continue  # nobody was there for too long, and the source was given back: once more
                raise
            return

    # -- working -------------------------------------------------------------------------------------------------------

    def work(
        self, *, plan: str = "", only: Collection[str] | None = None, parallel: int, over: Callable[[], bool]
    ) -> None:
        """Take turns and do them until it is over, or this process is to stop.

        Args:
            plan: Hash of the plan; empty is any.
            only: Workloads; None is all.
            parallel: Turns at once.
            over: Asked again and again.
        """
        done, broke = threading.Event(), list[BaseException]()

        def lead() -> None:
            try:
                with ThreadPoolExecutor(parallel) as pool:
                    hands = threading.BoundedSemaphore(parallel)
                    self._take_turns(pool, hands, [plan] if plan else [], only, over)
            except BaseException as exc:  # noqa: BLE001 - raised below, in the thread of the caller
                broke.append(exc)
            finally:
                done.set()

        try:
            # Not in the main thread, where an interrupt may come between taking a turn and having a thread for it.
            threading.Thread(target=lead, daemon=True).start()
            _wait(done)
        except KeyboardInterrupt:
            # Frozen workloads go on to their end, the others stop at the next step; a second interrupt ends all.
            try:
                self.stop.set()
                self.engine.stop.set()
                _wait(done)
            except KeyboardInterrupt:
                # Threads would be waited for, so this ends as a kill does; the guards at the sources end a freeze.
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)
            raise
        if broke:
            raise broke[0]

    def _take_turns(
        self,
        pool: ThreadPoolExecutor,
        hands: threading.BoundedSemaphore,
        plans: list[str],
        only: Collection[str] | None,
        over: Callable[[], bool],
    ) -> None:
        nothing: tuple[object, float] = ((), 0.0)
        while not self.stop.is_set() and not over():
            if hands.acquire(timeout=_LOOK_S):
                counts, now = self.turns.counts(), time.monotonic()
                turn = None
                # Where as many wait and run as when there was nothing to take, there is nothing still.
                if counts != nothing[0] or now > nothing[1] + _CLOSER_S:
                    turn = self.turns.take(self.worker, plans, only=only)
                    nothing = (nothing[0] if turn else counts, now if turn is None else 0.0)
                if turn is not None:
                    pool.submit(self._one, turn, hands)
                    continue
                hands.release()
                self._ended.wait(_LOOK_S)
                self._ended.clear()

    def _one(self, turn: Turn, hands: threading.BoundedSemaphore) -> None:
        try:
            self.do(turn)
        except BaseException as exc:  # noqa: BLE001 - it is kept and told, and raised by who asked for the turn
            self.failed[turn.workload] = exc
        finally:
            hands.release()
            self._ended.set()

    def do(self, turn: Turn) -> None:
        """Do a turn that this process has, and let go of it.

        Raises:
            PseError: What it failed with; nothing where it waits or was stopped.
        """
        try:
            self.attempt(turn.plan, turn.workload, turn.kind)
        except Parked as exc:
            self._tell(turn, "update", f"waits: {exc.why}")
            state = TurnState.HELD if exc.person else TurnState.PARKED
            self.turns.end(self.worker, turn, state, said=exc.why, in_s=exc.in_s)
        except Stopped:
            self.turns.end(self.worker, turn, TurnState.WAITING)
        except KeyboardInterrupt:
            raise  # it waits for the next worker when this one leaves
        except BaseException as exc:
            self._tell(turn, "failed", printable(str(exc)))
            self.turns.end(self.worker, turn, TurnState.FAILED, said=printable(str(exc)))
            raise
        else:
            self.turns.end(self.worker, turn, TurnState.DONE)

    def _tell(self, turn: Turn, state: str, message: str) -> None:
        self._progress(Event(step=turn.kind, state=state, subject=turn.workload, message=message))

    def _moves(self, plan: str, workload: str) -> int:
        return len(self.engine.attempts(prefix(plan, workload, "move")))

    def _may_go(self, plan: str, workload: str, *, always: bool) -> None:
        """Before a step: the turn is this process's still, and nobody wants it to wait."""
        mine = self.turns.mine(self.worker, plan, workload)
        if mine is None:
            raise Stopped
        turn, paused = mine
        if not always and turn.kind == "move" and paused & set(scopes_of(workload, turn.wave)):
            raise Parked("paused; `pse resume` lets it go on")

    # -- signs of life -------------------------------------------------------------------------------------------------

    def live(self, ended: threading.Event) -> None:
        """Say again and again that this process lives, until ``ended``; where that is not heard in time, end it.

        Another process takes its turns up then, and two must not work on one: this ends as a kill does, which
        everything here is made for.
        """
        said = time.monotonic()
        while not ended.wait(BEAT_S):
            try:
                heard = self.turns.beat(self.worker)
                said = time.monotonic()
            except Exception:  # noqa: BLE001 - whatever the driver raises: the database is not there
                heard = time.monotonic() - said < LEASE_S * 2 / 3
            if not heard and self._database.dialect.name != "sqlite":
                sys.stderr.write("this process was not heard of for too long; others go on with its moves\n")
                sys.stderr.flush()
                os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        """Give back what is still in hand, and end all connections."""
        with contextlib.suppress(Exception):  # the database may be gone; then the lease ends by itself
            self.turns.leave(self.worker)
        for runtime, _ in self._runtimes.values():
            runtime.close()


def prefix(plan: str, workload: str, kind: str) -> str:
    """The engine's names of attempts begin so."""
    return f"{plan[:32]}-{workload}-{kind}"


@contextlib.contextmanager
def floor(
    workspace: Workspace,
    find: Callable[[str], "Bundle"],
    *,
    progress: Progress,
    parallel: int,
    opener: Opener = opened,
) -> Iterator[Floor]:
    """Work on campaigns of this workspace; with SQLite as the only process, with PostgreSQL as one of several.

    Args:
        workspace: The workspace.
        find: A plan and its parts, by its hash.
        progress: Takes events.
        parallel: Turns at once in this process.
        opener: Makes what this process holds of a plan's campaign.

    Raises:
        Refused: Another process works, and the database is SQLite.
    """
    database = open_database(workspace)
    ended = threading.Event()
    try:
        alone = database.dialect.name == "sqlite"
        with campaign_lock(workspace) if alone else contextlib.nullcontext():
            made = Floor(workspace, database, find, progress, opener)
            living = threading.Thread(target=made.live, args=(ended,), daemon=True)
            living.start()
            try:
                with durable(workspace, made.workflows(), threads=parallel) as made.engine:
                    yield made
            finally:
                made.close()
                ended.set()
                living.join()
    finally:
        database.dispose()


def _wait(done: threading.Event) -> None:
    """By short waits: a signal that another thread took is seen only when this one wakes."""
    while not done.wait(0.2):
        pass
