"""MariaDB: by GTID replication with writers going on, back again, and by dump where that cannot be."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as changed

from blueprints.userdata import script
from migrate.guard import Guard
from migrate.jobs import folder_of
from migrate.replicators.mariadb import MariaDB
from migrate.replicators.mariadb_server import Server
from migrate.replicators.ports import FreezeOver, Task
from migrate.verify import mariadb as verify
from pse.core.documents.plan import Move, PlannedServer
from pse.core.errors import Refused, RemoteError
from pse.core.findings import Severity
from tests.migrate.mariadb_house import MOVE, own
from tests.migrate.mariadb_rig import SCHEMA, Writer, crash, lost_and_doubled, serve, server, start
from tests.migrate.rig import Rig, wait_for


@pytest.fixture
def move() -> Move:
    """A move with a job of its own."""
    return own(MOVE)


@pytest.fixture
def pair(rig: Rig, mariadb: Path) -> Rig:
    """Two database servers, the source with data."""
    serve(rig.source, mariadb, 1)
    serve(rig.target, mariadb, 2)
    return rig


def filled(rig: Rig, move: Move) -> Task:
    task = rig.task(move)
    server(task, target=False).rows(SCHEMA)
    return task


def unlike(db: MariaDB, task: Task) -> list[tuple[str, str]]:
    return [(r.subject, r.detail) for r in db.verify(task) if not r.equal or r.items == 0]


def cut_over(db: MariaDB, task: Task) -> None:
    """Everything up to the moment when the target may be written."""
    db.seed(task)
    db.delta(task, final=False)
    db.freeze(task, at_target=False)
    db.delta(task, final=True)
    db.finish(task)
    assert unlike(db, task) == []
    db.arm(task)


def state(end: Server) -> list[list[str]]:
    """What a move must leave as it was."""
    rows = end.rows(
        "select @@global.read_only, @@global.event_scheduler, @@global.gtid_slave_pos, @@global.max_allowed_packet;"
        "select user, host, json_remove(priv, '$.password_last_changed') from mysql.global_priv order by 1, 2;"
        "show all slaves status; select schema_name from information_schema.schemata order by 1"
    )
    return [*rows, [end.host.text("ls -A /etc/my.cnf.d")]]


def test_there_and_back_with_every_row(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    warned = [(f.code, f.message) for f in db.preflight(task) if f.severity is not Severity.INFO]
    assert [code for code, _ in warned] == ["PSE-M065"]
    before, before_target = state(source), state(target)
    with Writer(pair, target=False, first=1) as first:
        db.seed(task)
        source.rows(
            "use payments; set session sql_log_bin = 1; create table late (id int primary key);"
            "insert into late values (1)"
        )
        db.delta(task, final=False)
        assert target.one("select count(*) from payments.late") == "1"
        db.freeze(task, at_target=False)
        db.delta(task, final=True)
        db.finish(task)
        assert unlike(db, task) == []
        assert "read_only" in task.source.text("cat /etc/my.cnf.d/*")
        db.arm(task)
    assert lost_and_doubled(target, first) == (0, 0)
    with Writer(pair, target=True, first=100_000) as second:
        db.rest(task)
        assert "pse-" not in (pair.target.root / "home/admin/.ssh/authorized_keys").read_text()
        target.rows(
            "use payments; set session sql_log_bin = 1; delete from keyless where what = 'row 3';"
            "alter table late add x int"
        )
        back = replace(pair.task(move), back=True)
        assert db.way_back(back) == ()
        db.freeze(back, at_target=True)
        db.catch_up(back)
        assert unlike(db, back) == []
        assert db.disarm(back) == ()
        db.thaw(back, at_target=False)
    assert lost_and_doubled(source, first, second) == (0, 0)
    assert first.refused > 0
    assert second.refused > 0
    assert source.one("select count(*) from payments.audit") == source.one("select max(id) from payments.audit")
    assert db.cleanup(pair.task(move, key="plan/work/r1")) == ()
    source.rows("drop table payments.late")
    assert state(source) == before
    assert state(target) == before_target


def test_events_of_the_copy_run_at_one_end_only(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    ticks = "select value from payments.counter where name = 'ticks'"
    ran = "select coalesce(max(last_executed), 'never') from mysql.event where db = 'payments'"
    wait_for(lambda: int(source.one(ticks)) > 0, 20)
    db.seed(task)
    # One that is made meanwhile comes by replication.
    source.rows("set session sql_log_bin = 1; create event payments.more on schedule every 1 day do do 1")
    # The target's server is started anew in between: still no event of the copy runs, and nothing flows by itself.
    before = target.one(ran)
    crash(pair.target)
    start(pair.target)
    assert target.one("select @@global.event_scheduler") == "OFF"
    db.delta(task, final=False)
    assert target.one(ran) == before
    db.freeze(task, at_target=False)
    frozen = source.one(ticks)
    db.delta(task, final=True)
    db.finish(task)
    assert unlike(db, task) == []
    assert target.one(ticks) == frozen
    db.arm(task)
    wait_for(lambda: int(target.one(ticks)) > int(frozen), 20)
    assert source.one(ticks) == frozen
    db.rest(task)
    target.rows("set session sql_log_bin = 1; alter event payments.asleep enable; drop event payments.more")
    back = replace(pair.task(move), back=True)
    db.freeze(back, at_target=True)
    db.catch_up(back)
    assert unlike(db, back) == []
    states = "select event_name, status, definer from information_schema.events order by 1"
    # Whoever altered it is its definer, as at the new side.
    assert source.rows(states) == target.rows(states)
    assert [row[:2] for row in source.rows(states)] == [["asleep", "ENABLED"], ["tick", "ENABLED"]]


def test_a_source_that_starts_anew_while_it_is_frozen_stays_read_only(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    source = server(task, target=False)
    pay = "mariadb -u cashier -pcanary-cashier payments -e 'insert into counter values (left(uuid(), 20), 1)'"
    # A client in the middle of a transaction does not hold the freeze up, and is not committed.
    open_one = "(echo 'begin; delete from payments.counter; select 1;'; sleep 60) | mariadb -u cashier -pcanary-cashier"
    task.source.text(f"setsid bash -c {shlex.quote(open_one)} >/dev/null 2>&1 </dev/null & sleep 0.5")
    db.seed(task)
    db.freeze(task, at_target=False)
    assert source.one("select count(*) from payments.counter") == "2"
    for _ in range(2):
        assert b"read-only" in task.source.run(pay).stderr
        crash(pair.source)
        start(pair.source)
        assert source.one("select @@global.event_scheduler") == "OFF"
    db.delta(task, final=True)
    db.finish(task)
    assert unlike(db, task) == []
    # Its guard gives it back, for good, however often it is asked; and never one that was given back already.
    thawing = db.thaw_script(task)
    for _ in range(2):
        task.source.text(thawing)
        assert task.source.run(pay).rc == 0
    assert source.one("select @@global.event_scheduler") == "ON"
    crash(pair.source)
    start(pair.source)
    assert task.source.run(pay).rc == 0
    source.rows("set global read_only = 1")
    task.source.text(thawing)
    assert source.one("select @@global.read_only") == "1"


def test_a_source_that_was_given_back_is_not_closed(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    guard = Guard(task.source, task.job, "a1")
    guard.arm(after_s=600, commands=[])
    task.stop_source = lambda script, what: guard.stop(script, timeout_s=60, what=what)
    claim = f"{folder_of(task.source, guard.job)}/claim"
    task.source.text(f"ln -s by-guard {claim}")
    before = state(server(task, target=False))
    with pytest.raises(FreezeOver, match="gave it back"):
        db.freeze(task, at_target=False)
    assert state(server(task, target=False)) == before
    guard.remove()


def test_killed_at_any_point_it_goes_on_and_nothing_is_lost_or_doubled(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    with Writer(pair, target=False, first=1) as writer:
        db.seed(task)
        # The replica's server in the middle of applying, then the publisher's, then the session between them.
        for end in (pair.target, pair.source):
            crash(end)
            start(end)
        db.delta(pair.task(move), final=False)
        assert pair.source.kill("ExitOnForwardFailure") > 0
        db.delta(pair.task(move), final=False)
        db.freeze(task, at_target=False)
        crash(pair.target)
        start(pair.target)
        db.delta(pair.task(move), final=True)
        db.finish(task)
        assert unlike(db, task) == []
        db.arm(task)
        crash(pair.target)
        start(pair.target)
    assert lost_and_doubled(target, writer) == (0, 0)
    with Writer(pair, target=True, first=100_000) as second:
        db.rest(task)
        for end in (pair.source, pair.target):
            crash(end)
            start(end)
        back = replace(pair.task(move), back=True)
        db.way_back(back)
        db.freeze(back, at_target=True)
        db.catch_up(back)
        assert unlike(db, back) == []
    assert lost_and_doubled(source, writer, second) == (0, 0)
    assert db.disarm(back) == ()


def test_a_strangers_database_is_never_dropped(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    target = server(task, target=True)
    target.rows("create database archive; create table archive.theirs (id int primary key)")
    target.rows("create user guest@localhost")
    with pytest.raises(Refused, match="not ours"):
        db.seed(task)
    assert db.cleanup(task) == ()
    assert target.one("select count(*) from archive.theirs") == "0"
    target.rows("drop database archive")
    db.seed(task)
    # An account that stood there keeps its password, and that is said.
    with pytest.raises(Refused, match="password of guest@localhost: differs") as refused:
        db.delta(task, final=False)
    assert "canary" not in str(refused.value)
    assert db.cleanup(task) == ()
    assert target.databases() == []
    assert target.column("select user from mysql.user where user in ('cashier', 'guest')") == ["guest"]
    # One in service is not seeded over either.
    target.rows("drop user guest@localhost")
    cut_over(db, task)
    with pytest.raises(Refused, match="in service"):
        db.seed(pair.task(move, key="plan/work/a2"))


def test_what_replication_would_lose_without_a_word_is_said_before(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    source.rows(
        """use payments; create table loose (id int primary key, f float) engine = MyISAM;
