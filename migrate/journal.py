"""The effect journal of campaigns: `pse.core.journal.Journal` on the workspace's database."""

import json
import os
from typing import Any

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row
from sqlalchemy.sql.dml import ReturningInsert

from pse.core.database import INTENTS
from pse.core.errors import BadInput
from pse.core.journal import Change, Intent


class SqlJournal:
    """A journal in table ``intents``; threads and processes may share it.

    Args:
        engine: The database, as `pse.core.database.open_database` gives it. A call returns after the commit, which is
            on disk (SQLite runs with synchronous=FULL).
    """

    def __init__(self, engine: Engine) -> None:
        """Remember the database; nothing is read yet."""
        self._engine = engine

    def open(self, key: str, what: str, detail: dict[str, Any]) -> Intent:
        """See `Journal.open`."""
        with self._engine.begin() as connection:
            return _intent(connection.execute(self._made(key, what, detail)).one())

    def done(self, key: str, result: dict[str, Any]) -> Intent:
        """See `Journal.done`.

        Raises:
            BadInput: ``key`` was never opened.
        """
        said = update(INTENTS).where(INTENTS.c.key == key).values(result=_text(result)).returning(*INTENTS.c)
        with self._engine.begin() as connection:
            row = connection.execute(said).one_or_none()
        if row is None:
            raise BadInput(f"no intent {key!r}", where=self._engine.url.render_as_string(hide_password=True))
        return _intent(row)

    def note(self, key: str, what: str, change: Change) -> Intent:
        """See `Journal.note`; the row is locked meanwhile (SQLite has one writer at a time)."""
        with self._engine.begin() as connection:
            # Made where there is none, so that there is something to lock: two at once would both find nothing.
            known = _intent(connection.execute(self._made(key, what, {})).one())
            values = {"what": what, "result": _text(change(known.result))}
            said = update(INTENTS).where(INTENTS.c.key == key).values(**values).returning(*INTENTS.c)
            return _intent(connection.execute(said).one())

    def forget(self, key: str) -> None:
        """See `Journal.forget`."""
        with self._engine.begin() as connection:
            connection.execute(delete(INTENTS).where(INTENTS.c.key == key))

    def find(self, key: str) -> Intent | None:
        """See `Journal.find`."""
        with self._engine.connect() as connection:
            row = connection.execute(select(INTENTS).where(INTENTS.c.key == key)).one_or_none()
        return _intent(row) if row is not None else None

    def pending(self) -> tuple[Intent, ...]:
        """See `Journal.pending`."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(INTENTS).where(INTENTS.c.result.is_(None)).order_by(INTENTS.c.number))
            return tuple(_intent(row) for row in rows)

    def _made(self, key: str, what: str, detail: dict[str, Any]) -> ReturningInsert[Any]:
        """One statement: the intent under ``key``, written where there is none, and locked until the transaction ends.

        Whoever is first is the one that counts.
        """
        made = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        values = {"key": key, "what": what, "token": os.urandom(16).hex(), "detail": _text(detail)}
        every = made(INTENTS).values(**values)
        return every.on_conflict_do_update(index_elements=["key"], set_={"key": key}).returning(*INTENTS.c)


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        key=row.key,
        what=row.what,
        token=row.token,
        detail=json.loads(row.detail),
        result=None if row.result is None else json.loads(row.result),
    )
