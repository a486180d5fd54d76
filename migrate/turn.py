"""A turn: what is to be done with one workload, and who does it; see `migrate.turns`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.engine import Row

from pse.core.database import TURNS


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

    @property
    def keys(self) -> tuple[str, ...]:
        """What limits count it for."""
        return ("all", *self.touches)

    @classmethod
    def of(cls, row: Row[Any]) -> "Turn":
        """The turn of a row."""
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a row as a mapping
        values["touches"] = tuple(msgspec.json.decode(row.touches))
        return cls(**{**values, "state": TurnState(row.state)})

    def put(self, connection: Connection) -> None:
        """Write its row, in place of the one that is there."""
        values = {name: getattr(self, name) for name in Turn.__dataclass_fields__}
        values["touches"] = msgspec.json.encode(self.touches).decode()
        connection.execute(delete(TURNS).where(is_turn(self.plan, self.workload)))
        connection.execute(insert(TURNS).values(**values))

    def set(self, connection: Connection, **values: Any) -> None:
        """Change its row."""
        connection.execute(update(TURNS).where(is_turn(self.plan, self.workload)).values(**values))


def is_turn(plan: str, workload: str) -> Any:
    """The row of a workload's turn."""
    return (TURNS.c.plan == plan) & (TURNS.c.workload == workload)


def scopes_of(workload: str, wave: int) -> tuple[str, ...]:
    """Pauses that hold a workload up."""
    return ("", f"wave:{wave}", f"workload:{workload}")


def not_ended(turn: Turn) -> str:
    """That a turn is asked for and has not ended, in words."""
    what = {"move": "move", "back": "rollback"}.get(turn.kind, turn.kind)
    return f"its {what} is asked for and has not ended ({turn.state.value}{f': {turn.said}' if turn.said else ''})"
