"""Whose turn it is: what is to be done with each workload, and which process does it; the limits are kept here.

A turn is a row of the workspace's database. It is taken in one transaction that no other can overlap, so that a limit
holds however many processes there are. A process that does not say within `LEASE_S` that it lives has lost its turns,
and the next one that looks takes them up. See ADR 0024.
"""

import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from migrate.turn import OPEN, Turn, TurnState, is_turn, not_ended, scopes_of
from pse.core.database import PAUSES, PROGRESS, TURNS, WORKERS, unusable
from pse.core.documents.campaign import MoveState
from pse.core.errors import Refused, RemoteError

BEAT_S = 5.0
"""Seconds between two signs of life."""
LEASE_S = 30.0
"""Seconds without one after which a process has lost its turns."""
_LOCK = 7_015_023_041
"""Names the lock of all turns at PostgreSQL; any number that nobody else uses there."""


_HEAD = 128
"""Characters of a progress that its workload (at most 64) and its state are in."""
_DONE_BY = ("move", "back")
"""Kinds that a worker takes up; `pse close` is done by whoever called it, or not at all."""
_RUNS = TURNS.c.state == TurnState.RUNNING
_BOUNDS = (
    "SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '10s'; "
    "SET LOCAL idle_in_transaction_session_timeout = '5s'"
)
"""These transactions take milliseconds: one that hangs in the middle is ended by the server and holds nobody up."""


