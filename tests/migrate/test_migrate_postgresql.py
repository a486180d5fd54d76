"""PostgreSQL: by logical replication with writers going on, back again, and by dump where that cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest

from migrate.replicators.ports import Task
from migrate.replicators.postgresql import PostgreSQL
from migrate.replicators.psql import Admin, SqlFailed
from migrate.verify import postgresql as verify
from pse.core.documents.plan import Move
from pse.core.errors import Refused
from pse.core.findings import Severity
from tests.migrate.rig import Rig
from tests.require import require

MOVE = Move(id="payments-db", kind="postgresql", source="source", target="target", database="payments", port=5432)

SCHEMA = """
create role cashier login password 'canary-cashier';
create database payments owner cashier;
\\c payments
set search_path = public;
create table citizen (id serial primary key, name text not null, born date, note bytea);
create table payment (id bigserial primary key, citizen int not null references citizen, amount numeric(12,2) not null,
  paid timestamptz not null default now(), tags text[], extra jsonb);
create table keyless (at timestamptz, what text);
create unlogged table cache (id int primary key, body text);
create table nothing (id int primary key);
create table parted (id int not null, day date not null, primary key (id, day)) partition by range (day);
create table parted_one partition of parted for values from ('2026-01-01') to ('2026-07-01');
create table parted_two partition of parted for values from ('2026-07-01') to ('2027-01-01');
create sequence never_used start 7;
create table letters (id int primary key, t text, r text, amount numeric);
insert into letters select i, 't', 'r', i from generate_series(1, 9) i;
create function maintenance() returns text language plpgsql set default_transaction_read_only to 'off' as $$
begin
  return 'SET default_transaction_read_only';
end $$;
create index on payment (paid);
insert into citizen (name, born, note) select 'Citizen ' || i, date '1980-01-01' + i, decode(md5(i::text), 'hex')
  from generate_series(1, 500) i;
insert into payment (citizen, amount, tags, extra) select 1 + i % 500, i * 1.25, array['a', i::text],
  jsonb_build_object('n', i) from generate_series(1, 5000) i;
insert into keyless select now(), 'row ' || i from generate_series(1, 50) i;
insert into cache select i, 'body' from generate_series(1, 20) i;
insert into parted select i, date '2026-01-01' + i from generate_series(1, 300) i;
create materialized view totals as select citizen, sum(amount) as total from payment group by citizen;
select lo_from_bytea(0, 'a large object');
grant select on all tables in schema public to cashier;
"""


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
    # Writers go on, on keyed and keyless tables.
    pay(source, 7)
    source.rows("payments", "update public.keyless set what = 'changed' where what = 'row 1'; truncate public.nothing")
    source.rows("payments", "delete from public.parted where id = 3")
    pg.delta(task, final=False)
    assert target.one("payments", "select count(*) from public.payment") == "5001"
    cut_over(pg, task)
    assert target.one("postgres", "select rolpassword like 'SCRAM%' from pg_authid where rolname = 'cashier'") == "t"
    results = pg.verify(task)
    assert {r.subject.split()[-1] for r in results} >= {"shape", "tables", "sequences", "blobs", '"public"."cache"'}
    # The source is read-only for everybody who does not say otherwise.
    plain = task.source.run("psql -h /var/run/postgresql -U postgres -d payments -c 'delete from keyless'")
    assert b"read-only transaction" in plain.stderr
    # The new side is written: inserts by sequence, updates, deletes, a truncate.
    kept = pay(target, 9)
    assert kept == "5002"
    target.rows("payments", "update public.keyless set what = 'new side' where what = 'row 2'")
    target.rows("payments", "delete from public.payment where id = 1; delete from public.cache where id < 5")
    target.rows("payments", "select lo_from_bytea(0, 'written at the new side')")
    pg.rest(task)
    assert "pse-" not in (pair.target.root / "home/admin/.ssh/authorized_keys").read_text()
    # And back, by a controller that knows nothing of the first one.
    back = pair.task(MOVE, key="plan/work/r1")
    pg.freeze(back, at_target=True)
    pg.catch_up(back)
    assert [(r.subject, r.detail) for r in pg.verify(back) if not r.equal] == []
    pg.disarm(back)
    pg.thaw(back, at_target=False)
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
union all select 'setting', array_to_string(setconfig, ',') from pg_db_role_setting order by 1, 2""",
    )


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
    # As a crash leaves it: intents open, subscription gone, its slot still there.
    for name in ("schema", "subscribe"):
        task.journal.forget(f"{task.key}/{name}")
        task.journal.open(f"{task.key}/{name}", "as before the crash", {})
    name = task.job.replace("-", "_")
    target.rows("payments", f"alter subscription {name} disable")
    target.rows("payments", f"alter subscription {name} set (slot_name = none)")
    target.rows(
        "payments", f"drop subscription {name}; truncate public.payment, public.citizen, public.keyless, public.letters"
    )
    target.rows("payments", "truncate public.parted")
    pay(source, 5)
    again = pair.task(MOVE)
    cut_over(pg, again)
    assert target.one("payments", "select count(*) from public.payment") == "5001"
    assert pg.cleanup(again) == ()