create table vague (f float); create table versioned (id int primary key) with system versioning;
create database elsewhere; install soname 'auth_ed25519';
create user odd@'%' identified via ed25519 using password('x');
grant read only admin on *.* to odd@'%'; set global slave_exec_mode = idempotent"""
    )
    target.rows("create database theirs")
    found: dict[str, list[tuple[Severity, str]]] = {}
    for one in db.preflight(task):
        found.setdefault(one.code, []).append((one.severity, one.message))
    error, warning = Severity.ERROR, Severity.WARNING
    assert [severity for severity, _ in found["PSE-M060"]] == [error, error]
    assert "login plugin ed25519" in found["PSE-M022"][0][1]
    assert found["PSE-M030"][0] == (warning, "accounts can write at source although it is read-only: odd@%")
    assert "slave_exec_mode is IDEMPOTENT" in found["PSE-M063"][0][1]
    assert found["PSE-M065"][0][0] == warning
    assert "payments.loose" in found["PSE-M066"][0][1]
    assert found["PSE-M067"][0] == (error, "system-versioned tables would lose their history: payments.versioned")
    assert found["PSE-M068"][0][0] == error
    assert "payments.vague" in found["PSE-M068"][0][1]
    task.source.text("chmod 555 /etc/my.cnf.d")
    fresh = pair.task(move)
    assert "PSE-M062" in {one.code for one in db.preflight(fresh)}
    missing = changed(move, database="nowhere")
    assert [one.code for one in db.preflight(pair.task(missing))] == ["PSE-M020"]


def test_tables_without_transactions_are_carried_with_writers_stopped(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    source.rows(
        """use payments; create table loose (id int primary key, f float) engine = MyISAM;
