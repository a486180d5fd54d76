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
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.engine import Row

from pse.core.database import PAUSES, TURNS, WORKERS
from pse.core.errors import Refused

BEAT_S = 5.0
"""Seconds between two signs of life."""
LEASE_S = 30.0
"""Seconds without one after which a process has lost its turns."""
_LOCK = 7_015_023_041
"""Names the lock of all turns at PostgreSQL; any number that nobody else uses there."""


class TurnState(StrEnum):
    """Where a turn stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PARKED = "parked"
    """Waits for an hour, and holds nobody up."""
    HELD = "held"
    """Waits for a person, and holds nobody up."""
    DONE = "done"
    FAILED = "failed"


OPEN = (TurnState.WAITING, TurnState.RUNNING, TurnState.PARKED, TurnState.HELD)
"""States of turns that have not ended."""
_DONE_BY = ("move", "back")
"""Kinds that a worker takes up; `pse close` is done by whoever called it, or not at all."""


@dataclass(frozen=True)
class Turn:
    """One row.

    Attributes:
        plan: Hash of the plan.
        workload: Workload id.
        kind: ``move``, ``back`` or ``close``.
        run: The call that asked for it; within one, a wave waits for those before it.
        wave: Number of the wave.
        priority: Within a wave the highest first.
        place: Place among equals.
        touches: What limits count: ``source NAME``, ``target PLACE``, ``link NAME``.
        state: See `TurnState`.
        worker: Who has it; empty when nobody does.
        due: Moment (the database's clock) before which it is not taken up.
        said: What it waits for, or failed with.
    """

    plan: str
    workload: str
    kind: str
    run: str
    wave: int = 0
    priority: int = 0
    place: int = 0
    touches: tuple[str, ...] = ()
    state: TurnState = TurnState.WAITING
    worker: str = ""
    due: float = 0.0
    said: str = ""


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
            now = _now(connection)
            # Long dead; their turns went back when the lease ended.
            connection.execute(delete(WORKERS).where(WORKERS.c.beat < now - 100 * LEASE_S))
            connection.execute(
                insert(WORKERS).values(
                    id=made, host=socket.gethostname()[:256], machine=_machine(), pid=os.getpid(), begun=now, beat=now
                )
            )
        return made

    def beat(self, worker: str) -> bool:
        """Say that a worker lives; False when it was given up meanwhile, and its turns with it."""
        with self._engine.begin() as connection:
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
        with self._engine.connect() as connection:
            rows = connection.execute(select(TURNS.c.worker).where(TURNS.c.state == TurnState.RUNNING))
            return bool({row.worker for row in rows} - set(self._dead(connection)))

    def dead(self) -> frozenset[str]:
        """Ids of workers that do not live any more, and have not been given up yet."""
        with self._engine.connect() as connection:
            return frozenset(self._dead(connection))

    # -- turns ---------------------------------------------------------------------------------------------------------

    def ask(self, wanted: Sequence[Turn]) -> None:
        """Ask for turns; one that somebody has in hand stays as it is, any other is as it is asked for now."""
        with self._alone() as connection:
            self._reap(connection)
            for turn in wanted:
                row = connection.execute(select(TURNS).where(_is(turn.plan, turn.workload))).one_or_none()
                if row is None or row.state != TurnState.RUNNING:
                    _put(connection, turn)

    def take(self, worker: str, plans: Collection[str], *, only: Collection[str] | None = None) -> Turn | None:
        """Take the first turn that may begin now, within all limits; None when there is none.

        Args:
            worker: Who takes it.
            plans: Hashes of plans that it can work on; empty is every plan.
            only: Workloads that it works on; None is all.
        """
        with self._alone() as connection:
            self._reap(connection)
            now = _now(connection)
            found = select(TURNS).where(TURNS.c.state.in_(OPEN) & TURNS.c.kind.in_(_DONE_BY))
            turns = [_turn(row) for row in connection.execute(found)]
            paused = {(row.plan, row.scope) for row in connection.execute(select(PAUSES))}
            busy = Counter(key for turn in turns if turn.state is TurnState.RUNNING for key in _keys(turn))
            first: dict[str, int] = {}
            for turn in turns:
                first[turn.run] = min(first.get(turn.run, turn.wave), turn.wave)
            turns.sort(key=lambda turn: (turn.kind != "back", turn.wave, -turn.priority, turn.place, turn.workload))
            for turn in turns:
                if (
                    turn.state is not TurnState.RUNNING
                    and turn.due <= now
                    and (not plans or turn.plan in plans)
                    and (only is None or turn.workload in only)
                    # A rollback waits for nothing: its users may be on neither side.
                    and (turn.kind == "back" or self._may(turn, first, paused, busy))
                ):
                    _set(connection, turn, state=TurnState.RUNNING, worker=worker, said="")
                    return turn
        return None

    def seize(self, worker: str, turn: Turn) -> None:
        """Take a turn at once, whatever the limits and pauses.

        Raises:
            Refused: Another process has it; or a close would end a move or a rollback that somebody asked for.
        """
        with self._alone() as connection:
            self._reap(connection)
            found = connection.execute(select(TURNS).where(_is(turn.plan, turn.workload))).one_or_none()
            if found is not None and found.state == TurnState.RUNNING and found.worker != worker:
                who = select(WORKERS.c.host, WORKERS.c.pid).where(WORKERS.c.id == found.worker)
                host, pid = connection.execute(who).one()
                raise Refused(
                    f"process {pid} on {host} works on it",
                    where=turn.workload,
                    hint="Wait for its end, or look at `pse status`.",
                )
            if found is not None and turn.kind == "close" and found.kind != "close" and found.state in OPEN:
                raise Refused(not_ended(_turn(found)), where=turn.workload, hint="Run `pse migrate` to its end first.")
            _put(connection, turn)
            _set(connection, turn, state=TurnState.RUNNING, worker=worker)

    def mine(self, worker: str, plan: str, workload: str) -> tuple[Turn, frozenset[str]] | None:
        """The turn that a worker has, and what is paused in its plan; None when it has lost it."""
        running = (TURNS.c.worker == worker) & (TURNS.c.state == TurnState.RUNNING)
        with self._engine.connect() as connection:
            row = connection.execute(select(TURNS).where(_is(plan, workload) & running)).one_or_none()
            paused = connection.execute(select(PAUSES.c.scope).where(PAUSES.c.plan == plan)).scalars()
            return (_turn(row), frozenset(paused)) if row is not None else None

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
            values = {
                "state": state,
                "worker": "",
                "said": said[:2000],
                "due": _now(connection) + in_s if in_s else 0.0,
            }
            mine = _is(turn.plan, turn.workload) & (TURNS.c.worker == worker)
            connection.execute(update(TURNS).where(mine).values(**values))
            if state is TurnState.FAILED:
                later = (TURNS.c.run == turn.run) & (TURNS.c.wave > turn.wave) & (TURNS.c.state != TurnState.RUNNING)
                connection.execute(delete(TURNS).where(later & (TURNS.c.state != TurnState.DONE)))

    def withdraw(self, plan: str, workloads: Collection[str]) -> None:
        """Forget turns that nobody has in hand and that have not ended."""
        with self._alone() as connection:
            open_ = TURNS.c.state.in_(OPEN) & (TURNS.c.state != TurnState.RUNNING)
            chosen = (TURNS.c.plan == plan) & TURNS.c.workload.in_(sorted(workloads)) & open_
            connection.execute(delete(TURNS).where(chosen))

    def all(self, plan: str | None = None) -> tuple[Turn, ...]:
        """Every turn, or those of one plan, by workload."""
        query = select(TURNS).order_by(TURNS.c.plan, TURNS.c.workload)
        with self._engine.connect() as connection:
            rows = connection.execute(query if plan is None else query.where(TURNS.c.plan == plan))
            return tuple(_turn(row) for row in rows)

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Turns by state: when it is as before, nothing became free."""
        with self._engine.connect() as connection:
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

    def pauses(self, plan: str) -> tuple[str, ...]:
        """What is paused."""
        with self._engine.connect() as connection:
            query = select(PAUSES.c.scope).where(PAUSES.c.plan == plan).order_by(PAUSES.c.scope)
            return tuple(connection.execute(query).scalars())

    # -- inside ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        """One transaction at a time, over all processes; SQLite begins every one of them so."""
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            yield connection

    def _reap(self, connection: Connection) -> None:
        if dead := self._dead(connection):
            _give_up(connection, dead)

    def _dead(self, connection: Connection) -> list[str]:
        # At SQLite the lock of the campaign says who may work, also after a laptop has slept for an hour.
        now, here, leases = _now(connection), _machine(), connection.dialect.name != "sqlite"
        return [
            row.id
            for row in connection.execute(select(WORKERS))
            if (leases and row.beat < now - LEASE_S) or (row.machine == here and not _runs(row.pid))
        ]

    def _may(self, turn: Turn, first: dict[str, int], paused: set[tuple[str, str]], busy: Counter[str]) -> bool:
        scopes = {(turn.plan, scope) for scope in scopes_of(turn.workload, turn.wave)}
        if turn.wave > first[turn.run] or scopes & paused:
            return False
        limits = ((busy[key], self._limits.get(key, self._limits.get(key.split(" ")[0]))) for key in _keys(turn))
        return all(limit is None or taken < limit for taken, limit in limits)


def not_ended(turn: Turn) -> str:
    """That a turn is asked for and has not ended, in words."""
    what = {"move": "move", "back": "rollback"}.get(turn.kind, turn.kind)
    return f"its {what} is asked for and has not ended ({turn.state.value}{f': {turn.said}' if turn.said else ''})"


def scopes_of(workload: str, wave: int) -> tuple[str, ...]:
    """Pauses that hold a workload up."""
    return ("", f"wave:{wave}", f"workload:{workload}")


def _keys(turn: Turn) -> tuple[str, ...]:
    return ("all", *turn.touches)


def _is(plan: str, workload: str) -> Any:
    return (TURNS.c.plan == plan) & (TURNS.c.workload == workload)


def _put(connection: Connection, turn: Turn) -> None:
    values = {name: getattr(turn, name) for name in Turn.__dataclass_fields__}
    values["touches"] = msgspec.json.encode(turn.touches).decode()
    connection.execute(delete(TURNS).where(_is(turn.plan, turn.workload)))
    connection.execute(insert(TURNS).values(**values))


def _set(connection: Connection, turn: Turn, **values: Any) -> None:
    connection.execute(update(TURNS).where(_is(turn.plan, turn.workload)).values(**values))


def _turn(row: Row[Any]) -> Turn:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a row as a mapping
    values["touches"] = tuple(msgspec.json.decode(row.touches))
    return Turn(**{**values, "state": TurnState(row.state)})


def _give_up(connection: Connection, workers: Sequence[str]) -> None:
    values = {"state": TurnState.WAITING, "worker": "", "due": 0.0}
    mine = TURNS.c.worker.in_(workers) & (TURNS.c.state == TurnState.RUNNING)
    connection.execute(update(TURNS).where(mine).values(**values))
    connection.execute(delete(WORKERS).where(WORKERS.c.id.in_(workers)))


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
