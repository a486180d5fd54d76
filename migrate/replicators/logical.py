"""PostgreSQL by logical replication: the source's own words for schema and roles, then its changes as they happen.

Before the switch the target subscribes to the source; afterwards the source subscribes to the target, so that a
rollback keeps what was written there. One direction at a time. Source of every step: measured on PostgreSQL 15 to 18.
"""

import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from migrate.hosts import wait_until
from migrate.replicators.channel import Channel
from migrate.replicators.ports import Moved, Task
from migrate.replicators.psql import SOCKETS, Admin, ident, literal
from migrate.replicators.tunnel import PORT, Tunnel
from pse.core.errors import Refused, RemoteError
from pse.core.journal import once

SEEDING = "seeding"
LIVE = "live"
_USER_TABLES = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_BLOBS = "select md5(string_agg(oid || ' ' || md5(lo_get(oid)), ',' order by oid)) from pg_largeobject_metadata"
_SEQUENCES = (
    "select format('select pg_catalog.setval(%L, %s, %L);', format('%I.%I', schemaname, sequencename), "
    "coalesce(last_value, start_value), last_value is not null) from pg_sequences"
)


@dataclass(frozen=True, eq=False)
class Logical:
    """One database between two servers.

    Attributes:
        task: The move.
        source: Server at the source.
        target: Server at the target.
    """

    task: Task
    source: Admin
    target: Admin

    @property
    def database(self) -> str:
        """Its name, the same on both servers."""
        return self.task.move.database

    @cached_property
    def out(self) -> Channel:
        """From source to target, before the switch."""
        return Channel(self.source, self.target, self.database, self.task.job.replace("-", "_"))

    @cached_property
    def back(self) -> Channel:
        """From target to source, after it."""
        return Channel(self.target, self.source, self.database, f"{self.out.name}_rev")

    @cached_property
    def tunnel(self) -> Tunnel:
        """The joined sockets."""
        return Tunnel(self.task.passage, self.source, self.target)

    def seed(self) -> Moved:
        """Roles, schema, then a subscription that copies all rows and stays."""
        self.tunnel.ensure()
        self._identities()
        attempt = self.task.key.rsplit("/", 1)[-1]
        mark = f"{self.task.job} {SEEDING} {attempt}"

        def loaded() -> dict[str, Any] | None:
            return {"mark": mark} if self.target.comment(self.database) == mark else None

        def load() -> dict[str, Any]:
            self._load_schema(mark)
            return {"mark": mark}

        self.task.effect("schema", f"load roles and schema of {self.database}", load, probe=loaded)
        self.out.publish()

        def subscribed() -> dict[str, Any] | None:
            return {} if self.out.subscribed else None

        def subscribe() -> dict[str, Any]:
            # A creation that was cut off may have left its slot without a subscription.
            self.out.drop_slot()
            self.out.subscribe(self.tunnel.at_target, "copy_data = true, streaming = on")
            return {}

        self.task.effect("subscribe", f"subscribe to {self.database}", subscribe, probe=subscribed)
        total = int(self.source.one("postgres", f"select pg_database_size({literal(self.database)})"))
        wait_until(lambda: self._copied(total), within_s=self.task.left(24 * 3600), what="the first copy", every_s=0.2)
        size = "select coalesce(sum(pg_table_size(c.oid)), 0)::bigint from pg_class c join pg_namespace n on n.oid = "
        size += f"c.relnamespace where c.relkind = 'r' and {_USER_TABLES}"
        sent = int(self.target.one(self.database, size))
        return Moved(sent=sent, note="logical replication; size of the tables as sent")

    def caught_up(self, *, within_s: float) -> Moved:
        """Wait until the target has everything that the source wrote before this call."""
        self.tunnel.ensure()
        return Moved(sent=self.out.reach(within_s=within_s), note="logical replication", behind_s=0.0)

    def finish(self) -> Moved:
        """Sequences, large objects, unlogged tables and materialised views; writers are stopped."""
        return Moved(note="; ".join(self._others(self.source, self.target, self.tunnel.at_target)))

    def arm(self) -> Moved:
        """Turn the direction: both ends are equal and frozen, so what is written from here on is all there is."""
        self.tunnel.ensure()
        self.out.unsubscribe()
        self.out.unpublish()
        self.back.publish()
        self.back.make_slot()
        if not self.back.subscribed:
            options = f"copy_data = false, create_slot = false, slot_name = {literal(self.back.name)}"
            self.back.subscribe(self.tunnel.at_source, options)
        self._mark(LIVE)
        return Moved(note="what the target writes goes back to the source, but for changes of the schema")

    def catch_up(self) -> Moved:
        """Bring what the target wrote since `arm` to the source; the target is frozen.

        Raises:
            Refused: The slot that keeps those writes is gone.
        """
        if not self.back.whole:
            raise Refused(
                f"the way back of {self.database} is lost: its slot or subscription is gone",
                where=self.task.move.id,
                hint="Rows written at the target since the cut-over would be missing at the source; copy them by hand.",
            )
        self.tunnel.ensure()
        self.source.rows(self.database, f"alter subscription {self.back.name} enable")
        sent = self.back.reach(within_s=self.task.left(3600))
        notes = self._others(self.target, self.source, self.tunnel.at_source)
        return Moved(sent=sent, note="; ".join(["logical replication from target to source", *notes]))

    def disarm(self) -> None:
        """End the way back and the joined sockets; quiet when there is none."""
        self.back.unsubscribe()
        if self.target.has_database(self.database):
            self.back.unpublish()
            if self.target.comment(self.database) == f"{self.task.job} {LIVE}":
                self._mark(f"{SEEDING} -")
        self.tunnel.end()

    def cleanup(self) -> tuple[str, ...]:
        """Remove slots, publications, subscriptions and replica identities of the move; list what is left."""
        self.disarm()
        self.out.unsubscribe()
        self.out.unpublish()
        known = self.task.journal.find(f"{self.task.job}/identity")
        if known is not None and known.result is not None:
            for table in known.result["tables"]:
                for admin in (self.source, self.target):
                    if admin.has_database(self.database) and admin.one(
                        self.database, f"select to_regclass({literal(table)})"
                    ):
                        admin.rows(self.database, f"alter table {table} replica identity default")
            self.task.journal.forget(f"{self.task.job}/identity")
        return (*self.out.leftovers(), *self.back.leftovers())

    def _identities(self) -> None:
        """Tables without a key get an identity first: publishing one makes the source's own UPDATE fail."""

        def keyless() -> dict[str, Any]:
            rows = self.source.rows(
                self.database,
                "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = "
                f"c.relnamespace where c.relkind in ('r', 'p') and {_USER_TABLES} and (c.relreplident = 'n' or "
                "(c.relreplident = 'd' and not exists (select 1 from pg_index i where i.indrelid = c.oid and "
                "i.indisprimary))) order by 1",
            )
            return {"tables": [row[0] for row in rows]}

        key = f"{self.task.job}/identity"
        # The list is kept before anything is changed, so that cleanup knows what to give back.
        tables = once(
            self.task.journal,
            key,
            "note tables without a key",
            detail={},
            probe=lambda _: None,
            act=lambda _: keyless(),
        )["tables"]
        for table in tables:
            self.source.rows(self.database, f"alter table {table} replica identity full")

    def _load_schema(self, mark: str) -> None:
        self._drop_target()
        far = self._far(self.tunnel.at_target)
        quiet = "grep -vE '^(CREATE|ALTER) ROLE \"?postgres\"?[ ;]'"
        # Roles that are there already make their CREATE fail; ALTER follows and sets what they should be.
        self._pipe(
            self.target,
            f"pg_dumpall --globals-only {far} | {quiet} | {self.target.prefix} psql -Xq -d postgres",
            "roles",
        )
        lacking = {row[0] for row in self.source.rows("postgres", "select rolname from pg_roles")} - {
            row[0] for row in self.target.rows("postgres", "select rolname from pg_roles")
        }
        if lacking:
            raise RemoteError(f"roles are missing: {', '.join(sorted(lacking))}", where=self.target.host.name)
        self._pipe(
            self.target,
            f"pg_dump -s -C --no-publications --no-subscriptions {far} {self._quoted}"
            " | grep -v '^ALTER DATABASE .* SET default_transaction_read_only '"
            f" | {self.target.prefix} psql -Xq -v ON_ERROR_STOP=1 -d postgres",
            "the schema",
        )
        self.target.rows("postgres", f"comment on database {ident(self.database)} is {literal(mark)}")

    def _drop_target(self) -> None:
        """Drop what an earlier attempt loaded.

        Raises:
            Refused: The database there is not ours, or it is in service.
        """
        if not self.target.has_database(self.database):
            return
        comment = self.target.comment(self.database)
        if not comment.startswith(f"{self.task.job} {SEEDING}"):
            count = (
                f"select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where {_USER_TABLES}"
            )
            if comment == f"{self.task.job} {LIVE}" or int(self.target.one(self.database, count)):
                raise Refused(
                    f"database {self.database} stands at the target already and is "
                    + ("in service" if comment == f"{self.task.job} {LIVE}" else "not ours"),
                    where=self.target.host.name,
                    hint="Nothing is overwritten. Roll back first, or drop that database by hand.",
                )
        self.out.unsubscribe()
        self.target.rows("postgres", f"alter database {ident(self.database)} allow_connections false")
        self.target.end_clients(self.database)
        self.target.rows("postgres", f"drop database {ident(self.database)}")

    def _copied(self, total: int) -> bool | None:
        states = self.target.rows(
            self.database,
            "select r.srsubstate, count(*) from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid "
            f"where s.subname = {literal(self.out.name)} group by 1",
        )
        done = int(self.target.one("postgres", f"select pg_database_size({literal(self.database)})"))
        self.task.tell("copy", done=min(done, total), total=total)
        wanted = int(
            self.source.one(
                self.database, f"select count(*) from pg_publication_tables where pubname = {literal(self.out.name)}"
            )
        )
        ready = sum(int(count) for state, count in states if state == "r")
        self.out.complain()
        # No table at all is no copy: a plan that moves an empty database has named the wrong one.
        if wanted == 0:
            raise RemoteError(f"{self.database} has no tables to replicate", where=self.source.host.name)
        return True if ready >= wanted and all(state == "r" for state, _ in states) else None

    def _others(self, giver: Admin, taker: Admin, sockets: str) -> list[str]:
        """Carry what replication does not: both ends are frozen, and ``sockets`` leads from taker to giver."""
        ask = f"psql -XAtq {self._far(sockets)} -d {self._quoted} -c {shlex.quote(_SEQUENCES)}"
        taker.shell(f"{ask} | {self._near(taker)} >/dev/null", timeout_s=self.task.left(300), what="carrying sequences")
        notes = []
        if giver.one(self.database, _BLOBS) != taker.one(self.database, _BLOBS):
            notes.append("large objects copied while writers were stopped")
            taker.rows(self.database, "select lo_unlink(oid) from pg_largeobject_metadata")
            if giver.one(self.database, _BLOBS):
                dump = f"pg_dump -Fc -b -a -T '*.*' {self._far(sockets)} {self._quoted}"
                load = f"{taker.prefix} pg_restore --exit-on-error -d {self._quoted}"
                self._pipe(taker, f"{dump} | {load}", "large objects")
        for schema, table in self._relations(giver, "c.relkind = 'r' and c.relpersistence = 'u'"):
            notes.append(f"unlogged table {table} copied while writers were stopped")
            full = f"{ident(schema)}.{ident(table)}"
            taker.rows(self.database, f"truncate {full}")
            dump = f"pg_dump -a -t {shlex.quote(full)} {self._far(sockets)} {self._quoted}"
            self._pipe(taker, f"{dump} | {self._near(taker)}", f"unlogged table {table}")
        for schema, view in self._relations(giver, "c.relkind = 'm' and c.relispopulated"):
            full = f"{ident(schema)}.{ident(view)}"
            taker.rows(self.database, f"refresh materialized view {full}", timeout_s=self.task.left(3600))
        return notes

    def _relations(self, giver: Admin, condition: str) -> list[tuple[str, str]]:
        rows = giver.rows(
            self.database,
            "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            f"where {condition} and {_USER_TABLES} order by c.oid",
        )
        return [(schema, name) for schema, name in rows]

    def _mark(self, state: str) -> None:
        text = literal(f"{self.task.job} {state}")
        self.target.rows("postgres", f"comment on database {ident(self.database)} is {text}")

    @property
    def _quoted(self) -> str:
        return shlex.quote(self.database)

    def _far(self, sockets: str) -> str:
        return f"-h {shlex.quote(sockets)} -p {PORT} -U postgres"

    def _near(self, admin: Admin) -> str:
        return f"{admin.prefix} psql -Xq -v ON_ERROR_STOP=1 -d {self._quoted}"

    def _pipe(self, taker: Admin, script: str, what: str) -> None:
        taker.shell(script, timeout_s=self.task.left(3600), what=f"carrying {what}")


def blockers(source: Admin, target: Admin, database: str) -> list[str]:
    """Why logical replication cannot work here, in words; empty when it can."""
    why = []
    if source.version < 100000:
        why.append("the source is older than PostgreSQL 10")
    if (level := source.one("postgres", "show wal_level")) != "logical":
        why.append(f"wal_level is {level} at the source, which takes a restart to change")
    free = """select (select setting::int from pg_settings where name = 'max_replication_slots')
  - (select count(*) from pg_replication_slots), (select setting::int from pg_settings where name = 'max_wal_senders')
  - (select count(*) from pg_stat_replication)"""
    if any(int(count) < 2 for count in source.rows("postgres", free)[0]):
        why.append("the source has no free replication slots or senders")
    for admin in (source, target):
        if not admin.trusted:
            why.append(f"{admin.host.name} lets no administrator in through the socket without sudo")
        elif len(set(admin.host.text(f"stat -c %u {SOCKETS}/.s.PGSQL.{admin.port}; id -u").split())) > 1:
            why.append(f"the server on {admin.host.name} runs as another user, who cannot use our sockets")
    if source.one("postgres", f"select 1 from pg_prepared_xacts where database = {literal(database)}"):
        why.append("prepared transactions are open")
    return why
