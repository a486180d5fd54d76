"""MariaDB on the hosts of the rig, with what is easily lost on the way, and writers that note what was acknowledged."""

import subprocess
import threading
import time
from pathlib import Path
from typing import Self

from migrate.replicators.mariadb.replicator import MariaDB
from migrate.replicators.mariadb.server import Server, server_of
from migrate.replicators.ports import Task
from pse.core.documents.plan import Move
from pse.core.errors import PseError
from tests.migrate.rig import Rig, SandboxHost
from tests.require import require

OPTIONS = """[mysqld]
datadir = /var/lib/mysql
socket = /run/mysqld/mysqld.sock
pid_file = /run/mysqld/mysqld.pid
log_error = /var/lib/mysql.log
skip_networking
port = 3306
innodb_buffer_pool_size = 8M
innodb_log_file_size = 4M
innodb_flush_method = nosync
performance_schema = off
event_scheduler = on
character_set_server = utf8mb4
log_bin = /var/lib/mysql/log
{more}
!includedir /etc/my.cnf.d
"""
CRASH = """p=$(cat /run/mysqld/mysqld.pid) || exit 0
kill -9 $p; while [ -d /proc/$p ]; do sleep 0.02; done; rm -f /run/mysqld/*"""
START = """mkdir -p /run/mysqld; setsid mariadbd >/dev/null 2>&1 </dev/null &
for i in $(seq 300); do mariadb -e 'select 1' >/dev/null 2>&1 && exit 0; sleep 0.1; done
cat /var/lib/mysql.log; exit 1"""
SCHEMA = """
create database payments character set utf8mb4 collate utf8mb4_unicode_ci;
create database archive;
use payments;
create user cashier@'%' identified by 'canary-cashier';
create user guest@localhost identified by 'canary-guest' with max_user_connections 7;
create user pse_clerk@localhost identified by 'canary-pse';
create role auditor;
create table citizen (id int unsigned primary key auto_increment, name varchar(80) not null, born date, note blob,
  sex enum('f', 'm'), rate float, mask bit(9), place point, unique key (name)) comment 'people of the ward';
create table payment (id bigint primary key auto_increment, citizen int unsigned not null references citizen (id),
  amount decimal(12,2) not null, paid timestamp(6) not null default current_timestamp(6), extra json,
  net decimal(12,2) as (amount * 0.9) virtual, key (paid), check (amount >= 0));
create table keyless (at datetime(3), what text);
create table nothing (id int primary key);
create table parted (id int not null, day date not null, primary key (id, day)) partition by range (year(day)) (
  partition p25 values less than (2026), partition p26 values less than (2027), partition px values less than maxvalue);
create table audit (id int primary key auto_increment, what varchar(80));
create table counter (name varchar(20) primary key, value bigint not null);
create table archive.old_payment (id bigint primary key, amount decimal(12,2)) character set latin1;
create sequence number start with 100 increment by 7 cache 10;
create view rich as select id, amount from payment where amount > 100;
delimiter //
create trigger paid after insert on payment for each row insert into audit (what) values (concat('paid ', new.id)) //
create procedure settle(in who int) modifies sql data begin update payment set amount = 0 where citizen = who; end //
create function double_of(n int) returns int deterministic return 2 * n //
delimiter ;
create definer = cashier@'%' event tick on schedule every 1 second do update payments.counter set value = value + 1;
create event asleep on schedule every 1 day disable do delete from audit;
insert into citizen (name, born, note, sex, rate, mask, place) select concat('Citizen ', seq), date '1980-01-01' +
  interval seq day, unhex(md5(seq)), if(seq % 2, 'f', 'm'), seq / 7, seq % 512, point(seq, -seq) from seq_1_to_500;
insert into payment (citizen, amount, extra) select 1 + seq % 500, seq * 1.25, json_object('n', seq) from seq_1_to_2000;
insert into keyless select now(3), concat('row ', seq) from seq_1_to_50;
insert into keyless select * from keyless limit 3;
insert into parted select seq, date '2025-06-01' + interval seq day from seq_1_to_300;
insert into archive.old_payment select seq, seq * 2 from seq_1_to_100;
insert into counter values ('ticks', 0), ('writer', 0);
delete from payment where id > 1990;
do nextval(number);
grant select, insert, update, delete, event on payments.* to cashier@'%';
grant execute on procedure payments.settle to guest@localhost;
grant select (id, name) on payments.citizen to guest@localhost;
grant select on archive.* to auditor;
grant auditor to guest@localhost;
set default role auditor for guest@localhost;
"""


