"""PostgreSQL: by logical replication with writers going on, back again, and by dump where that cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest

from migrate.guard import Guard
from migrate.jobs import folder_of
from migrate.replicators.ports import FreezeOver, Task
from migrate.replicators.postgresql.psql import Admin, SqlFailed
from migrate.replicators.postgresql.replicator import PostgreSQL
from migrate.verify import postgresql as verify
from migrate.verify import postgresql_shape as shape
from pse.core.documents.plan import Move
from pse.core.errors import Refused, RemoteError
from pse.core.findings import Severity
from tests.migrate.payments import ARRIVED, BY_PATH, CAME_BACK, DRIFT, DRIFTED, MADE_HERE, SCHEMA, STAGE
from tests.migrate.rig import Rig
from tests.require import require

MOVE = Move(id="payments-db", kind="postgresql", source="source", target="target", database="payments", port=5432)


@pytest.fixture
def pair(rig: Rig) -> Rig:
    """Two database servers, the source with data."""
    require("initdb" if Path("/usr/bin/initdb").exists() else "psql")
    rig.source.postgres()
    rig.target.postgres()
    admin(rig.task(MOVE), target=False).rows("postgres", SCHEMA)
    return rig


def admin(task: Task, *, target: bool) -> Admin:
    return Admin(task.target if target else task.source, 5432)


def cut_over(pg: PostgreSQL, task: Task) -> None:
    """Everything up to the moment when the target may be written."""
    pg.seed(task)
    pg.delta(task, final=False)
    pg.freeze(task, at_target=False)
    pg.delta(task, final=True)
    pg.finish(task)
    assert [(r.subject, r.detail) for r in pg.verify(task) if not r.equal or r.items == 0] == []
    pg.arm(task)


def pay(server: Admin, citizen: int) -> str:
    return server.one("payments", f"insert into public.payment (citizen, amount) values ({citizen}, 1) returning id")


def test_there_and_back_with_every_row(pair: Rig) -> None:
    task, pg = pair.task(MOVE), PostgreSQL()
    source, target = admin(task, target=False), admin(task, target=True)
    assert [f for f in pg.preflight(task) if f.severity is not Severity.INFO] == []
    before = state(source)
    pg.seed(task)
    # Writers go on, on keyed and keyless tables, and on a working table of theirs.
    pay(source, 7)
    source.rows("payments", "update public.keyless set what = 'changed' where what = 'row 1'; truncate public.nothing")
    source.rows("payments", f"delete from public.parted where id = 3; truncate public.parted_two; {STAGE}")
    pg.delta(task, final=False)
    assert target.one("payments", "select count(*) from public.payment") == "5001"
    cut_over(pg, task)
    assert target.one("postgres", "select rolpassword like 'SCRAM%' from pg_authid where rolname = 'cashier'") == "t"
    results = pg.verify(task)
    assert {r.subject.split()[-1] for r in results} >= {"shape", "tables", "sequences", "blobs", '"public"."cache"'}
    # The source is read-only for everybody who does not say otherwise, and whoever could say so is not let in.
    plain = task.source.run("psql -h /var/run/postgresql -U postgres -d payments -c 'delete from keyless'")
    assert b"read-only transaction" in plain.stderr
    write = "PGOPTIONS='-c default_transaction_read_only=off' psql -U cashier -d payments -c 'create table x (i int)'"
    assert b"too many connections" in task.source.run(write).stderr
    assert clients(source) == "0"
    # The new side is written: inserts by sequence, updates, deletes, a truncate.
    kept = pay(target, 9)
    assert kept == "5002"
    target.rows("payments", "update public.keyless set what = 'new side' where what = 'row 2'")
    target.rows("payments", "delete from public.payment where id = 1; delete from public.cache where id < 5")
    target.rows("payments", "select lo_from_bytea(0, 'written at the new side')")
    target.rows("payments", "alter sequence public.by_hand restart with 99; truncate public.item")
    # Its owner makes a table there, and more that is no row.
    target.rows("payments", MADE_HERE)
    pg.rest(task)
    assert "pse-" not in (pair.target.root / "home/admin/.ssh/authorized_keys").read_text()
    # And back, by a controller that knows nothing of the first one.
    back = replace(pair.task(MOVE), back=True)
    (left,) = pg.way_back(back)
    assert left.code == "PSE-M031"
    assert "function public.made_here()" in left.message
    assert "table" not in left.message
    assert "view public.made_view" in left.message
    pg.freeze(back, at_target=True)
    target.rows("payments", "insert into public.made_here (payment) values (5002)")
    pg.catch_up(back)
    assert [(r.subject, r.detail) for r in pg.verify(back) if not r.equal] == []
    pg.disarm(back)
    pg.thaw(back, at_target=False)
    assert source.rows("payments", CAME_BACK) == [[came] for came in ARRIVED]
    source.rows("payments", "drop table public.made_here, public.made_keyless, public.parted_new")
    assert source.one("payments", f"select amount from public.payment where id = {kept}") == "1.00"
    assert source.one("payments", "select count(*) from public.payment where id = 1") == "0"
    assert source.one("payments", "select count(*) from public.keyless where what = 'new side'") == "1"
    assert pay(source, 1) == "5003"
    # Nothing is left, and the source is what it was.
    assert pg.cleanup(pair.task(MOVE, key="plan/work/r1")) == ()
    assert state(source) == before
    processes = task.source.text("ps -eo args 2>/dev/null || cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "ExitOnForwardFailure" not in processes


def state(server: Admin) -> list[list[str]]:
    """What a move must leave as it was."""
    return server.rows(
        "payments",
        """select 'slot', slot_name::text from pg_replication_slots union all select 'pub', pubname from pg_publication
