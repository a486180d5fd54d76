"""What logical replication does not carry: sequences, large objects, unlogged and new tables, materialised views."""

import shlex
from dataclasses import dataclass

from migrate.replicators.ports import Task
from migrate.replicators.psql import Admin, literal
from migrate.replicators.tunnel import PORT

_BLOBS = "select md5(string_agg(oid || ' ' || md5(lo_get(oid)), ',' order by oid)) from pg_largeobject_metadata"
_SEQUENCES = (
    # As they stand, not as pg_sequences shows them: a restart by hand leaves a value there that was not called yet.
    "select format('select %L, last_value, is_called from %I.%I;', format('%I.%I', n.nspname, c.relname), n.nspname, "
    "c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'S' and "
    "n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1"
)
_QUIET = "set session_replication_role = replica;"
"""No trigger and no reference is looked at while rows are loaded that the other end has as they are."""


@dataclass(frozen=True, eq=False)
class Extras:
    """One direction; both ends are frozen.

    Attributes:
        task: The move.
        giver: Server that has everything.
        taker: Server that runs the commands.
        sockets: Folder at the taker whose socket leads to the giver.
    """

    task: Task
    giver: Admin
    taker: Admin
    sockets: str

    @property
    def database(self) -> str:
        """Its name, the same on both servers."""
        return self.task.move.database

    def carry(self) -> list[str]:
        """All of it; returns in words what was there."""
        self._sequences()
        notes = self._blobs()
        if unlogged := self._relations("c.relkind = 'r' and c.relpersistence = 'u'"):
            notes.append(f"unlogged tables copied while writers were stopped: {', '.join(unlogged)}")
            self.rows_of(unlogged)
        for view in self._relations("c.relkind = 'm' and c.relispopulated"):
            if self.taker.one(self.database, f"select to_regclass({literal(view)})"):
                refresh = f"refresh materialized view {view}"
                self.taker.rows(self.database, refresh, timeout_s=self.task.left(3600))
        return notes

    def rows_of(self, tables: list[str]) -> None:
        """Empty these tables (quoted names) and load them again, without triggers, all at once."""
        chosen = " ".join(f"-t {shlex.quote(table)}" for table in tables)
        empty = f"{_QUIET} truncate {', '.join(tables)};"
        self._load(f"{{ echo {shlex.quote(empty)}; pg_dump -a {chosen} {self._far} {self._quoted}; }}", "tables")

    def make(self, tables: list[str]) -> None:
        """Make these tables (quoted names) as the giver has them, without rows; all or none."""
        chosen = " ".join(f"-t {shlex.quote(table)}" for table in tables)
        self._load(f"pg_dump -s --no-publications {chosen} {self._far} {self._quoted}", "the tables made there")

    def _sequences(self) -> None:
        queries = [row[0] for row in self.giver.rows(self.database, _SEQUENCES)]
        if queries:
            values = self.giver.rows(self.database, "".join(queries))
            # One that is missing here is quiet: setval of nothing is nothing. The shape of both ends is compared apart.
            self.taker.rows(
                self.database,
                "".join(
                    f"select setval(to_regclass({literal(name)}), {int(last)}, {literal(called)});\n"
                    for name, last, called in values
                ),
            )

    def _blobs(self) -> list[str]:
        if self.giver.one(self.database, _BLOBS) == self.taker.one(self.database, _BLOBS):
            return []
        self.taker.rows(self.database, "select lo_unlink(oid) from pg_largeobject_metadata")
        if self.giver.one(self.database, _BLOBS):
            dump = f"pg_dump -Fc -b -a -T '*.*' {self._far} {self._quoted}"
            load = f"{self.taker.prefix} pg_restore --exit-on-error -d {self._quoted}"
            self._pipe(f"{dump} | {load}", "large objects")
        return ["large objects copied while writers were stopped"]

    def _relations(self, condition: str) -> list[str]:
        rows = self.giver.rows(
            self.database,
            "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = "
            f"c.relnamespace where {condition} and "
            "n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by c.oid",
        )
        return [row[0] for row in rows]

    @property
    def _quoted(self) -> str:
        return shlex.quote(self.database)

    @property
    def _far(self) -> str:
        return f"-h {shlex.quote(self.sockets)} -p {PORT} -U postgres"

    def _load(self, giver: str, what: str) -> None:
        self._pipe(f"{giver} | {self.taker.prefix} psql -Xq1 -v ON_ERROR_STOP=1 -d {self._quoted}", what)

    def _pipe(self, script: str, what: str) -> None:
        self.taker.shell(script, timeout_s=self.task.left(3600), what=f"carrying {what}")
