"""The effect journal of campaigns: `pse.core.journal.Journal` on the workspace's database."""

import json
import os
from typing import Any

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from pse.core.database import INTENTS
from pse.core.errors import BadInput
from pse.core.journal import Intent


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
        intent = Intent(key=key, what=what, token=os.urandom(16).hex(), detail=detail)
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    INTENTS.insert().values(
                        key=key, what=what, token=intent.token, detail=json.dumps(detail, sort_keys=True)
                    )
                )
        except IntegrityError:
            # Somebody was first: their intent is the one that counts.
            return self._known(key)
        return intent

    def done(self, key: str, result: dict[str, Any]) -> Intent:
        """See `Journal.done`.

        Raises:
            BadInput: ``key`` was never opened.
        """
        with self._engine.begin() as connection:
            connection.execute(
                update(INTENTS).where(INTENTS.c.key == key).values(result=json.dumps(result, sort_keys=True))
            )
        return self._known(key)

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

    def _known(self, key: str) -> Intent:
        found = self.find(key)
        if found is None:
            raise BadInput(f"no intent {key!r}", where=self._engine.url.render_as_string(hide_password=True))
        return found


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        key=row.key,
        what=row.what,
        token=row.token,
        detail=json.loads(row.detail),
        result=None if row.result is None else json.loads(row.result),
    )
