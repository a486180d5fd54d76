"""MariaDB: by GTID replication with writers going on, back again, and by dump where that cannot be."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from blueprints.building.userdata import script
from inventory.facts.mariadb import MariadbFact
from migrate.guard import Guard
from migrate.jobs import folder_of
from migrate.replicators.mariadb.replicator import MariaDB
from migrate.replicators.ports import FreezeOver
from pse.core.documents.plan import Move, PlannedServer
from pse.core.findings import Severity
from tests.migrate.mariadb_rig import (
    Writer,
    crash,
    cut_over,
    filled,
    lost_and_doubled,
    serve,
    server,
    start,
    state,
    unlike,
)
from tests.migrate.rig import Rig


def test_there_and_back_with_every_row(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    warned = [(f.code, f.message) for f in db.preflight(task) if f.severity is not Severity.INFO]
    assert [code for code, _ in warned] == ["PSE-M065"]
    before, before_target = state(source), state(target)
    with Writer(mariadb_pair, target=False, first=1) as first:
        db.seed(task)
        source.rows(
            "use payments; set session sql_log_bin = 1; create table late (id int primary key);"
            "insert into late values (1)"
        )
        db.delta(task, final=False)
        assert target.one("select count(*) from payments.late") == "1"
        # No password leaves the two servers.
        assert "canary" not in (mariadb_pair.base / "journal.jsonl").read_text()
        for host in (task.source, task.target):
            seen = host.run("cat /proc/[0-9]*/cmdline /run/pse-*/* /etc/my.cnf.d/* 2>/dev/null").stdout
            assert b"canary" not in seen.replace(b"-pcanary-cashier", b"")
        db.freeze(task, at_target=False)
        db.delta(task, final=True)
        db.finish(task)
        assert unlike(db, task) == []
        # Named like ours, and an account of the entity's all the same.
        assert target.one("select 1 from mysql.user where user = 'pse_clerk'") == "1"
        assert "read_only" in task.source.text("cat /etc/my.cnf.d/*")
        db.arm(task)
    assert lost_and_doubled(target, first) == (0, 0)
    with Writer(mariadb_pair, target=True, first=100_000) as second:
        db.rest(task)
        assert "pse-" not in (mariadb_pair.target.root / "home/admin/.ssh/authorized_keys").read_text()
        target.rows(
            "use payments; set session sql_log_bin = 1; delete from keyless where what = 'row 3';"
            "alter table late add x int"
        )
        back = replace(mariadb_pair.task(move), back=True)
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
    assert db.cleanup(mariadb_pair.task(move, key="plan/work/r1")) == ()
    source.rows("drop table payments.late")
    assert state(source) == before
    assert state(target) == before_target


def test_a_source_that_starts_anew_while_it_is_frozen_stays_read_only(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
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
        crash(mariadb_pair.source)
        start(mariadb_pair.source)
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
    crash(mariadb_pair.source)
    start(mariadb_pair.source)
    assert task.source.run(pay).rc == 0
    source.rows("set global read_only = 1")
    task.source.text(thawing)
    assert source.one("select @@global.read_only") == "1"


def test_a_source_that_was_given_back_is_not_closed(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
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


def test_killed_at_any_point_it_goes_on_and_nothing_is_lost_or_doubled(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
    source, target = server(task, target=False), server(task, target=True)
    with Writer(mariadb_pair, target=False, first=1) as writer:
        db.seed(task)
        # The replica's server in the middle of applying, then the publisher's, then the session between them.
        for end in (mariadb_pair.target, mariadb_pair.source):
            crash(end)
            start(end)
        db.delta(mariadb_pair.task(move), final=False)
        assert mariadb_pair.source.kill("ExitOnForwardFailure") > 0
        db.delta(mariadb_pair.task(move), final=False)
        db.freeze(task, at_target=False)
        crash(mariadb_pair.target)
        start(mariadb_pair.target)
        db.delta(mariadb_pair.task(move), final=True)
        db.finish(task)
        assert unlike(db, task) == []
        db.arm(task)
        crash(mariadb_pair.target)
        start(mariadb_pair.target)
    assert lost_and_doubled(target, writer) == (0, 0)
    with Writer(mariadb_pair, target=True, first=100_000) as second:
        db.rest(task)
        for end in (mariadb_pair.source, mariadb_pair.target):
            crash(end)
            start(end)
        back = replace(mariadb_pair.task(move), back=True)
        db.way_back(back)
        db.freeze(back, at_target=True)
        db.catch_up(back)
        assert unlike(db, back) == []
    assert lost_and_doubled(source, writer, second) == (0, 0)
    assert db.disarm(back) == ()


def test_rows_written_at_the_new_side_before_the_switch_are_kept_aside(mariadb_pair: Rig, move: Move) -> None:
    task, db = filled(mariadb_pair, move), MariaDB()
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
    # Discovery sees the old one as planning wants it; it listens at no port.
    (seen,) = MariadbFact().parse(task.source.run(MariadbFact.section.sh).stdout) or ()
    assert (seen.engine, seen.port, [one.name for one in seen.databases]) == ("mariadb", 0, ["archive", "payments"])
    cut_over(db, task)
