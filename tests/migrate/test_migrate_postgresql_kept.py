"""Rows that only the new side has when the source is given back are kept, and a death over it hides nothing."""

import pytest

from migrate.replicators.postgresql import access
from migrate.replicators.postgresql.psql import Admin
from migrate.replicators.postgresql.replicator import PostgreSQL
from tests.migrate.rig import Rig
from tests.migrate.test_migrate_postgresql import MOVE, admin, cut_over, pair, pay

__all__ = ["pair"]


class Died(BaseException):
    """The controller was killed here."""


@pytest.mark.parametrize("at", [1, 2, 3, None])
def test_what_is_kept_aside_is_said_also_when_the_controller_died_over_it(
    pair: Rig, monkeypatch: pytest.MonkeyPatch, at: int | None
) -> None:
    """At any of its statements, or once all were done and nobody had noted it."""
    pg, task = PostgreSQL(), pair.task(MOVE)
    cut_over(pg, task)
    astray = pay(admin(task, target=True), 3)
    real, acts = Admin.rows, iter(range(1, 100))

    def deadly(self: Admin, database: str, sql: str, **words: object) -> list[list[str]]:
        found = real(self, database, sql, **words)  # type: ignore[arg-type] # as it was called
        acting = access.kept_as(task) in f"{database} {sql}" and "select" not in sql.partition(";")[0]
        if acting and next(acts) == at:
            raise Died
        return found

    if at is not None:
        with monkeypatch.context() as patch:
            patch.setattr(Admin, "rows", deadly)
            with pytest.raises(Died):
                pg.disarm(task)
    else:
        pg.disarm(task)
    again = pair.task(MOVE)
    for _ in range(2):
        (kept,) = pg.disarm(again)
        assert kept.endswith(f"kept there in database {access.kept_as(task)}")
    target = admin(again, target=True)
    rows = f"select count(*) from public.payment where id = {astray}"
    assert target.one(access.kept_as(task), rows) == "1"
    assert target.comment(access.kept_as(task)) == ""
    pg.thaw(again, at_target=False)
    assert pg.cleanup(again) == ()
    assert target.one(access.kept_as(task), rows) == "1"