class Turns:
    """The turns of a workspace's database; threads and processes may share it.

    Args:
        engine: The database.
        limits: Most turns at once that touch a thing, by ``source``, ``target``, ``link NAME`` and ``all``.
    """

    def __init__(self, engine: Engine, limits: Mapping[str, int]) -> None:
        """Remember the database; nothing is read yet."""
        self._engine = engine
        self._limits = dict(limits)

    # -- who works ---------------------------------------------------------------------------------------------------

    def join(self) -> str:
        """Begin to be a worker; returns the id."""
        made = f"{os.getpid()}-{secrets.token_hex(8)}"
        with self._alone() as connection:
            self._reap(connection)
            now = _now(connection)
            connection.execute(
                insert(WORKERS).values(
                    id=made, host=socket.gethostname()[:256], machine=_machine(), pid=os.getpid(), begun=now, beat=now
                )
            )
        return made

    def beat(self, worker: str) -> bool:
        """Say that a worker lives; False when it was given up meanwhile, and its turns with it."""
        with self._changing() as connection:
            said = update(WORKERS).where(WORKERS.c.id == worker).values(beat=_now(connection))
            return connection.execute(said).rowcount == 1

    def leave(self, worker: str) -> None:
        """End being a worker; what it has in hand waits for the next one."""
        with self._alone() as connection:
            _give_up(connection, [worker])

    def leave_all(self) -> None:
        """Give every worker up; only for who is the only process that may work."""
        with self._alone() as connection:
            _give_up(connection, tuple(connection.execute(select(WORKERS.c.id)).scalars()))

    def busy(self) -> bool:
        """A worker that lives has a turn in hand."""
        return bool(self.in_hand())

    def in_hand(self) -> frozenset[tuple[str, str]]:
        """Plan and workload of what workers that live have in hand."""
        with self._reading() as connection:
            living, _ = self._workers(connection)
            had = select(TURNS.c.plan, TURNS.c.workload).where(_RUNS & TURNS.c.worker.in_(living))
            return frozenset((row.plan, row.workload) for row in connection.execute(had))

    def dead(self) -> frozenset[str]:
        """Ids of workers that do not live any more, and have not been given up yet."""
        with self._reading() as connection:
            return frozenset(self._workers(connection)[1])

    # -- turns ---------------------------------------------------------------------------------------------------------

    def ask(self, wanted: Sequence[Turn]) -> None:
        """Ask for turns; one that somebody has in hand counts as asked for now, and stays with whoever has it.

        Raises:
            Refused: Another plan's turn for one of the workloads is in hand, or one that does something else.
        """
        with self._alone() as connection:
            self._reap(connection)
            running = [Turn.of(row) for row in connection.execute(select(TURNS).where(_RUNS))]
            in_hand = {(one.plan, one.workload): one for one in running}
            for turn in wanted:
                for one in running:
                    if one.workload == turn.workload and (one.plan, one.kind) != (turn.plan, turn.kind):
                        raise self._refused(connection, one, turn)
            for turn in wanted:
                has = in_hand.get((turn.plan, turn.workload))
                if has is None:
                    turn.put(connection)
                elif any(one.wave > turn.wave for one in wanted):
                    # Of an earlier call that was killed, say: the later waves of this one wait for it. Where it has
                    # none, those of the earlier call go on waiting for it.
                    has.set(connection, run=turn.run, wave=turn.wave, priority=turn.priority, place=turn.place)

    def take(
        self,
        worker: str,
        plans: Collection[str],
        *,
        only: Collection[str] | None = None,
        has: Collection[tuple[str, str]] | None = None,
    ) -> Turn | None:
        """Take the first turn that may begin now, within all limits; None when there is none, or it was given up.

        Args:
            worker: Who takes it.
            plans: Hashes of plans that it can work on; empty is every plan.
            only: Workloads that it works on; None is all.
            has: Plan and workload of what the worker has in hand. A turn that is its own and is not among them was
                taken without its hearing of it, so it is the first; None is that it heard of all.
        """
        with self._alone() as connection:
            if worker not in self._reap(connection):
                return None
            now = _now(connection)
            every = [Turn.of(row) for row in connection.execute(select(TURNS).where(TURNS.c.state.in_(OPEN)))]
            turns = [turn for turn in every if turn.kind in _DONE_BY]
            paused = {(row.plan, row.scope) for row in connection.execute(select(PAUSES))}
            running = [turn for turn in turns if turn.state is TurnState.RUNNING]
            mine = frozenset(has or ())
            for turn in running if has is not None else ():
                if turn.worker == worker and (turn.plan, turn.workload) not in mine:
                    return turn
            busy = Counter(key for turn in running for key in turn.keys)
            # Under whatever plan: two must not work on one workload.
            in_hand = {turn.workload for turn in every if turn.state is TurnState.RUNNING}
            first: dict[str, int] = {}
            for turn in turns:
                first[turn.run] = min(first.get(turn.run, turn.wave), turn.wave)
            # Their users may be on neither side, so they wait for nothing.
            frozen = _frozen(connection)
            urgent = {id(turn) for turn in turns if turn.kind == "back" or (turn.plan, turn.workload) in frozen}
            turns.sort(key=lambda turn: (id(turn) not in urgent, turn.wave, -turn.priority, turn.place, turn.workload))
            for turn in turns:
                if (
                    turn.workload not in in_hand
                    and (turn.plan, turn.workload) not in mine
                    and turn.due <= now
                    and (not plans or turn.plan in plans)
                    and (only is None or turn.workload in only)
                    and (id(turn) in urgent or self._may(turn, first, paused, busy))
                ):
                    turn.set(connection, state=TurnState.RUNNING, worker=worker, said="")
                    return turn
        return None

    def seize(self, worker: str, turn: Turn) -> None:
        """Take a turn at once, whatever the limits and pauses.

        Raises:
            Refused: Another process has it, or another plan's turn for the workload; or a close would end a move or a
                rollback that somebody asked for.
            RemoteError: The worker was given up.
        """
        with self._alone() as connection:
            if worker not in self._reap(connection):
                raise RemoteError(
                    "this process was not heard of for too long", where=turn.workload, hint="Run it again."
                )
            for row in connection.execute(select(TURNS).where(_RUNS & (TURNS.c.workload == turn.workload))):
                if (row.plan, row.worker) != (turn.plan, worker):
                    raise self._refused(connection, Turn.of(row), turn)
            found = connection.execute(select(TURNS).where(is_turn(turn.plan, turn.workload))).one_or_none()
            if found is not None and turn.kind == "close" and found.kind != "close" and found.state in OPEN:
                raise Refused(
                    not_ended(Turn.of(found)), where=turn.workload, hint="Run `pse migrate` to its end first."
                )
            turn.put(connection)
            turn.set(connection, state=TurnState.RUNNING, worker=worker)

    def mine(self, worker: str, plan: str, workload: str) -> tuple[Turn, frozenset[str]] | None:
        """The turn that a worker has, and what is paused in its plan; None when it has lost it."""
        with self._reading() as connection:
            chosen = is_turn(plan, workload) & _RUNS & (TURNS.c.worker == worker)
            row = connection.execute(select(TURNS).where(chosen)).one_or_none()
            paused = connection.execute(select(PAUSES.c.scope).where(PAUSES.c.plan == plan)).scalars()
            return (Turn.of(row), frozenset(paused)) if row is not None else None

    def end(self, worker: str, turn: Turn, state: TurnState, *, said: str = "", in_s: float = 0.0) -> None:
        """Let go of a turn; quiet when it is another's by now. After a failure no later wave of its run is begun.

        Args:
            worker: Who had it.
            turn: Which.
            state: How it stands from here on.
            said: What it waits for, or failed with.
            in_s: Seconds from now before which it is not taken up again.
        """
        with self._alone() as connection:
            mine = is_turn(turn.plan, turn.workload) & _RUNS & (TURNS.c.worker == worker)
            row = connection.execute(select(TURNS).where(mine)).one_or_none()
            if row is None:
                return
            due = _now(connection) + in_s if in_s else 0.0
            turn.set(connection, state=state, worker="", said=said[:2000], due=due)
            if state is TurnState.FAILED:
                # Of the run that asked last, which need not be the one that it was taken for.
                later = (TURNS.c.run == row.run) & (TURNS.c.wave > row.wave) & (TURNS.c.state != TurnState.RUNNING)
                connection.execute(delete(TURNS).where(later & (TURNS.c.state != TurnState.DONE)))

    def withdraw(self, run: str) -> None:
        """Forget what a call asked for and nobody has in hand, but nothing that is frozen."""
        with self._alone() as connection:
            frozen = _frozen(connection)
            for row in connection.execute(select(TURNS).where((TURNS.c.run == run) & TURNS.c.state.in_(OPEN))).all():
                if row.state != TurnState.RUNNING and (row.plan, row.workload) not in frozen:
                    connection.execute(delete(TURNS).where(is_turn(row.plan, row.workload)))

    def all(self, plan: str | None = None) -> tuple[Turn, ...]:
        """Every turn, or those of one plan, by workload."""
        query = select(TURNS).order_by(TURNS.c.plan, TURNS.c.workload)
        with self._reading() as connection:
            rows = connection.execute(query if plan is None else query.where(TURNS.c.plan == plan))
            return tuple(Turn.of(row) for row in rows)

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Turns by state: when it is as before, nothing became free."""
        with self._reading() as connection:
            rows = connection.execute(select(TURNS.c.state, func.count()).group_by(TURNS.c.state))
            return tuple(sorted((row[0], row[1]) for row in rows))

    # -- pauses --------------------------------------------------------------------------------------------------------

    def pause(self, plan: str, scope: str) -> None:
        """Let wait from the next step on: everything (empty), ``wave:2``, or ``workload:portal``."""
        with self._alone() as connection:
            connection.execute(delete(PAUSES).where((PAUSES.c.plan == plan) & (PAUSES.c.scope == scope)))
            connection.execute(insert(PAUSES).values(plan=plan, scope=scope))

    def resume(self, plan: str, scope: str) -> bool:
        """Take a pause away, or all of them (empty); what waits for it may be taken up. False when there was none."""
        chosen = PAUSES.c.plan == plan
        with self._alone() as connection:
            done = connection.execute(delete(PAUSES).where(chosen & (PAUSES.c.scope == scope) if scope else chosen))
            return done.rowcount > 0

    def frozen(self, plan: str) -> frozenset[str]:
        """Workloads of a plan whose writers are stopped: no pause and no limit keeps them waiting."""
        with self._reading() as connection:
            return frozenset(workload for one, workload in _frozen(connection) if one == plan)

    def pauses(self, plan: str) -> tuple[str, ...]:
        """What is paused."""
        with self._reading() as connection:
            query = select(PAUSES.c.scope).where(PAUSES.c.plan == plan).order_by(PAUSES.c.scope)
            return tuple(connection.execute(query).scalars())

    # -- inside ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """One transaction at a time, over all processes; SQLite begins every one of them so."""
        with self._changing(f"; SELECT pg_advisory_xact_lock({_LOCK})") as connection:
            yield connection

    @contextmanager
    def _changing(self, more: str = "") -> Iterator[Connection]:
        with self._told(), self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # In one message, which the driver sends so only where there is nothing to put in.
                connection.exec_driver_sql(_BOUNDS + more, execution_options={"no_parameters": True})
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._told(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as exc:
            raise unusable(self._engine, exc) from exc

    def _workers(self, connection: Connection) -> tuple[list[str], list[str]]:
        """Ids of those that live, and of those that do not."""
        # At SQLite the lock of the campaign says who may work, also after a laptop has slept for an hour.
        now, here, leases = _now(connection), _machine(), connection.dialect.name != "sqlite"
        living, dead = list[str](), list[str]()
        for row in connection.execute(select(WORKERS)):
            over = leases and row.beat < now - LEASE_S
            (dead if over or (row.machine == here and not _runs(row.pid)) else living).append(row.id)
        return living, dead

    def _reap(self, connection: Connection) -> list[str]:
        """Give back what nobody who lives has in hand; returns who lives."""
        living, dead = self._workers(connection)
        _give_back(connection, TURNS.c.worker.not_in(living))
        if dead:
            connection.execute(delete(WORKERS).where(WORKERS.c.id.in_(dead)))
        return living

    def _refused(self, connection: Connection, has: Turn, wanted: Turn) -> Refused:
        """What has a workload in hand that another one wants."""
        by = connection.execute(select(WORKERS.c.host, WORKERS.c.pid).where(WORKERS.c.id == has.worker)).one_or_none()
        who = f"process {by.pid} on {by.host}" if by is not None else "another process"
        plan = f", by plan {has.plan[:12]}" if has.plan != wanted.plan else ""
        hint = "Wait for its end, or look at `pse status`."
        return Refused(f"{who} works on it{plan}", where=wanted.workload, hint=hint)

    def _may(self, turn: Turn, first: dict[str, int], paused: set[tuple[str, str]], busy: Counter[str]) -> bool:
        scopes = {(turn.plan, scope) for scope in scopes_of(turn.workload, turn.wave)}
        if turn.wave > first[turn.run] or scopes & paused:
            return False
        limits = ((busy[key], self._limits.get(key, self._limits.get(key.split(" ")[0]))) for key in turn.keys)
        return all(limit is None or taken < limit for taken, limit in limits)


def _give_up(connection: Connection, workers: Sequence[str]) -> None:
    _give_back(connection, TURNS.c.worker.in_(workers))
    connection.execute(delete(WORKERS).where(WORKERS.c.id.in_(workers)))


def _frozen(connection: Connection) -> set[tuple[str, str]]:
    """Plan and workload of moves that stopped writers and have not ended that; as `migrate.store` writes them."""
    # It stands near the beginning; what comes after it, steps and checks, may be long, and others wait meanwhile.
    kept = func.substr(PROGRESS.c.body, 1, _HEAD).contains(f'"state": "{MoveState.FROZEN.value}"')
    return {
        (row.plan, row.workload) for row in connection.execute(select(PROGRESS.c.plan, PROGRESS.c.workload).where(kept))
    }


def _give_back(connection: Connection, had: ColumnElement[bool]) -> None:
    """Let turns wait for the next worker; what no worker takes up is called again by a person, and has ended."""
    for taken_up, state in ((True, TurnState.WAITING), (False, TurnState.FAILED)):
        kinds = TURNS.c.kind.in_(_DONE_BY) if taken_up else TURNS.c.kind.not_in(_DONE_BY)
        connection.execute(update(TURNS).where(_RUNS & had & kinds).values(state=state, worker="", due=0.0))


def _now(connection: Connection) -> float:
    """The one clock that counts: the database's."""
    if connection.dialect.name == "postgresql":
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return time.time()


def _machine() -> str:
    """This machine since it started, and the process ids that count here: a container has its own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return f"unknown-{os.getpid()}-{time.time()}"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
