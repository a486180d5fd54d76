"""MariaDB: by GTID replication with writers going on, back again, and by dump where that cannot be."""

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from migrate.replicators.mariadb import MariaDB
from migrate.replicators.mariadb_server import Server
from migrate.replicators.ports import Task
from pse.core.documents.plan import Move
from pse.core.findings import Severity
from tests.migrate.mariadb_rig import SCHEMA, Writer, lost_and_doubled, made_once, serve, server
from tests.migrate.rig import Rig

MOVE = Move(id="", kind="mariadb", source="source", target="target", database="archive,payments", port=3306)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder to copy."""
    return made_once(tmp_path_factory.mktemp("mariadb"))


@pytest.fixture
def move() -> Move:
    """A move with a job, and so with ports, of its own: all hosts of all tests share one loopback address."""
    return replace_id(MOVE)


def replace_id(move: Move) -> Move:
    from msgspec.structs import replace as changed

    return changed(move, id=secrets.token_hex(6))


@pytest.fixture
def pair(rig: Rig, made: Path) -> Rig:
    """Two database servers, the source with data."""
    serve(rig.source, made, 1)
    serve(rig.target, made, 2)
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
    db.thaw(back, at_target=True)
    assert db.cleanup(pair.task(move, key="plan/work/r1")) == ()
    source.rows("drop table payments.late")
    assert state(source) == before
    assert state(target) == before_target
