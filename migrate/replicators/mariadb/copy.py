"""How schema, rows and accounts of MariaDB databases are copied: one stream each, from the one server to the other."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from migrate.jobs import folder_of
from migrate.replicators.mariadb.access import Options, events_before, reopen
from migrate.replicators.mariadb.floats import Rounded, carry, rounded
from migrate.replicators.mariadb.mark import Mark
from migrate.replicators.mariadb.server import Server, ident, literal, reason
from migrate.replicators.ports import Task
from migrate.replicators.stream import stream
from migrate.verify.mariadb_shape import accounts, counters
from pse.core.errors import RemoteError
from pse.core.journal import once

_PACKET = 1 << 30
"""The largest row that a server takes: a blob is twice as long in a dump as in its table."""
_PLACE = re.compile(r"MASTER_LOG_FILE='([^']+)', MASTER_LOG_POS=(\d+)")
# The dump names the place of its snapshot in the log among its first lines; `read` takes no byte more than a line.
_HEAD = """{ n=0; while [ $n -lt 200 ] && IFS= read -r line; do printf '%%s\\n' "$line"; n=$((n+1))
case "$line" in *MASTER_LOG_FILE=*) printf '%%s\\n' "$line" >%s; break;; esac; done; exec cat; }"""
# Statements that give statements; roles before those who have them.
_ACCOUNTS = """
select concat('select ', quote(concat('create role if not exists ', quote(user))), ';') from {accounts} where is_role
union all select concat('show create user ', quote(user), '@', quote(host), ';') from {accounts} where not is_role
union all select concat('show grants for ', quote(user), ';') from {accounts} where is_role
union all select concat('show grants for ', quote(user), '@', quote(host), ';') from {accounts} where not is_role
union all select concat('select ', quote(concat('set default role ', quote(default_role), ' for ', quote(user), '@',
  quote(host))), ';') from {accounts} where default_role is not null;