def test_the_way_back_lost_is_said_and_refused(pair: Rig) -> None:
    pg, task = PostgreSQL(), pair.task(MOVE)
    cut_over(pg, task)
    name = task.job.replace("-", "_") + "_rev"
    query = f"select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{name}'"
    admin(task, target=False).rows("payments", f"alter subscription {name} disable")
    admin(task, target=True).rows("payments", query)
    admin(task, target=True).rows("payments", f"select pg_drop_replication_slot('{name}')")
    with pytest.raises(Refused, match="way back"):
        pg.catch_up(pair.task(MOVE, key="plan/work/r1"))


def test_dump_and_restore_where_logical_cannot_be(rig: Rig) -> None:
    rig.source.postgres(wal_level="replica")
    rig.target.postgres()
    task, pg = rig.task(MOVE), PostgreSQL()
    source, target = admin(task, target=False), admin(task, target=True)
    source.rows("postgres", SCHEMA)
    (said,) = [f for f in pg.preflight(task) if f.code == "PSE-M023"]
    assert "wal_level is replica" in said.message
    cut_over(pg, task)
    kept = pay(target, 2)
    pg.rest(task)
    back = replace(rig.task(MOVE), key="plan/work/a1")
    pg.freeze(back, at_target=True)
    pg.catch_up(back)
    assert all(r.equal for r in pg.verify(back))
    pg.disarm(back)
    pg.thaw(back, at_target=False)
    assert source.one("payments", f"select amount from public.payment where id = {kept}") == "1.00"
    assert pg.cleanup(back) == ()


def test_forged_equality_does_not_pass(pair: Rig) -> None:
    task = pair.task(MOVE)
    source, target = admin(task, target=False), admin(task, target=True)
    for server in (source, target):
        server.rows("postgres", "create database hollow")
    assert not all(r.equal for r in verify.compare("x", source, target, "hollow"))
    with pytest.raises(SqlFailed):
        verify.compare("x", source, target, "missing on both")
    target.rows("postgres", "create database payments")
    assert not any(r.equal for r in verify.compare("x", source, target, "payments"))


def test_one_changed_value_is_found(pair: Rig) -> None:
    task, pg = pair.task(MOVE), PostgreSQL()
    pg.seed(task)
    pg.delta(task, final=True)
    pg.finish(task)
    admin(task, target=True).rows("payments", "update public.citizen set name = 'Citizen 8' where id = 9")
    (unlike,) = [r for r in pg.verify(task) if not r.equal]
    assert unlike.subject.endswith('"public"."citizen"')
    pg.cleanup(task)


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
