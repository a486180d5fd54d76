"""Our own kinds, for the conformance suite: two hosts, something at the source, and other means to read it.

Beyond what the suite asks they can be paid into, one numbered payment at a time, so that what was acknowledged can be
told from what was not; and what they run on can be made to fail.
"""

import os
import re
import subprocess
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from migrate.conformance import House, Side
from migrate.hosts import Host
from migrate.replicators.blocks.replicator import Blocks
from migrate.replicators.files.replicator import Files
from migrate.replicators.ports import Task
from migrate.replicators.postgresql.psql import Admin
from migrate.replicators.postgresql.replicator import PostgreSQL
from pse.core.documents.plan import Move
from tests.migrate.payments import SCHEMA
from tests.migrate.rig import Rig, SandboxHost, awkward

SIDES: tuple[Side, Side] = ("source", "target")
MIB_S = 40.0
_TILL = """
create table public.till (id bigserial primary key, number int not null);
alter table public.till owner to cashier;
"""
_SERVE = """cd /
pg_ctl -D /var/lib/pg status >/dev/null && exit 0
while pgrep -x postgres >/dev/null; do sleep 0.05; done
rm -f /var/lib/pg/postmaster.pid
setsid pg_ctl -w -t 60 -D /var/lib/pg -l /var/lib/pg.log start >/dev/null 2>&1 </dev/null ||
  { cat /var/lib/pg.log; exit 1; }"""


Till = Callable[[int], bool]


class Once(Host):
    """Runs nothing a second time when its line is cut: a payment is not safe to repeat, as our scripts are."""

    repeats = False


class RigHouse(House):
    """What houses on a `Rig` share.

    Attributes:
        move: What moves.
        store: Where it lies at the target.
        serves: A database server has it, which refuses writers by itself when it is frozen.
    """

    move: Move
    store: ClassVar[str] = "/srv"
    serves: ClassVar[bool] = False

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def end(self, side: Side) -> SandboxHost:
        return self.rig.source if side == "source" else self.rig.target

    def task(self, key: str = "plan/work/a1", *, back: bool = False) -> Task:
        task = self.rig.task(self.move, key=key)
        task.back = back
        # Slow enough that a strike meets what it is meant for.
        task.rate = lambda: MIB_S
        return task

    def strike(self) -> int:
        return sum(end.kill(self.task().job, "rsync") for end in (self.rig.source, self.rig.target))

    @abstractmethod
    def till(self, side: Side) -> Till:
        """A way to pay at one end, durably, as its users do: takes a number, says whether that was acknowledged."""

    @abstractmethod
    def paid(self, side: Side) -> Counter[int]:
        """How often each payment is there, by its number."""

    def crash(self, side: Side) -> None:
        """Kill -9 the database server of an end, and start it again."""
        raise NotImplementedError

    def serving(self, side: Side) -> None:
        """Start the database server of an end if it does not run, as an init system does."""

    def cut(self) -> int:
        return sum(self.hang_up(side) for side in SIDES)

    def hang_up(self, side: Side) -> int:
        """Kill -9 the SSH sessions of one host; returns how many."""
        # By either name, as sshd's versions call them; the one that listens has neither.
        return self.end(side).kill("sshd: admin", "sshd-session: admin")

    def leftovers(self) -> list[str]:
        job, left = self.task().job, []
        for end in (self.rig.source, self.rig.target):
            found = end.host().run(
                f"find / {' '.join(end.mounts)} -xdev -name '*{job}*' -not -path '/proc/*' 2>/dev/null; "
                f"ls /run | grep {job}"
            )
            left += [f"{end.name}: {line}" for line in found.stdout.decode().splitlines()]
            if job in (end.root / "home/admin/.ssh/authorized_keys").read_text():
                left.append(f"{end.name}: a key")
            left += [f"{end.name}: process {pid}" for pid in end.processes(job)]
        return left


