"""What goes on now: who works, whose turn it is, what waits for what, and how far each move is."""

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from migrate.paces import Pace, paces
from migrate.store import Store, somebody_works
from migrate.turn import OPEN
from migrate.turns import Turns
from migrate.work import works
from pse.core.database import WORKERS, open_database
from pse.core.served import NEW_SIDE
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A process that works.

    Attributes:
        host: Name of its machine.
        pid: Its process id there.
        workloads: What it has in hand.
    """

    host: str
    pid: int
    workloads: tuple[str, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that has not ended.

    Attributes:
        workload: Workload id.
        kind: ``move`` or ``back``.
        wave: Number of the wave.
        state: ``waiting``, ``running``, ``parked`` (for an hour) or ``held`` (for a person).
        said: What it waits for.
    """

    workload: str
    kind: str
    wave: int
    state: str
    said: str = ""


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on with a plan.

    Attributes:
        workers: Processes that live, of any plan.
        turns: Of this plan, by workload; those that ended are not here.
        paces: How far moves of workloads are that have not arrived.
        paused: Everything (empty), ``wave:2``, ``workload:portal``.
    """

    workers: tuple[Worker, ...] = ()
    turns: tuple[Asked, ...] = ()
    paces: tuple[Pace, ...] = ()
    paused: tuple[str, ...] = ()


def going(workspace: Workspace, bundle: "Bundle") -> Going:
    """What goes on with a plan."""
    plan = bundle.plan.hash
    moves = {move.id: name for name, work in works(bundle).items() for move in work.moves}
    database = open_database(workspace)
    try:
        turns, settled = Turns(database, {}), Store(database, plan).all()
        every = turns.all()
        with database.connect() as connection:
            rows = connection.execute(select(WORKERS).order_by(WORKERS.c.begun)).all()
        dead = turns.dead()
        arrived = {name for name, one in settled.items() if one.state in NEW_SIDE}
        return Going(
            workers=tuple(
                Worker(
                    host=row.host,
                    pid=row.pid,
                    workloads=tuple(turn.workload for turn in every if turn.worker == row.id),
                )
                for row in rows
                if row.id not in dead
            ),
            turns=tuple(
                Asked(workload=turn.workload, kind=turn.kind, wave=turn.wave, state=turn.state.value, said=turn.said)
                for turn in every
                if turn.plan == plan and turn.state in OPEN
            ),
            paces=tuple(one for one in paces(database, plan) if moves.get(one.move) not in arrived),
            paused=turns.pauses(plan),
        )
    finally:
        database.dispose()


def working(workspace: Workspace) -> bool:
    """A process works on a campaign of this workspace, on this machine or another."""
    if somebody_works(workspace):
        return True
    database = open_database(workspace)
    try:
        return Turns(database, {}).busy()
    finally:
        database.dispose()
