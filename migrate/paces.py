"""How far each move is, kept beside its progress so that any process can show it."""

import time
from collections import deque

import msgspec
from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from pse.core.canonical import encode
from pse.core.database import PACES
from pse.core.progress import Event, Progress

EVERY_S = 2.0
"""Seconds between two notes of one move."""
_SPAN_S = 60.0
"""Seconds that a rate is taken over."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How far a move is.

    Attributes:
        move: Its id.
        doing: What it does, such as ``copy``.
        at: Moment (`time.time`) of this note.
        done: Bytes carried in this pass; None when not known.
        total: Bytes of this pass; None when not known.
        rate: Bytes a second over the last minute; None when not known.
        left_s: Seconds that it will take at this rate; None when not known.
        behind_s: Seconds of writing that the target may lack after the last pass; None when not known.
        message: In words.
    """

    move: str
    doing: str
    at: float
    done: int | None = None
    total: int | None = None
    rate: float | None = None
    left_s: float | None = None
    behind_s: float | None = None
    message: str = ""


class Noting:
    """Hands events on, and notes how far moves are; a database that is away for a while is no failure of a move.

    Args:
        onward: Takes every event.
        engine: The workspace's database.
        plan: Hash of the plan.
        moves: Ids of its moves.
    """

    def __init__(self, onward: Progress, engine: Engine, plan: str, moves: frozenset[str]) -> None:
        """Remember them."""
        self._onward = onward
        self._engine = engine
        self._plan = plan
        self._moves = moves
        self._seen: dict[str, deque[tuple[float, int]]] = {}
        self._last: dict[str, Pace] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._onward(event)
        if event.subject not in self._moves:
            return
        last = self._last.get(event.subject)
        if event.state == "update" and last is not None and time.time() - last.at < EVERY_S:
            self._rate(event)
            return
        pace = self._pace(event, last)
        self._last[event.subject] = pace
        chosen = (PACES.c.plan == self._plan) & (PACES.c.move == event.subject)
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(PACES).where(chosen))
                body = encode(pace).decode("utf-8")
                connection.execute(insert(PACES).values(plan=self._plan, move=event.subject, body=body))
        except SQLAlchemyError:
            return

    def _pace(self, event: Event, last: Pace | None) -> Pace:
        rate = self._rate(event)
        known = None not in (event.done, event.total) and rate
        left = (int(event.total or 0) - int(event.done or 0)) / rate if known and rate else None
        behind = event.data.get("behind_s", last.behind_s if last else None)
        return Pace(
            move=event.subject,
            doing=event.step,
            at=time.time(),
            done=event.done,
            total=event.total,
            rate=rate,
            left_s=None if left is None else max(0.0, round(left, 1)),
            behind_s=float(str(behind)) if behind is not None else None,
            message=event.message,
        )

    def _rate(self, event: Event) -> float | None:
        """Bytes a second of the last minute; a new pass begins at nothing again."""
        if event.done is None or event.unit != "bytes":
            self._seen.pop(event.subject, None)
            return None
        now, seen = time.monotonic(), self._seen.setdefault(event.subject, deque())
        if seen and event.done < seen[-1][1]:
            seen.clear()
        seen.append((now, event.done))
        while now - seen[0][0] > _SPAN_S and len(seen) > 2:
            seen.popleft()
        (begun, had), (ended, has) = seen[0], seen[-1]
        return round((has - had) / (ended - begun), 1) if ended > begun else None


def paces(engine: Engine, plan: str) -> tuple[Pace, ...]:
    """How far the moves of a plan are, by move; those that ended are as they were last."""
    with engine.connect() as connection:
        rows = connection.execute(select(PACES.c.body).where(PACES.c.plan == plan).order_by(PACES.c.move))
        return tuple(msgspec.json.decode(body, type=Pace) for body in rows.scalars())