union all select 'sub', subname from pg_subscription
union all select relname, relreplident::text from pg_class where relnamespace = 'public'::regnamespace
union all select 'setting', array_to_string(setconfig, ',') from pg_db_role_setting
union all select 'access', concat_ws(' ', datconnlimit, datallowconn,
  (select array_agg(a::text order by a::text) from unnest(datacl) a), shobj_description(oid, 'pg_database'))
  from pg_database where datname = 'payments' order by 1, 2""",
    )


def clients(server: Admin) -> str:
    """Who is in the database, but for us."""
    where = "datname = 'payments' and backend_type = 'client backend' and pid <> pg_backend_pid()"
    return server.one("postgres", f"select count(*) from pg_stat_activity where {where}")


def test_a_source_that_was_given_back_is_not_closed(pair: Rig) -> None:
    task, pg = pair.task(MOVE), PostgreSQL()
    source = admin(task, target=False)
    guard = Guard(task.source, "pse-0123456789ab", "a1")
    guard.arm(after_s=600, commands=[])
    task.stop_source = lambda script, what: guard.stop(script, timeout_s=60, what=what)
    claim = f"{folder_of(task.source, guard.job)}/claim"
    task.source.text(f"ln -s by-guard {claim}")
    before = state(source)
    with pytest.raises(FreezeOver, match="gave it back"):
        pg.freeze(task, at_target=False)
    assert state(source) == before
    task.source.text(f"rm {claim}")
    pg.freeze(task, at_target=False)
    assert source.one("postgres", "select datconnlimit from pg_database where datname = 'payments'") == "0"
    guard.remove()


def test_a_second_cut_over_after_a_way_back(pair: Rig) -> None:
    pg = PostgreSQL()
    first = pair.task(MOVE)
    cut_over(pg, first)
    pay(admin(first, target=True), 3)
    back = pair.task(MOVE, key="plan/work/r1")
    pg.freeze(back, at_target=True)
    pg.catch_up(back)
    pg.disarm(back)
    pg.thaw(back, at_target=False)
    pay(admin(first, target=False), 4)
    second = pair.task(MOVE, key="plan/work/a2")
    cut_over(pg, second)
    assert admin(second, target=True).one("payments", "select count(*) from public.payment") == "5002"
    assert pg.cleanup(second) == ()


def test_what_changes_after_the_copy_is_named_and_stops_the_cut_over(pair: Rig) -> None:
    task, pg = pair.task(MOVE), PostgreSQL()
    source, target = admin(task, target=False), admin(task, target=True)
    pg.seed(task)
    pg.delta(task, final=False)
    # A table under its old name is another one.
    source.rows("payments", "drop table public.nothing; create table public.nothing (id int primary key)")
    source.rows("payments", "grant select on public.nothing to cashier")
    with pytest.raises(Refused, match=r"copied: table public.nothing: made anew$"):
        pg.delta(task, final=False)
    source.rows("payments", DRIFT)
    for final in (False, True):
        with pytest.raises(Refused, match=r"changed after they were copied: .* and \d+ more") as refused:
            pg.delta(task, final=final)
        assert "canary" not in str(refused.value)
    mine, theirs = verify.shapes_of(source, target, "payments")
    names = shape.unlike(mine, theirs, (task.known("loaded") or {})["passed"])
    assert set(names) == DRIFTED
    assert not any("canary" in text or "SCRAM" in text for text in mine.values())
    # The verification says so by itself, too.
    unlike = {r.subject.split()[-1] for r in pg.verify(task) if not r.equal}
    assert unlike >= {"shape", "roles", "tables"}
    # A new attempt copies anew.
    assert pg.cleanup(task) == ()
    less = "alter role guest reset statement_timeout; alter role cashier password null; revoke auditor from guest"
    source.rows("postgres", less)
    target.rows("postgres", "grant auditor to guest")
    again = pair.task(MOVE, key="plan/work/a2")
    cut_over(pg, again)
    # And a change at the new side that no row can come back through is said before anything is stopped there.
    target.rows(
        "payments", "alter table public.citizen add column shoe int; insert into public.citizen (name) values ('x')"
    )
    back = replace(pair.task(MOVE, key="plan/work/a2"), back=True)
    with pytest.raises(Refused, match=r"cannot come back: column public.citizen.shoe: missing at the source"):
        pg.way_back(back)
    source.rows("payments", "alter table public.citizen add column shoe int")
    # So is a new table that the source cannot have; it does not keep the others from being made.
    target.rows("payments", "create type public.hue as enum ('red'); create table public.odd (hue public.hue)")
    target.rows("payments", "create table public.even (id int primary key); create table public.ref (id int)")
    with pytest.raises(Refused, match=r'source: public.odd: .*ERROR: +type "public.hue" does not exist$') as refused:
        pg.way_back(back)
    assert "public.even" not in refused.value.message
    target.rows("payments", "drop table public.keyless; create table public.keyless (at timestamptz, what text)")
    target.rows(
        "payments", "grant select on public.keyless to cashier; insert into public.keyless (what) values ('anew')"
    )
    source.rows("payments", "create type public.hue as enum ('red')")
    assert pg.way_back(back) == ()
    pg.catch_up(back)
    assert source.one("payments", "select string_agg(what, '') from public.keyless") == "anew"


def test_a_database_in_service_is_never_seeded_over(pair: Rig) -> None:
    pg = PostgreSQL()
    cut_over(pg, pair.task(MOVE))
    with pytest.raises(Refused, match="in service"):
        pg.seed(pair.task(MOVE, key="plan/work/a2"))


def test_a_strangers_database_is_never_overwritten(pair: Rig) -> None:
    task = pair.task(MOVE)
    admin(task, target=True).rows("postgres", "create database payments")
    admin(task, target=True).rows("payments", "create table public.theirs (id int)")
    with pytest.raises(Refused, match="not ours"):
        PostgreSQL().seed(task)


def test_killed_while_it_seeds_it_goes_on(pair: Rig) -> None:
    pg, task = PostgreSQL(), pair.task(MOVE)
    source, target = admin(task, target=False), admin(task, target=True)
    pg.seed(task)
    # Subscription gone, its slot and the rows still there: nobody knows which rows, so all are carried anew.
    name = task.job.replace("-", "_")
    target.rows("payments", f"alter subscription {name} disable")
    target.rows("payments", f"alter subscription {name} set (slot_name = none)")
    target.rows("payments", f"drop subscription {name}")
    pay(source, 5)
    again = pair.task(MOVE)
    pg.seed(again)
    assert target.one("payments", "select count(*) from public.payment") == "5001"
    # Cleaned up in between: what the journal calls done is gone.
    assert pg.cleanup(pair.task(MOVE, key="plan/work/cleanup")) == ()
    pg.seed(again)
    # Cut off while it loads the schema: the database is ours before it says so.
    assert pg.cleanup(again) == ()
    target.rows("postgres", "comment on database payments is null")
    task.journal.open(f"{task.job}/loading", "as before the crash", {})
    cut_over(pg, again)
    assert target.one("payments", "select count(*) from public.payment") == "5001"
    assert pg.cleanup(again) == ()


def test_the_way_back_lost_is_said_and_refused(pair: Rig) -> None:
    pg, task = PostgreSQL(), pair.task(MOVE)
    cut_over(pg, task)
    # A row that the source cannot take: said in seconds, with users still at work.
    twice = (
        "alter table public.letters drop constraint letters_pkey; insert into public.letters values (1, 't', 'r', 7)"
    )
    admin(task, target=True).rows("payments", twice)
    with pytest.raises(
        Refused, match=r"does not come through.* constraint public.letters.letters_pkey: missing at the"
    ):
        pg.way_back(replace(pair.task(MOVE), back=True))
    name = task.job.replace("-", "_") + "_rev"
    query = f"select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{name}'"
    admin(task, target=False).rows("payments", f"alter subscription {name} disable")
    admin(task, target=True).rows("payments", query)
    admin(task, target=True).rows("payments", f"select pg_drop_replication_slot('{name}')")
    with pytest.raises(Refused, match="way back"):
        pg.catch_up(pair.task(MOVE, key="plan/work/r1"))
    # The new server is destroyed with the database on it: the source is cleaned all the same.
    source = admin(task, target=False)
    pair.target.stop()
    assert pg.cleanup(replace(pair.task(MOVE, key="plan/work/cleanup"), gone=True)) == ()
    left = "select subname from pg_subscription union all select pubname from pg_publication"
    assert source.rows("payments", left) == []
    assert source.rows("payments", "select relname from pg_class where relreplident = 'f' and relkind = 'r'") == []
    assert task.source.text(f"ls -d /run/{task.job} /dev/shm/{task.job} 2>/dev/null; true") == ""


def test_dump_and_restore_where_logical_cannot_be(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.source.postgres(wal_level="replica")
    rig.target.postgres()
    task, pg = rig.task(MOVE), PostgreSQL()
    source, target = admin(task, target=False), admin(task, target=True)
    source.rows("postgres", SCHEMA)
    (said,) = [f for f in pg.preflight(task) if f.code == "PSE-M023"]
    assert "wal_level is replica" in said.message
    before, roles = state(source), source.rows("postgres", "select * from pg_db_role_setting")
    # An index on a function that finds its helper only by the search path of users: the reason is the server's.
    source.rows("payments", BY_PATH)
    pg.seed(task)
    with pytest.raises(
        RemoteError, match=r"carrying the dump failed: .*ERROR: +function helper\(text\) does not exist$"
    ):
        pg.delta(task, final=True)
    source.rows("payments", "drop function public.by_path(text) cascade; drop function public.helper(text)")
    cut_over(pg, task)
    assert [row for row in state(target) if row[0] == "setting"] == [row for row in before if row[0] == "setting"]
    assert len(roles) == len(target.rows("postgres", "select * from pg_db_role_setting"))
    limits = "select datconnlimit, pg_get_userbyid(datdba), shobj_description(oid, 'pg_database') from pg_database "
    assert target.rows("postgres", f"{limits} where datname = 'payments'") == [["17", "cashier", f"{task.job} live"]]
    with pytest.raises(Refused, match="in service"):
        pg.delta(rig.task(MOVE, key="plan/work/a1"), final=True)
    kept = pay(target, 2)
    pg.rest(task)
    back = replace(rig.task(MOVE), key="plan/work/a1", back=True)
    assert pg.way_back(back) == ()
    pg.freeze(back, at_target=True)
    rows = Admin.rows

    def dies(self: Admin, database: str, sql: str, **more: float) -> list[list[str]]:
        if " rename to " in sql:
            raise KeyboardInterrupt
        return rows(self, database, sql, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Admin, "rows", dies)
        with pytest.raises(KeyboardInterrupt):
            pg.catch_up(back)
    assert not source.has_database("payments")
    pg.catch_up(back)
    assert all(r.equal for r in pg.verify(back))
    pg.disarm(back)
    pg.thaw(back, at_target=False)
    assert source.one("payments", f"select amount from public.payment where id = {kept}") == "1.00"
    assert state(source) == before
    assert pg.cleanup(back) == ()
    cut_over(pg, rig.task(MOVE, key="plan/work/a2"))
    assert pg.cleanup(rig.task(MOVE, key="plan/work/cleanup")) == ()
    assert target.comment("payments") == "fees of the ministry"


def test_forged_equality_does_not_pass(pair: Rig) -> None:
    task = pair.task(MOVE)
    source, target = admin(task, target=False), admin(task, target=True)
    for server in (source, target):
        server.rows("postgres", "create database hollow")
    assert "x hollow tables" in {r.subject for r in verify.compare("x", source, target, "hollow") if not r.equal}
    with pytest.raises(SqlFailed):
        verify.compare("x", source, target, "missing on both")
    # Two empty ends are no copy of a database that had rows.
    for server in (source, target):
        server.rows("hollow", "create table public.emptied (id int primary key)")
    assert all(r.equal for r in verify.compare("x", source, target, "hollow", shapes=False))
    (unlike,) = [r for r in verify.compare("x", source, target, "hollow", shapes=False, filled=1) if not r.equal]
    assert "had rows before the move" in unlike.detail
    source.rows("payments", "set allow_system_table_mods = on; update pg_extension set extname = 'postgis'")
    source.rows("postgres", "create role mighty superuser login")
    found = {f.code: f for f in PostgreSQL().preflight(task)}
    assert "postgis" in found["PSE-M022"].message
    assert found["PSE-M022"].severity is Severity.ERROR
    assert found["PSE-M030"].message.endswith("after the cut-over: mighty")
    target.rows("postgres", "create database payments")
    assert not any(r.equal for r in verify.compare("x", source, target, "payments"))


def test_a_changed_value_is_found_whatever_the_columns_are_called(pair: Rig) -> None:
    task, pg = pair.task(MOVE), PostgreSQL()
    pg.seed(task)
    pg.delta(task, final=True)
    pg.finish(task)
    target = admin(task, target=True)
    assert target.one("payments", "select public.maintenance()") == "SET default_transaction_read_only"
    kept = "select proconfig::text from pg_proc where proname = 'maintenance'"
    assert target.one("payments", kept) == "{default_transaction_read_only=off}"
    target.rows("payments", "update public.letters set amount = 999999 where id = 1")
    (unlike,) = [r for r in pg.verify(task) if not r.equal]
    assert unlike.subject.endswith('"public"."letters"')
    pg.cleanup(task)


def test_no_password_travels(pair: Rig) -> None:
    task = pair.task(MOVE)
    PostgreSQL().seed(task)
    assert "canary" not in (pair.base / "journal.jsonl").read_text()
    for host in (task.source, task.target):
        assert b"canary" not in host.run("cat /proc/[0-9]*/cmdline /run/pse-*/* 2>/dev/null").stdout
