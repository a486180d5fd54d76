"""What logical replication does not carry: sequences, large objects, unlogged and new tables, materialised views."""

import shlex
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from migrate.hosts import HostCommandFailed
from migrate.replicators.ports import Task
from migrate.replicators.postgresql.psql import Admin, literal
from migrate.replicators.tunnel import PORT

_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
# What there is, by kind, in one session. Sequences as they stand, not as pg_sequences shows them: a restart by hand
# leaves a value there that was not called yet.
_FOUND = f"""
select case c.relkind when 'S' then 'sequence' when 'r' then 'unlogged' else case when c.relispopulated then 'view' else
  'empty view' end end, format('%I.%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where (c.relkind in ('S', 'm') or c.relkind = 'r' and c.relpersistence = 'u') and {_OURS} order by c.oid;
select 'blobs', md5(string_agg(oid || ' ' || md5(lo_get(oid)), ',' order by oid)) from pg_largeobject_metadata;
"""
_ATTACH_LAST = r"""/^ALTER TABLE ONLY .* ATTACH PARTITION / { tables = tables $0 "\n"; next }
/^ALTER INDEX .* ATTACH PARTITION / { indexes = indexes $0 "\n"; next }
{ print }
END { printf "%s%s", tables, indexes }"""
"""What awk does with a dump of a partition whose parent is there already: attached first, it gets the parent's keys and
indexes, and its own could not be made any more; attached last, its own are taken."""
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
        with ThreadPoolExecutor(2) as pool:
            looks = [pool.submit(self._found, admin) for admin in (self.giver, self.taker)]
            given, there = (look.result() for look in looks)
        notes = []
        self._sequences(given["sequence"])
        if given["blobs"] != there["blobs"]:
            self._blobs(load=any(given["blobs"]))
            notes.append("large objects copied while writers were stopped")
        if unlogged := given["unlogged"]:
            notes.append(f"unlogged tables copied while writers were stopped: {', '.join(unlogged)}")
            self.rows_of(unlogged)
        views = [view for view in given["view"] if view in there["view"] + there["empty view"]]
        # A view that reads another was made after it.
        refresh = "".join(f"refresh materialized view {view};\n" for view in views)
        if refresh:
            self.taker.rows(self.database, refresh, timeout_s=self.task.left(3600))
        return notes

    def rows_of(self, tables: list[str]) -> None:
        """Empty these tables (quoted names) and load them again, without triggers, all at once."""
        chosen = " ".join(f"-t {shlex.quote(table)}" for table in tables)
        empty = f"{_QUIET} truncate {', '.join(tables)};"
        self._load(f"{{ echo {shlex.quote(empty)}; pg_dump -a {chosen} {self._far} {self._quoted}; }}", "tables")

    def make(self, tables: list[str]) -> dict[str, str]:
        """Make these tables (quoted names) as the giver has them, without rows.

        Returns:
            Those that cannot be made, and why; they do not keep the others from being made.
        """
        if not tables:
            return {}
        try:
            self._make(tables)
        except HostCommandFailed as exc:
            failed = dict.fromkeys(tables, exc.message)
        else:
            return {}
        # One by one, again and again while it helps: a table may need another.
        while True:
            before = len(failed)
            for table in list(failed):
                try:
                    self._make([table])
                    del failed[table]
                except HostCommandFailed as exc:
                    failed[table] = exc.message
            if len(failed) in (0, before):
                return failed

    def _make(self, tables: list[str]) -> None:
        chosen = " ".join(f"-t {shlex.quote(table)}" for table in tables)
        dump = f"pg_dump -s --no-publications {chosen} {self._far} {self._quoted}"
        self._load(f"{dump} | awk {shlex.quote(_ATTACH_LAST)}", "the tables made there")

    def _found(self, admin: Admin) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {kind: [] for kind in ("sequence", "unlogged", "view", "empty view", "blobs")}
        for kind, text in admin.rows(self.database, _FOUND, timeout_s=self.task.left(3600)):
            found[kind].append(text)
        return found

    def _sequences(self, names: list[str]) -> None:
        asked = "".join(f"select {literal(name)}, last_value, is_called from {name};\n" for name in names)
        # One that is missing here is quiet: setval of nothing is nothing. The shape of both ends is compared apart.
        values = "".join(
            f"select setval(to_regclass({literal(name)}), {int(last)}, {literal(called)});\n"
            for name, last, called in (self.giver.rows(self.database, asked) if names else ())
        )
        if values:
            self.taker.rows(self.database, values)

    def _blobs(self, *, load: bool) -> None:
        self.taker.rows(self.database, "select lo_unlink(oid) from pg_largeobject_metadata")
        if load:
            dump = f"pg_dump -Fc -b -a -T '*.*' {self._far} {self._quoted}"
            restore = f"{self.taker.prefix} pg_restore --exit-on-error -d {self._quoted}"
            self._pipe(f"{dump} | {restore}", "large objects")

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
