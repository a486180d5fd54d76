"""MariaDB by dump: one stream from source to target while writers are stopped, and back the same way."""

from dataclasses import dataclass
from functools import cached_property

from migrate.replicators.mariadb.copy import Copy
from migrate.replicators.mariadb.mark import LIVE, SEEDED, SEEDING
from migrate.replicators.mariadb.server import Server, ident, literal
from migrate.replicators.ports import Moved, Task
from migrate.verify import mariadb_shape
from migrate.verify import postgresql_shape as shape
from migrate.verify.mariadb import filled_tables
from pse.core.errors import Refused

_WRITTEN = """select concat_ws(' ', (select sum(variable_value) from information_schema.global_status where
variable_name in ('INNODB_ROWS_INSERTED', 'INNODB_ROWS_UPDATED', 'INNODB_ROWS_DELETED')), (select max(update_time) from
information_schema.tables where table_schema in ({names}) and engine <> 'InnoDB'))"""


@dataclass(frozen=True, eq=False)
class Whole:
    """Databases between two servers.

    Attributes:
        task: The move.
        source: Server at the source.
        target: Server at the target.
        databases: Their names.
        why: Why not by replication.
    """

    task: Task
    source: Server
    target: Server
    databases: tuple[str, ...]
    why: str

    @cached_property
    def copy(self) -> Copy:
        """What is carried in streams."""
        return Copy(self.task, self.source, self.target, self.databases)

    def seed(self) -> Moved:
        """Nothing before the freeze."""
        return Moved(note=f"dump with writers stopped, because {self.why}")

    def carry(self) -> Moved:
        """Everything, from the frozen source to the target."""
        attempt = self.task.key.rsplit("/", 1)[-1]
        self.copy.begin(f"{SEEDING} {attempt}")
        before, _ = mariadb_shape.shapes_of(self.source, self.source, self.databases)
        filled = filled_tables(self.source, self.databases)
        sent, _ = self.copy.rows()
        self.copy.accounts()
        passed = shape.as_loaded(before, *mariadb_shape.shapes_of(self.source, self.target, self.databases))
        self.task.note("loaded", {"passed": passed, "filled": filled})
        self.copy.mark.set(f"{SEEDED} {attempt}")
        return Moved(sent=sent, note=f"dump with writers stopped, because {self.why}")

    def finish(self) -> Moved:
        """Nothing but keys of rows that were deleted: the dump holds all else."""
        self.copy.counters()
        return Moved()

    def arm(self) -> Moved:
        """Nothing but a mark: the way back is a dump, too."""
        self.copy.mark.set(LIVE)
        self.task.note("rows", {"written": self._written()})
        self.copy.serve()
        return Moved(note="the way back is a dump from target to source")

    def way_back(self) -> list[str]:
        """Accounts that were changed at the target stay there."""
        passed = (self.task.known("loaded") or {"passed": {}})["passed"]
        mine, theirs = mariadb_shape.roles_of(self.source, self.target)
        names = shape.unlike(mine, theirs, passed)
        return [shape.say(names, mine, theirs)] if names else []

    def catch_up(self) -> Moved:
        """Everything, from the frozen target to the source, whose databases are made anew.

        Cut off in between, the source has less than before; the target has all, and stays frozen until this was done.

        Raises:
            Refused: The target does not hold what was moved there.
        """
        if not self.copy.mark.live:
            raise Refused("the target does not hold the moved databases", where=self.target.host.name)
        drop = "".join(f"drop database if exists {ident(name)};\n" for name in self.databases)
        self.source.rows(f"set session foreign_key_checks = 0;\n{drop}")
        sent, _ = self.copy.rows(back=True)
        self.copy.counters(back=True)
        self.task.note("rows", {"written": self._written()})
        return Moved(sent=sent, note="dump from target to source")

    def dammed(self) -> bool:
        """Rows were written at the target that no dump has brought back."""
        noted = self.task.known("rows")
        return noted is not None and noted["written"] != self._written()

    def disarm(self) -> None:
        """The target is not in service any more; quiet when it was not."""
        if self.copy.mark.live:
            self.copy.mark.set(f"{SEEDING} -")

    def cleanup(self) -> tuple[str, ...]:
        """Remove all that was made for a copy that is not in service."""
        self.copy.clear()
        return ()

    def cleanup_source(self) -> tuple[str, ...]:
        """Nothing of it is at the source."""
        return ()

    def _written(self) -> str:
        return self.target.one(_WRITTEN.format(names=", ".join(map(literal, self.databases))))
