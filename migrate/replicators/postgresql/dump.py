"""PostgreSQL by dump and restore: one stream from source to target while writers are stopped, and back the same way."""

import re
import shlex
from dataclasses import dataclass

from migrate.replicators.ports import Moved, Task
from migrate.replicators.postgresql import access, roles
from migrate.replicators.postgresql.psql import Admin, ident, literal, reason
from migrate.replicators.stream import stream
from migrate.verify import postgresql_shape as shape
from migrate.verify.postgresql import filled_tables, shapes_of
from pse.core.journal import once

FRESH = "pse_fresh"
"""Ending of the database that a dump is restored into before it takes the place of the old one."""

_PROPERTY = re.compile(r"(ALTER DATABASE |ALTER ROLE .* IN DATABASE |(GRANT|REVOKE) .* ON DATABASE )")

_CLOSED = re.compile(r"ALTER DATABASE .* (SET default_transaction_read_only TO|CONNECTION LIMIT =) ")


@dataclass(frozen=True, eq=False)
class Dump:
    """One database between two servers.

    Attributes:
        task: The move.
        source: Server at the source.
        target: Server at the target.
        why: Why not by logical replication.
    """

    task: Task
    source: Admin
    target: Admin
    why: str

    def seed(self) -> Moved:
        """Nothing before the freeze."""
        return Moved(note=f"dump and restore, because {self.why}")

    def carry(self) -> Moved:
        """Everything, from the frozen source to the target."""
        return self._carry(back=False)

    def finish(self) -> Moved:
        """Nothing: the dump holds sequences, large objects and views."""
        return Moved()

    def arm(self) -> Moved:
        """Nothing but a mark: the way back is a dump, too."""
        self.task.note("rows", {"written": self._written()})
        access.mark(self.task, self.target, access.LIVE)
        return Moved(note="the way back is a dump from target to source")

    def catch_up(self) -> Moved:
        """Everything, from the frozen target to the source."""
        moved = self._carry(back=True)
        self.task.note("rows", {"written": self._written()})
        return moved

    def dammed(self) -> bool:
        """Rows were written at the target that no dump has brought back."""
        noted = self.task.known("rows")
        return noted is not None and noted["written"] != self._written()

    def _written(self) -> int:
        count = "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables"
        return int(self.target.one(self.task.move.database, count))

    def _carry(self, *, back: bool) -> Moved:
        giver, taker = (self.target, self.source) if back else (self.source, self.target)
        name = self.task.move.database
        if not back and taker.has_database(name):
            access.replaceable(self.task, taker)
        stream(
            self.task,
            "roles",
            f"{giver.prefix} {roles.DUMP.format(far='')}",
            f"{taker.prefix} psql -Xq -d postgres",
            reason=reason,
            back=back,
        )
        roles.settle(giver, taker)
        fresh = f"{name}_{FRESH}"
        creation, properties = self._properties(giver, name)
        before, _ = shapes_of(giver, giver, name)
        comment = self._comment(taker) if back else ""
        taker.rows("postgres", f"drop database if exists {ident(fresh)}")
        taker.rows("postgres", f"create database {ident(fresh)} {creation}")
        sent = stream(
            self.task,
            "dump",
            f"{giver.prefix} pg_dump -Fc -Z 1 {shlex.quote(name)}",
            f"{taker.prefix} pg_restore --exit-on-error -d {shlex.quote(fresh)}",
            reason=reason,
            back=back,
        )
        # All that says whose it is and who may come in stands before it takes the place of the old one.
        if back:
            if comment:
                taker.rows("postgres", f"comment on database {ident(fresh)} is {literal(comment)}")
            access.shut(taker, fresh)
        else:
            access.mark(self.task, taker, f"{access.SEEDING} dumped", database=fresh)
            properties += f"alter database {ident(name)} connection limit {access.limit(self.task, at_target=False)};"
        if taker.has_database(name):
            taker.rows("postgres", f"alter database {ident(name)} allow_connections false")
            taker.end_clients(name)
            taker.rows("postgres", f"drop database {ident(name)}")
        taker.rows("postgres", f"alter database {ident(fresh)} rename to {ident(name)};\n{properties}")
        if back:
            self.task.journal.forget(self._commented)
        else:
            access.forget(self.task, at_target=True)
            passed = shape.as_loaded(before, *shapes_of(giver, taker, name))
            self.task.note("loaded", {"passed": passed, "filled": filled_tables(giver, name)})
        return Moved(sent=sent, note=f"dump and restore, because {self.why}")

    @property
    def _commented(self) -> str:
        return f"{self.task.job}/comment"

    def _comment(self, taker: Admin) -> str:
        """The comment on the database that is replaced, noted once: cut off after its drop, no server knows it."""
        name = self.task.move.database
        noted = once(
            self.task.journal,
            self._commented,
            f"note the comment on {name}",
            detail={},
            probe=lambda _: None,
            act=lambda _: {"text": taker.comment(name)},
        )
        return str(noted["text"])

    def _properties(self, giver: Admin, name: str) -> tuple[str, str]:
        """What a database is made with, and SQL of its owner, grants and settings: both as the giver's pg_dump says."""
        script = f"{giver.prefix} pg_dump -s -C -N '*' {shlex.quote(name)}"
        lines = giver.shell(script, timeout_s=self.task.left(300), what="asking for the settings").splitlines()
        (creation,) = (line for line in lines if line.startswith("CREATE DATABASE "))
        kept = [line for line in lines if _PROPERTY.match(line) and not _CLOSED.match(line)]
        return creation[creation.index(" WITH TEMPLATE ") :].rstrip(";"), "".join(f"{line}\n" for line in kept)
