"""Where campaigns are worked on: one process's share, with its engine, its connections and its signs of life."""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import event

from migrate.alive import Alive, awake_s, die
from migrate.backward import Backward
from migrate.durable import Durable, Parked, Stopped, durable
from migrate.forward import Forward
from migrate.interrupts import through
from migrate.journal import SqlJournal
from migrate.limits import limits_of
from migrate.paces import Noting
from migrate.replicators.ports import FreezeOver
from migrate.steps import PERMIT
from migrate.store import Store, campaign_lock
from migrate.turn import Turn, TurnState, scopes_of
from migrate.turns import LEASE_S, Turns
from migrate.work import Runtime, Work, works
from pse.core.database import open_database
from pse.core.documents.campaign import MoveState
from pse.core.errors import BadInput, RemoteError
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
_AWAY = (RemoteError, BadInput)
"""What `Turns` raises when its database is away, overloaded or full."""

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
        self._in_hand: set[tuple[str, str]] = set()
        alone = database.dialect.name == "sqlite"
        if alone:
            self.turns.leave_all()
        heard = awake_s()
        self.worker = self.turns.join()
        self._leases = not alone
        self._alive = Alive(self.turns, self.worker, heard=heard, leases=self._leases)
        # Every step and every effect asks the database first, so none is begun by who woke up too late.
        event.listen(database, "checkout", lambda *_: self._alive.look())
        self._alive.begin()

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
                if state is not MoveState.SWITCHED and (last := self._perhaps_switched(plan, workload)) is not None:
                    last.set_state(MoveState.SWITCHED)
                    continue
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

    def _perhaps_switched(self, plan: str, workload: str) -> Forward | None:
        """The last attempt, where it was about to switch and nobody said how that ended, nor took it back."""
        runtime, known = self.runtime(plan)
        if moves := self._moves(plan, workload):
            last = Forward(runtime, known[workload], f"a{moves}")
            if last.frozen_at() is not None and last.begun_to_switch():
                return last
        return None

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

        def lead() -> None:
            with ThreadPoolExecutor(parallel) as pool:
                hands = threading.BoundedSemaphore(parallel)
                self._take_turns(pool, hands, [plan] if plan else [], only, over)

        through(lead, stop=self._halt)

    def work_on(self, turn: Turn) -> None:
        """Take a turn at once, whatever the limits and pauses, and do it.

        Raises:
            Refused: Another process works on the workload.
            PseError: What it failed with.
        """

        def lead() -> None:
            self._in_hand.add((turn.plan, turn.workload))
            try:
                self.turns.seize(self.worker, turn)
                self.do(turn)
            finally:
                self._in_hand.discard((turn.plan, turn.workload))

        through(lead, stop=self._halt)

    def _halt(self) -> None:
        """Frozen workloads go on to their end, the others stop at the next step."""
        self.stop.set()
        self.engine.stop.set()

    def _take_turns(
        self,
        pool: ThreadPoolExecutor,
        hands: threading.BoundedSemaphore,
        plans: list[str],
        only: Collection[str] | None,
        over: Callable[[], bool],
    ) -> None:
        nothing: tuple[object, float] = ((), 0.0)
        away = False
        while not self.stop.is_set():
            try:
                if over():
                    return
                if not hands.acquire(timeout=_LOOK_S):
                    continue
                turn = None
                try:
                    counts, now = self.turns.counts(), time.monotonic()
                    away = False
                    # Where as many wait and run as when there was nothing to take, there is nothing still.
                    if counts != nothing[0] or now > nothing[1] + _CLOSER_S:
                        turn = self.turns.take(self.worker, plans, only=only, has=tuple(self._in_hand))
                        nothing = (nothing[0] if turn else counts, now if turn is None else 0.0)
                    if turn is not None:
                        self._in_hand.add((turn.plan, turn.workload))
                        pool.submit(self._one, turn, hands)
                        continue
                finally:
                    if turn is None:
                        hands.release()
            except _AWAY as exc:
                # For as long as this process is heard of. Whether a turn was taken is not known: `has` finds it.
                if not away:
                    said = f"tried again: {printable(str(exc))}"
                    self._progress(Event(step="turns", state="update", subject="all", message=said))
                nothing, away = ((), 0.0), True
            self._ended.wait(_LOOK_S)
            self._ended.clear()

    def _one(self, turn: Turn, hands: threading.BoundedSemaphore) -> None:
        try:
            self.do(turn)
        except BaseException as exc:  # noqa: BLE001 - it is kept and told, and raised by who asked for the turn
            self.failed[turn.workload] = exc
        finally:
            self._in_hand.discard((turn.plan, turn.workload))
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
            state = TurnState.HELD if exc.person else TurnState.PARKED
            self._let_go(turn, state, said=exc.why, in_s=exc.in_s)
            self._tell(turn, "update", f"waits: {exc.why}")
        except Stopped:
            self._let_go(turn, TurnState.WAITING)
        except BaseException as exc:
            self._let_go(turn, TurnState.FAILED, said=printable(str(exc)))
            self._tell(turn, "failed", printable(str(exc)))
            raise
        else:
            self._let_go(turn, TurnState.DONE)

    def _let_go(self, turn: Turn, state: TurnState, *, said: str = "", in_s: float = 0.0) -> None:
        """End the turn, however often that has to be said: one that is not ended is lost for as long as this lives."""
        begun, pause = awake_s(), 0.1
        while True:
            try:
                return self.turns.end(self.worker, turn, state, said=said, in_s=in_s)
            except _AWAY as exc:
                # At SQLite nobody else waits for it.
                if self._leases and awake_s() - begun > LEASE_S:
                    die(f"it cannot be noted how {turn.workload} ended, and others have to go on with it: {exc}")
                with contextlib.suppress(Exception):
                    self._tell(turn, "update", f"its end is noted later, tried again: {printable(str(exc))}")
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    def _tell(self, turn: Turn, state: str, message: str) -> None:
        self._progress(Event(step=turn.kind, state=state, subject=turn.workload, message=message))

    def _moves(self, plan: str, workload: str) -> int:
        return len(self.engine.attempts(prefix(plan, workload, "move")))

    def _may_go(self, plan: str, workload: str, *, always: bool) -> None:
        """Before a step: the turn is this process's still, and nobody wants it to wait."""
        self._alive.look()
        mine = self.turns.mine(self.worker, plan, workload)
        if mine is None:
            raise Stopped
        turn, paused = mine
        if not always and turn.kind == "move" and paused & set(scopes_of(workload, turn.wave)):
            raise Parked("paused; `pse resume` lets it go on")

    def close(self) -> None:
        """Give back what is still in hand, and end all connections."""
        if self._in_hand:
            die("steps of this process have not ended, so it is killed; others go on with its moves")
        self._alive.fall_silent()
        with contextlib.suppress(Exception):  # the database may be gone; then the lease ends by itself
            self.turns.leave(self.worker)
        self._alive.end()
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
    try:
        alone = database.dialect.name == "sqlite"
        with campaign_lock(workspace) if alone else contextlib.nullcontext():
            made = Floor(workspace, database, find, progress, opener)
            try:
                with durable(workspace, made.workflows(), threads=parallel) as made.engine:
                    yield made
            finally:
                made.close()
    finally:
        database.dispose()