def made_once(folder: Path) -> Path:
    """A data folder as the server's installer makes it, for copies; about three seconds."""
    require("mariadbd", "mariadb-install-db", "mariadb-dump")
    made = folder / "mariadb"
    line = ["mariadb-install-db", "--no-defaults", f"--datadir={made}", "--skip-test-db", "--innodb-log-file-size=4M"]
    line += ["--auth-root-authentication-method=socket", "--auth-root-socket-user=admin", "--user=root"]
    subprocess.run(line, check=True, capture_output=True)
    return made


def serve(host: SandboxHost, made: Path, number: int, more: str = "binlog_format = row") -> None:
    """Make a database server and start it."""
    for folder in ("var/lib", "etc/my.cnf.d"):
        (host.inside / folder).mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", made, host.inside / "var/lib/mysql"], check=True)
    more = f"server_id = {number}\ngtid_domain_id = {number}\n{more}"
    if "skip_log_bin" in more:
        (host.root / "etc/my.cnf").write_text(OPTIONS.format(more=more).replace("log_bin = /var/lib/mysql/log\n", ""))
    else:
        (host.root / "etc/my.cnf").write_text(OPTIONS.format(more=more))
    start(host)


def start(host: SandboxHost) -> None:
    """Start the server of a host."""
    way = host.host()
    way.text(START, timeout_s=60, what="starting MariaDB")
    way.close()


def serving(host: SandboxHost) -> None:
    """Start the server of a host if it does not run."""
    way = host.host()
    way.text(f"mariadb -e 'select 1' >/dev/null 2>&1 || ({START})", timeout_s=120, what="starting MariaDB")
    way.close()


def crash(host: SandboxHost) -> None:
    """Kill the server of a host at once, and wait until it is gone."""
    way = host.host()
    way.text(CRASH)
    way.close()


def server(task: Task, *, target: bool) -> Server:
    """The administrator of one end."""
    return server_of(task.target if target else task.source, 3306)


class Writer:
    """Pays at one end, one row a transaction, as an application does; notes what the server acknowledged.

    Args:
        rig: The hosts.
        target: At which end.
        first: Number of its first payment: each has its own, in ``extra``.
    """

    def __init__(self, rig: Rig, *, target: bool, first: int) -> None:
        """Not started yet."""
        self._host = (rig.target if target else rig.source).host()
        self._next = first
        self.acknowledged: list[int] = []
        self.refused = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self.acknowledged:
            assert time.monotonic() < deadline, "the writer does not get through"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._host.close()

    def _run(self) -> None:
        while not self._end.is_set():
            number = self._next
            self._next += 1
            values = f"{number} % 500 + 1, 1, json_object('w', {number})"
            sql = f"insert into payment (citizen, amount, extra) values ({values})"
            try:
                done = self._host.run(f'mariadb -u cashier -pcanary-cashier payments -e "{sql}"')
            except PseError:
                self.refused += 1
                continue
            if done.rc == 0:
                self.acknowledged.append(number)
            else:
                self.refused += 1


def lost_and_doubled(end: Server, *writers: Writer) -> tuple[int, int]:
    """Of what writers' servers acknowledged: how much is missing at an end, and how much is there more than once."""
    rows = end.rows(
        "select json_value(extra, '$.w'), count(*) from payments.payment where json_exists(extra, '$.w') group by 1"
    )
    there = {int(number): int(count) for number, count in rows}
    wanted = {number for writer in writers for number in writer.acknowledged}
    return len(wanted - there.keys()), sum(count - 1 for count in there.values())


def filled(rig: Rig, move: Move) -> Task:
    """A task, and its source with data."""
    task = rig.task(move)
    server(task, target=False).rows(SCHEMA)
    return task


def unlike(db: MariaDB, task: Task) -> list[tuple[str, str]]:
    """What a verification finds, and what it compared with nothing."""
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