"""


@dataclass(frozen=True, eq=False)
class Copy:
    """Databases between two servers.

    Attributes:
        task: The move.
        source: Server at the source.
        target: Server at the target.
        databases: Their names.
    """

    task: Task
    source: Server
    target: Server
    databases: Sequence[str]

    @property
    def mark(self) -> Mark:
        """What the target says of the copy."""
        return Mark(self.target, self.task.job)

    def begin(self, state: str) -> None:
        """Make room at the target for a copy from the beginning: drop what an earlier one left, and nothing else.

        Raises:
            Refused: Something that is not ours stands there, or the copy is in service.
        """
        mark = self.mark
        mark.replaceable(self.databases)
        mark.drop_made()
        mark.set(state)
        there = set(self.target.databases())
        mark.note("database", [name for name in self.databases if name not in there])
        known = set(self.target.column(f"select who from {accounts(self.source, self.target)}"))
        wanted = self.source.column(f"select who from {accounts(self.source, self.target)}")
        mark.note("account", [who for who in wanted if who not in known])
        self.quiet()

    def quiet(self) -> None:
        """Let no event run at the target, also after a restart: one that the copy brought would write by itself."""
        noted = once(
            self.task.journal,
            self._settings,
            f"note settings of {self.target.host.name}",
            detail={},
            probe=lambda _: None,
            act=lambda _: self._look(),
        )
        off = "" if noted["events"] == "DISABLED" else "set global event_scheduler = off;\n"
        self.options.write("skip_slave_start", *(["event_scheduler = off"] if off else []))
        self.target.rows(f"{off}set global max_allowed_packet = {_PACKET};\n")

    @property
    def options(self) -> Options:
        """The target's file of options while it is not in service."""
        return Options(self.target, self.task.job)

    def clear(self) -> None:
        """Drop all that was made for a copy that is not in service; for one that is, the mark, when it is closed."""
        mark = self.mark
        if not mark.live:
            if mark.there:
                mark.drop_made()
                mark.forget()
            self.give_back_settings()
        elif self.task.closing:
            mark.forget()
            self.task.journal.forget(self._settings)

    def keep_aside(self) -> str:
        """Give tables at the target, which was written and is not to be in service, to databases of other names.

        Returns:
            Where they are, in words.
        """
        kept = []
        for number, database in enumerate(self.databases):
            aside = f"{self.mark.name}_kept_{self.task.key.rsplit('/', 1)[-1]}_{number}"
            named = literal(database)
            # A table with triggers cannot leave its database; views and routines are the source's, too.
            triggers = self.target.column(
                f"select trigger_name from information_schema.triggers where trigger_schema = {named}"
            )
            tables = self.target.column(
                "select table_name from information_schema.tables where table_type <> 'VIEW' and table_schema = "
                f"{named}"
            )
            sql = f"create database if not exists {ident(aside)};\n"
            sql += "".join(f"drop trigger {ident(database)}.{ident(name)};\n" for name in triggers)
            sql += "".join(f"rename table {ident(database)}.{ident(t)} to {ident(aside)}.{ident(t)};\n" for t in tables)
            self.target.rows(f"{self.target.ending()}{sql}")
            kept.append(f"{database} as {aside}")
        return (
            f"{self.target.host.name}: rows were written at the new side before users were sent there, and the source "
            f"does not have them; their tables are kept there: {', '.join(kept)}"
        )

    def serve(self) -> None:
        """The copy is in service from here on: the target takes what it took before, and runs the source's events."""
        known = self.task.journal.find(self._settings)
        if known is not None and known.result is not None:
            events = events_before(self.task, self.source, at_target=False)
            sql = "" if "DISABLED" in (events, known.result["events"]) else f"set global event_scheduler = {events};\n"
            self.target.rows(f"{sql}set global max_allowed_packet = {known.result['packet']};\n")
            self.options.remove()

    def give_back_settings(self) -> None:
        """The target as it was before `quiet`; quiet when it is so already."""
        reopen(self.task, self.target, at_target=True)
        known = self.task.journal.find(self._settings)
        if known is not None and known.result is not None:
            events = known.result["events"]
            sql = "" if events == "DISABLED" else f"set global event_scheduler = {events};\n"
            self.target.rows(f"{sql}set global max_allowed_packet = {known.result['packet']};\n")
            self.options.remove()
            self.task.journal.forget(self._settings)

    def rows(self, *, but: Sequence[str] = (), back: bool = False) -> tuple[int, str]:
        """Schema and rows, in one snapshot.

        Args:
            but: Tables, as ``database.table``, that are carried empty.
            back: From target to source.

        Returns:
            Bytes that were carried, and the giver's GTID position of the snapshot; empty where it has no binary log.
        """
        giver, taker = (self.target, self.source) if back else (self.source, self.target)
        name = f"{self.task.key.rsplit('/', 1)[-1]}-place"
        place = f"{folder_of(self.task.source, self.task.job)}/{name}"
        log = giver.one("select @@global.log_bin") == "1" and not back
        options = "--single-transaction --routines --events --triggers --hex-blob --default-character-set=utf8mb4"
        options += f" --max-allowed-packet=1G{' --master-data=2' if log else ''}"
        options += "".join(f" --ignore-table-data={shlex.quote(table)}" for table in but)
        dump = giver.program("mariadb-dump", f"{options} --databases {' '.join(map(shlex.quote, self.databases))}")
        if log:
            self.task.source.text(f"rm -f {place}")
            dump = f"{dump} | {_HEAD % place}"
        sent = stream(self.task, "rows", dump, taker.loader, reason=reason, back=back)
        self.floats(
            [one for one in rounded(giver, self.databases) if f"{one.database}.{one.name}" not in but], back=back
        )
        if not log:
            return sent, ""
        found = _PLACE.search(self.task.source.text(f"cat {place}; true"))
        if found is None:
            raise RemoteError("the dump does not say its place in the binary log", where=giver.host.name)
        position = giver.one(f"select binlog_gtid_pos({literal(found.group(1))}, {found.group(2)})")
        if position == "NULL":
            raise RemoteError("the binary log was purged while it was copied", where=giver.host.name)
        return sent, position

    def accounts(self) -> None:
        """Accounts, roles and grants, password verifiers included; those that stand at the target stay as they are."""
        names = ", ".join(map(literal, self.mark.made("account")))
        if not names:
            return
        # Not those that stand there already: their grants say their passwords, too.
        chosen = f"(select * from {accounts(self.source, self.target)} where who in ({names})) a"
        listed = shlex.quote(_ACCOUNTS.format(accounts=chosen))
        client = self.source.client.replace(" -BN ", " -BNr ")
        settled = "sed -e '/^$/d' -e '/^SET DEFAULT ROLE /d' -e 's/^CREATE USER /&IF NOT EXISTS /' -e 's/$/;/'"
        giver = f"printf %s {listed} | {client} | {client} | {settled}"
        stream(self.task, "accounts", giver, self.target.loader, reason=reason)

    def still(self, tables: Sequence[str]) -> int:
        """Rows of these tables (``database.table``), which were carried empty; nobody writes to them now."""
        sent = 0
        for number, table in enumerate(tables):
            database, name = table.split(".", 1)
            # The table is made anew, so that its triggers come after its rows and do not see them.
            options = "--triggers --hex-blob --default-character-set=utf8mb4 --max-allowed-packet=1G"
            dump = self.source.program("mariadb-dump", f"{options} {shlex.quote(database)} {shlex.quote(name)}")
            taker = f"{self.target.loader} {shlex.quote(database)}"
            sent += stream(self.task, f"table-{number}", dump, taker, reason=reason)
        self.floats([one for one in self.rounded if f"{one.database}.{one.name}" in tables])
        return sent

    @cached_property
    def rounded(self) -> list[Rounded]:
        """Tables whose rows a dump rounds."""
        return rounded(self.source, self.databases)

    def floats(self, tables: Sequence[Rounded], *, back: bool = False) -> None:
        """See `mariadb_floats`."""
        giver, taker = (self.target, self.source) if back else (self.source, self.target)
        carry(self.task, giver, taker, tables, back=back)

    def counters(self, *, back: bool = False) -> None:
        """What sequences and automatic keys give next: rows that were deleted have used keys, too."""
        giver, taker = (self.target, self.source) if back else (self.source, self.target)
        wanted, there = counters(giver, self.databases), counters(taker, self.databases)
        sql = ""
        for name, value in wanted.items():
            if there.get(name, value) != value:
                number, is_sequence, _ = value.partition(" of ")
                sql += (
                    f"alter sequence {name} restart {number};\n"
                    if is_sequence
                    else f"alter table {name} auto_increment = {number};\n"
                )
        if sql:
            taker.rows(sql)

    def events(self, *, back: bool = False) -> None:
        """Events that came by replication are switched off at the taker; they are to be as at the giver."""
        giver, taker = (self.target, self.source) if back else (self.source, self.target)
        names = ", ".join(map(literal, self.databases))
        asked = (
            "select event_schema, event_name, status, definer, sql_mode, time_zone from information_schema.events "
            f"where event_schema in ({names}) order by 1, 2"
        )
        there = {(row[0], row[1]): row[2] for row in taker.rows(asked)}
        words = {"ENABLED": "enable", "DISABLED": "disable", "SLAVESIDE_DISABLED": "disable on slave"}
        sql = ""
        for database, name, status, definer, mode, zone in giver.rows(asked):
            if there.get((database, name), status) != status:
                user, _, host = definer.rpartition("@")
                # Who alters an event becomes its definer, unless told otherwise.
                sql += (
                    f"set session sql_mode = {literal(mode)}, time_zone = {literal(zone)};\n"
                    f"alter definer = {ident(user)}@{ident(host)} event {ident(database)}.{ident(name)} "
                    f"{words[status]};\n"
                )
        if sql:
            taker.rows(sql)

    @property
    def _settings(self) -> str:
        return f"{self.task.job}/target-settings"

    def _look(self) -> dict[str, Any]:
        ((events, packet),) = self.target.rows("select @@global.event_scheduler, @@global.max_allowed_packet")
        return {"events": events, "packet": int(packet)}
