"""Ranges that were hashed ahead: never another answer than a whole reading gives, and less to read."""

from collections.abc import Iterator

import msgspec
import pytest

from migrate.replicators.postgresql.psql import Admin
from migrate.verify import postgresql as verify
from migrate.verify import postgresql_bulk as bulk
from migrate.verify import postgresql_shape as shape
from tests.migrate.rig import Rig, wait_for

TABLES = """create table public.odd ("sel ect" text, id bigint primary key, note text) with (fillfactor = 80);
insert into public.odd select 'x' || i, i, repeat('n', i % 90) from generate_series(1, 6000) i;
create table public."Plain;" as select i, now() at from generate_series(1, 3000) i;
create table public.small (i int);
insert into public.small values (1);
create table public.emptied as select i from generate_series(1, 4000) i;
"""
CHANGES = {
    "nothing": "select 1",
    "an update": "update public.odd set note = 'changed' where id = 77",
    "a row and its value back": "update public.odd set note = 'a' where id = 5; "
    "update public.odd set note = 'nnnnn' where id = 5",
    "an insert": "insert into public.odd values ('new', 70000, '')",
    "a delete": "delete from public.odd where id = 4000",
    "one out and one in": "delete from public.odd where id = 17; insert into public.odd values ('in', 17, 'its place')",
    "a vacuum and what takes the room": "delete from public.odd where id between 50 and 90; vacuum public.odd; "
    "insert into public.odd select 'again', i, 'again' from generate_series(50, 90) i",
    "rows that are frozen at once": "begin; truncate public.emptied; insert into public.emptied select 1; commit; "
    "vacuum freeze public.odd; update public.odd set note = 'after' where id = 9; vacuum freeze public.odd",
    "a table written anew": "vacuum full public.odd; cluster public.odd using odd_pkey; "
    'update public."Plain;" set i = 0 where i = 8',
    "another column": "alter table public.odd add column more text default 'more'",
    "a change that was taken back": "begin; update public.odd set note = 'never'; rollback",
    "a savepoint": "begin; savepoint a; update public.odd set note = 's' where id = 200; release a; commit",
    "all gone": "delete from public.emptied",
    "growth": "insert into public.odd select 'grown', i, 'grown' from generate_series(10000, 60000) i",
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "SMALL", 1)
    monkeypatch.setattr(bulk, "_LEAST", 2)


@pytest.fixture
def admin(rig: Rig, small: None) -> Iterator[Admin]:
    rig.source.postgres()
    host = rig.source.host()
    admin = Admin(host, 5432)
    admin.rows("postgres", "create database bank")
    admin.rows("bank", TABLES)
    yield admin
    host.close()


def whole(admin: Admin) -> dict[str, str]:
    return verify._read(admin, "bank", shape.new_salt(), 60.0)[0]["tables"]


def by_ranges(admin: Admin, known: bulk.Noted) -> tuple[dict[str, str], dict[str, str]]:
    found, _, methods = verify._read(admin, "bank", shape.new_salt(), 60.0, known)
    return found["tables"], dict(methods)


def ahead(admin: Admin, known: bulk.Noted | None = None) -> bulk.Noted:
    noted = verify.read_ahead(admin, "bank", known)
    assert noted is not None
    return msgspec.convert(msgspec.to_builtins(noted, str_keys=True), bulk.Noted, strict=False)


def test_ranges_never_say_anything_else_than_the_whole(admin: Admin) -> None:
    first = ahead(admin)
    assert set(first.tables) == {'"public"."odd"', '"public"."Plain;"', '"public"."small"', '"public"."emptied"'}
    noted = first
    for name, change in CHANGES.items():
        before = whole(admin)
        admin.rows("bank", change)
        now = whole(admin)
        assert by_ranges(admin, noted)[0] == now, name
        # Also from the very first one, when much has happened since.
        assert by_ranges(admin, first)[0] == now, name
        if name not in ("nothing", "a row and its value back", "a change that was taken back"):
            assert now != before, name
        noted = ahead(admin, noted)
        assert {table: ranges.total() for table, ranges in noted.tables.items()} == now, name
        again, methods = by_ranges(admin, noted)
        assert again == now, name
        assert '"public"."odd"' in methods, name


def test_what_was_written_meanwhile_is_all_that_is_hashed_again(admin: Admin) -> None:
    noted = ahead(admin)
    ranges = len(noted.tables['"public"."odd"'].sums)
    assert ranges > 20
    admin.rows("bank", "update public.odd set note = 'changed' where id = 77")
    _, methods = by_ranges(admin, noted)
    said = methods['"public"."odd"']
    # Where it was, and where it is now.
    assert any(f"{ranges - n} of {ranges} ranges" in said for n in (1, 2)), said
    other = '"public"."Plain;"'
    kept = len(noted.tables[other].sums)
    assert f"{kept} of {kept} ranges" in methods[other]


def test_writers_that_were_at_work_when_it_was_hashed_are_seen_later(admin: Admin, rig: Rig) -> None:
    """A transaction that began before the mark and ends after it."""
    late = "begin; update public.odd set note = 'late' where id = 300; select pg_sleep(2); commit"
    host = rig.source.host()
    try:
        client = f'psql -h /var/run/postgresql -U postgres -d bank -c "{late}"'
        host.text(f"setsid {client} >/tmp/late 2>&1 </dev/null & true")
        asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        wait_for(lambda: admin.one("bank", asleep) == "1", 20)
        noted = ahead(admin)
        written = "select count(*) from public.odd where note = 'late'"
        assert admin.one("bank", written) == "0"
        wait_for(lambda: admin.one("bank", written) == "1", 20)
        assert by_ranges(admin, noted)[0] == whole(admin)
    finally:
        host.close()


def test_another_server_or_an_old_mark_counts_for_nothing(admin: Admin) -> None:
    noted = ahead(admin)
    now = whole(admin)
    for changed in ({"system": "another 1"}, {"xid": noted.xid - 2 * 10**9}, {"xid": noted.xid + 10**6}):
        # Sums that are wrong would be believed if the mark were.
        tables = {
            name: msgspec.structs.replace(r, sums={n: (c, "1") for n, (c, _) in r.sums.items()})
            for name, r in noted.tables.items()
        }
        wrong = msgspec.structs.replace(noted, tables=tables, **changed)
        found, methods = by_ranges(admin, wrong)
        assert found == now, changed
        assert methods == {}
