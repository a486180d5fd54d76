"""MariaDB: what is easily lost, doubled or dropped on the way, each with the wanted behaviour."""

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from migrate.replicators.mariadb.replicator import MariaDB
from migrate.verify import mariadb as verify
from pse.core.documents.plan import Move
from pse.core.errors import Refused, RemoteError
from pse.core.findings import Severity
from tests.migrate.mariadb_rig import Writer, crash, cut_over, filled, lost_and_doubled, server, start, unlike
from tests.migrate.rig import Rig, wait_for


def test_events_of_the_copy_run_at_one_end_only(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    ticks = "select value from payments.counter where name = 'ticks'"
    ran = "select coalesce(max(last_executed), 'never') from mysql.event where db = 'payments'"
    wait_for(lambda: int(source.one(ticks)) > 0, 20)
    db.seed(task)
    # One that is made meanwhile comes by replication.
    source.rows("set session sql_log_bin = 1; create event payments.more on schedule every 1 day do do 1")
    # The target's server is started anew in between: still no event of the copy runs, and nothing flows by itself.
    before = target.one(ran)
    crash(mariadb_pair.target)
    start(mariadb_pair.target)
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
    back = replace(mariadb_pair.task(move), back=True)
    db.freeze(back, at_target=True)
    db.catch_up(back)
    assert unlike(db, back) == []
    states = "select event_name, status, definer from information_schema.events order by 1"
    # Whoever altered it is its definer, as at the new side.
    assert source.rows(states) == target.rows(states)
    assert [row[:2] for row in source.rows(states)] == [["asleep", "ENABLED"], ["tick", "ENABLED"]]


def test_a_strangers_database_is_never_dropped(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
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
        db.seed(mariadb_pair.task(move, key="plan/work/a2"))


def test_what_replication_would_lose_without_a_word_is_said_before(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
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
    fresh = mariadb_pair.task(move)
    assert "PSE-M062" in {one.code for one in db.preflight(fresh)}
    missing = changed(move, database="nowhere")
    assert [one.code for one in db.preflight(mariadb_pair.task(missing))] == ["PSE-M020"]


def test_tables_without_transactions_are_carried_with_writers_stopped(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    source.rows(
        """use payments; create table loose (id int primary key, f float) engine = MyISAM;
create trigger loosely after insert on loose for each row insert into audit (what) values ('loose');
insert into loose select seq, seq / 7 from seq_1_to_50"""
    )
    with Writer(mariadb_pair, target=False, first=1) as writer:
        db.seed(task)
        assert target.one("select count(*) from payments.loose") == "0"
        source.rows("set session sql_log_bin = 1; insert into payments.loose values (99, 1)")
        db.delta(task, final=False)
        cut_over(db, task)
    assert lost_and_doubled(target, writer) == (0, 0)
    assert target.one("select count(*) from payments.loose") == "51"


def test_a_row_that_cannot_be_applied_stops_it_and_is_shown(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    db.seed(task)
    # What it needs next was purged meanwhile.
    target.rows("stop all slaves")
    for key in range(2):
        source.rows(f"set session sql_log_bin = 1; insert into payments.nothing values ({key}); flush binary logs")
    for (number,) in source.rows("select id from information_schema.processlist where command like 'Binlog Dump%'"):
        source.rows(f"kill {number}")
    purge = "purge binary logs to 'log.000003'; show binary logs"
    wait_for(lambda: source.one(purge) == "log.000003", 20)
    with pytest.raises(RemoteError, match="changes that are needed next are lost"):
        db.delta(task, final=False)
    assert db.cleanup(task) == ()
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
    cut_over(db, mariadb_pair.task(move, key="plan/work/a2"))


def test_forged_equality_does_not_pass(mariadb_pair: Rig, move: Move) -> None:
    task = filled(mariadb_pair, move)
    source, target = server(task, target=False), server(task, target=True)
    for end in (source, target):
        end.rows("create database hollow")
    assert "x hollow tables" in {r.subject for r in verify.compare("x", source, target, ["hollow"]) if not r.equal}
    for end in (source, target):
        end.rows("create table hollow.emptied (id int primary key)")
    assert all(r.equal for r in verify.compare("x", source, target, ["hollow"], shapes=False))
    (unlike,) = [
        r
        for r in verify.compare("x", source, target, ["hollow"], shapes=False, loaded={"passed": {}, "filled": 1})
        if not r.equal
    ]
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


def test_only_what_may_have_changed_is_read_in_the_freeze(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    source.rows(
        """use payments; create table parent (id int primary key); create table child (id int primary key, parent int,
foreign key (parent) references parent (id) on delete cascade); insert into parent values (1); insert into child values
(1, 1); create table quiet_one (id int primary key); insert into quiet_one select seq from seq_1_to_9;
create table secret (id int primary key); insert into secret values (1); drop event tick"""
    )
    # What was written just now would have to be read again: a moment is known by the second.
    latest = "select max(update_time) < now() - interval 3 second from information_schema.tables where table_name in "
    settled = f"{latest} ('secret', 'quiet_one', 'citizen', 'parted', 'old_payment')"
    wait_for(lambda: source.one(settled) == "1", 20)
    db.seed(task)
    # At the target they were written by the seed.
    wait_for(lambda: target.one(settled) == "1", 20)
    with Writer(mariadb_pair, target=False, first=1):
        db.delta(task, final=False)
    db.freeze(task, at_target=False)
    db.delta(task, final=True)
    db.finish(task)
    before = {r.subject.split(".")[-1].strip("`") for r in db.verify(task) if "before the freeze" in r.method}
    assert {"citizen", "parted", "old_payment", "quiet_one", "secret"} <= before
    assert not before & {"payment", "audit", "child"}
    assert unlike(db, task) == []
    # In no log: what an administrator writes without it, at either end.
    source.rows("insert into payments.secret values (2)")
    target.rows("update payments.quiet_one set id = 10 where id = 9")
    found = {r.subject.split(".")[-1].strip("`") for r in db.verify(task) if not r.equal}
    assert {one for one in found if not one.endswith(" tables")} == {"quiet_one", "secret"}
    # A server that was started anew remembers nothing: all is read.
    target.rows("update payments.quiet_one set id = 9 where id = 10")
    source.rows("delete from payments.secret where id = 2")
    crash(mariadb_pair.target)
    start(mariadb_pair.target)
    assert not [r for r in db.verify(task) if "before the freeze" in r.method]
    assert unlike(db, task) == []