class FilesHouse(RigHouse):
    """A tree of awkward files."""

    replicator = Files
    move = Move(id="records-files", kind="files", source="source", target="target", paths=("/srv/records",))

    def tree(self, side: Side) -> Path:
        return self.end(side).inside / "srv/records"

    def fill(self) -> None:
        awkward(self.tree("source"), small=50)
        (self.tree("source") / "big").write_bytes(os.urandom(1 << 20) * 64)

    def empty(self) -> None:
        for side in SIDES:
            self.tree(side).mkdir()
            os.utime(self.tree(side), (1, 1))

    def write(self, side: Side, number: int) -> None:
        tree = self.tree(side)
        (tree / f"written {number}").write_text(f"by users, {number}\n")
        (tree / "plain.txt").write_text(f"changed, {number}\n")
        (tree / f"many/file-{number:05}").unlink(missing_ok=True)

    def spoil(self, side: Side) -> None:
        path = self.tree(side) / "*"
        stamp = path.stat()
        path.write_text("rats")
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    def till(self, side: Side) -> Till:
        path = self.tree(side) / "payments"
        path.mkdir(exist_ok=True)

        def pay(number: int) -> bool:
            try:
                with (path / str(number)).open("w") as file:
                    file.write(f"{number}\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:  # the disk is full
                (path / str(number)).unlink(missing_ok=True)
                return False
            return True

        return pay

    def paid(self, side: Side) -> Counter[int]:
        return Counter(int(path.read_text()) for path in (self.tree(side) / "payments").iterdir())

    def contents(self, side: Side) -> str:
        listing = ["-type", "d", "-printf", "%y %m %p\\0", "-o", "-printf", "%y %m %n %p %s %l %T@\\0"]
        hashes = ["-type", "f", "-exec", "sha256sum", "-z", "{}", "+"]
        found = [
            subprocess.run(["find", ".", *asked], cwd=self.tree(side), check=True, capture_output=True).stdout
            for asked in (listing, hashes)
        ]
        return b"\n".join(sorted(b"".join(found).split(b"\0"))).decode("utf-8", "surrogateescape")


class PostgresHouse(RigHouse):
    """A database with what is easily lost."""

    replicator = PostgreSQL
    store = "/var/lib"
    serves = True
    crashed = False
    """A server was killed: PostgreSQL itself empties its unlogged tables then, so they count no more."""
    move = Move(id="payments-db", kind="postgresql", source="source", target="target", database="payments", port=5432)

    def admin(self, side: Side) -> Admin:
        task = self.task()
        return Admin(task.source if side == "source" else task.target, 5432)

    def fill(self) -> None:
        self.rig.source.postgres()
        self.rig.target.postgres()
        self.admin("source").rows("postgres", SCHEMA + _TILL)

    def empty(self) -> None:
        for side in SIDES:
            self.end(side).postgres()
            self.admin(side).rows("postgres", "create database payments")

    def write(self, side: Side, number: int) -> None:
        self.admin(side).rows(
            "payments",
            f"""insert into public.payment (citizen, amount) values ({number}, 1);
update public.keyless set what = 'changed {number}' where what = 'row {number}';
delete from public.parted where id = {number}""",
        )

    def spoil(self, side: Side) -> None:
        self.admin(side).rows("payments", "update public.citizen set name = 'Citizen 8' where id = 9")

    def contents(self, side: Side) -> str:
        tables = ("citizen", "payment", "keyless", "parted", "letters", "till", *["cache"] * (not self.crashed))
        asked = " union all ".join(f"select '{name}', t::text from public.{name} t" for name in tables)
        return "\n".join(sorted(" ".join(row) for row in self.admin(side).rows("payments", asked)))

    def till(self, side: Side) -> Till:
        host = self.end(side).host(Once)

        def pay(number: int) -> bool:
            sql = f"insert into public.till (number) values ({number})"
            return host.run(f'psql -XAtq -h /var/run/postgresql -U cashier -d payments -c "{sql}"').rc == 0

        return pay

    def paid(self, side: Side) -> Counter[int]:
        rows = self.admin(side).rows("payments", "select number, count(*) from public.till group by number")
        return Counter({int(number): int(count) for number, count in rows})

    def crash(self, side: Side) -> None:
        self.crashed = True
        self.end(side).kill("bin/postgres -D", "postgres: ")
        self.serving(side)

    def serving(self, side: Side) -> None:
        host = self.end(side).host()
        try:
            host.text(_SERVE, timeout_s=120, what="starting PostgreSQL")
        finally:
            host.close()

    def strike(self) -> int:
        return sum(end.kill(self.task().job, "pg_dump", "pg_restore") for end in (self.rig.source, self.rig.target))


class BlocksHouse(RigHouse):
    """An image file: most of it sparse, as disks are, and larger than one chunk by a piece."""

    replicator = Blocks
    move = Move(
        id="disk", kind="blocks", source="source", target="target", paths=("/srv/a disk",), onto="/srv/disk.img"
    )
    size = (96 << 20) + 12345
    book = 60 << 20
    """Where payments stand, a sector each."""

    def disk(self, side: Side) -> Path:
        return self.end(side).inside / "srv" / ("a disk" if side == "source" else "disk.img")

    def fill(self) -> None:
        with self.disk("source").open("wb") as file:
            file.truncate(self.size)
            for at in range(0, self.size, 24 << 20):
                file.seek(at)
                file.write(os.urandom(min(8 << 20, self.size - at)))
            file.seek(self.size - 5)
            file.write(b"end")

    def empty(self) -> None:
        for side in SIDES:
            self.disk(side).touch()

    def write(self, side: Side, number: int) -> None:
        with self.disk(side).open("r+b") as file:
            for at in (number * 7_000_000 % self.book, self.size - 100 * number):
                file.seek(at)
                file.write(b"written by users %d" % number)

    def spoil(self, side: Side) -> None:
        path = self.disk(side)
        stamp = path.stat()
        with path.open("r+b") as file:
            file.seek(50 << 20)
            was = file.read(1)
            file.seek(50 << 20)
            file.write(bytes([was[0] ^ 1]))
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    def till(self, side: Side) -> Till:
        def pay(number: int) -> bool:
            try:
                with self.disk(side).open("r+b") as file:
                    file.seek(self.book + 512 * number)
                    file.write(b"paid %08d" % number)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:  # an image has holes, and the disk that it is on is full
                return False
            return True

        return pay

    def paid(self, side: Side) -> Counter[int]:
        with self.disk(side).open("rb") as file:
            file.seek(self.book)
            book = file.read(self.size - self.book)
        return Counter(int(found[1]) for found in re.finditer(rb"paid (\d{8})", book))

    def contents(self, side: Side) -> str:
        return subprocess.run(["sha256sum", "-z", self.disk(side)], check=True, capture_output=True).stdout.decode()[
            :64
        ]