create trigger loosely after insert on loose for each row insert into audit (what) values ('loose');
insert into loose select seq, seq / 7 from seq_1_to_50"""
    )
    with Writer(pair, target=False, first=1) as writer:
        db.seed(task)
        assert target.one("select count(*) from payments.loose") == "0"
        source.rows("set session sql_log_bin = 1; insert into payments.loose values (99, 1)")
        db.delta(task, final=False)
        cut_over(db, task)
    assert lost_and_doubled(target, writer) == (0, 0)
    assert target.one("select count(*) from payments.loose") == "51"


def test_a_row_that_cannot_be_applied_stops_it_and_is_shown(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    db.seed(task)
    target.rows("insert into payments.citizen (name) values ('Twice')")
    source.rows("set session sql_log_bin = 1; insert into payments.citizen (name) values ('Twice')")
    with pytest.raises(RemoteError, match=r"a change cannot be applied: .*Duplicate entry"):
        db.delta(task, final=False)
    # What does not flow is named before: a new database, an account, a prepared transaction.
    source.rows("create database late; alter user cashier@'%' identified by 'another canary'")
    source.rows(
        """grant select on *.* to auditor; grant insert on archive.* to auditor;
grant delete on archive.* to cashier@'%';
grant insert on payments.nothing to cashier@'%'; grant update (born) on payments.citizen to guest@localhost;
revoke execute on procedure payments.settle from guest@localhost; revoke auditor from guest@localhost"""
    )
    with pytest.raises(Refused, match="database late: new"):
        db.delta(task, final=False)
    (roles,) = [r for r in db.verify(task) if r.subject.endswith(" roles")]
    differ = {part.rsplit(": ", 1)[0] for part in roles.detail.split("; ")}
    assert differ == {
        "grant auditor on archive",
        "grant cashier@% on archive",
        "grant cashier@% on payments.nothing",
        "grant guest@localhost on PROCEDURE payments.settle",
        "grant guest@localhost on payments.citizen.born",
        "membership guest@localhost in auditor",
        "password of cashier@%",
        "password of guest@localhost",
        "and 1 more",
    }
    assert "canary" not in roles.detail
    assert db.cleanup(task) == ()
    source.rows("drop database late")
    cut_over(db, pair.task(move, key="plan/work/a2"))


def test_rows_written_at_the_new_side_before_the_switch_are_kept_aside(pair: Rig, move: Move) -> None:
    task, db = filled(pair, move), MariaDB()
    cut_over(db, task)
    target = server(task, target=True)
    target.rows("set session sql_log_bin = 1; insert into payments.payment (citizen, amount) values (1, 77)")
    (kept,) = db.disarm(task)
    assert "payments as pse_" in kept
    name = kept.rsplit(" as ", 1)[1]
    assert target.one(f"select count(*) from {name}.payment where amount = 77") == "1"
    db.thaw(task, at_target=False)
    assert db.cleanup(task) == ()
    assert target.one(f"select count(*) from {name}.payment where amount = 77") == "1"
    cut_over(db, pair.task(move, key="plan/work/a2"))


def test_dump_where_there_is_no_binary_log_and_back(rig: Rig, mariadb: Path, move: Move) -> None:
    serve(rig.source, mariadb, 1, "skip_log_bin")
    serve(rig.target, mariadb, 2)
    task, db = filled(rig, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    (said,) = [f for f in db.preflight(task) if f.code == "PSE-M023"]
    assert "source has no binary log" in said.message
    before = state(source)
    cut_over(db, task)
    target.rows("insert into payments.payment (citizen, amount) values (1, 77); update payments.citizen set rate = 1/3")
    db.rest(task)
    back = replace(rig.task(move), back=True)
    assert db.way_back(back) == ()
    db.freeze(back, at_target=True)
    assert "dump" in db.catch_up(back).note
    assert unlike(db, back) == []
    assert db.disarm(back) == ()
    db.thaw(back, at_target=False)
    assert source.one("select count(*) from payments.payment where amount = 77") == "1"
    assert state(source) == before
    assert db.cleanup(back) == ()
    cut_over(db, rig.task(move, key="plan/work/a2"))
    assert db.cleanup(rig.task(move, key="plan/work/cleanup")) == ()


def test_no_password_travels(pair: Rig, move: Move) -> None:
    task = filled(pair, move)
    MariaDB().seed(task)
    assert "canary" not in (pair.base / "journal.jsonl").read_text()
    for host in (task.source, task.target):
        assert b"canary" not in host.run("cat /proc/[0-9]*/cmdline /run/pse-*/* /etc/my.cnf.d/* 2>/dev/null").stdout


def test_forged_equality_does_not_pass(pair: Rig, move: Move) -> None:
    task = filled(pair, move)
    source, target = server(task, target=False), server(task, target=True)
    for end in (source, target):
        end.rows("create database hollow")
    assert "x hollow tables" in {r.subject for r in verify.compare("x", source, target, ["hollow"]) if not r.equal}
    for end in (source, target):
        end.rows("create table hollow.emptied (id int primary key)")
    assert all(r.equal for r in verify.compare("x", source, target, ["hollow"], shapes=False))
    (unlike,) = [r for r in verify.compare("x", source, target, ["hollow"], shapes=False, filled=1) if not r.equal]
    assert "had rows before the move" in unlike.detail
    # A blob that is longer than a packet may be, and a number beyond what is shown of a float: neither is overlooked.
    for end, byte in ((source, "a"), (target, "b")):
        end.rows(
            "create table hollow.odd (id int primary key, b longblob, f float);"
            "set global max_allowed_packet = 1048576;"
            "insert into hollow.odd values (1, null, 0.1), (300000, null, 1)"
        )
        end.rows(f"update hollow.odd set b = concat(repeat('x', 900000), '{byte}') where id = 300000")
    (unlike,) = [r for r in verify.compare("x", source, target, ["hollow"], shapes=False) if not r.equal]
    assert unlike.detail == "rows differ, with keys 300000 to 399999"
    for end in (source, target):
        end.rows("update hollow.odd set b = concat(repeat('x', 900000), 'a')")
    target.rows("update hollow.odd set f = 0.10000001 where id = 1")
    (unlike,) = [r for r in verify.compare("x", source, target, ["hollow"], shapes=False) if not r.equal]
    assert unlike.detail == "rows differ, with keys 0 to 99999"


def test_a_server_as_planning_makes_it_is_ready_for_a_move(rig: Rig, mariadb: Path, move: Move) -> None:
    serve(rig.source, mariadb, 1)
    planned = PlannedServer(name="db", role="database", shape="s", image="i", packages=("mariadb-server",))
    target = rig.target.host()
    for _ in range(2):
        target.text(f"PSE_ADDRESS={rig.target.address}\n{script(planned, {})}", timeout_s=120)
        target.text("kill $(cat /run/mysqld/pse.pid); while [ -e /run/mysqld/pse.pid ]; do sleep 0.05; done")
    target.text(f"PSE_ADDRESS={rig.target.address} /etc/pse/boot", timeout_s=120)
    target.close()
    task, db = filled(rig, move), MariaDB()
    assert [f.code for f in db.preflight(task)] == ["PSE-M065"]
    cut_over(db, task)
