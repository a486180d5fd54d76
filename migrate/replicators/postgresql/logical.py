"""PostgreSQL by logical replication: the source's own words for schema and roles, then its changes as they happen.

Before the switch the target subscribes to the source; afterwards the source subscribes to the target, so that a
rollback keeps what was written there. One direction at a time. Source of every step: measured on PostgreSQL 15 to 18.
"""

import shlex
from dataclasses import dataclass
from functools import cached_property

from migrate.hosts import wait_until
from migrate.replicators.ports import Moved, Task
from migrate.replicators.postgresql import access, roles
from migrate.replicators.postgresql.channel import Channel
from migrate.replicators.postgresql.extras import Extras
from migrate.replicators.postgresql.psql import SOCKETS, Admin, ident, literal
from migrate.replicators.tunnel import PORT, Tunnel
from migrate.verify import postgresql_shape as shape
from migrate.verify.postgresql import filled_tables, shapes_of
from pse.core.errors import Refused, RemoteError

_USER_TABLES = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_CALM_S = 60.0
"""Seconds that the way back may take to catch up while users are still on the new side."""


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
        attempt = self.task.key.rsplit("/", 1)[-1]
        mark = f"{self.task.job} {access.SEEDING} {attempt}"
        # The servers are asked, never the journal: what it calls done, a cleanup or a person may have taken away.
        whole = self.target.comment(self.database) == mark and self.out.subscribed
        if not whole or self.task.known("loaded") is None:
            # Rows without the subscription that copied them: nobody knows which are there, so all are copied anew.
            before, _ = shapes_of(self.source, self.source, self.database)
            filled = filled_tables(self.source, self.database)
            self._identities()
            self._load_schema(mark)
            passed = shape.as_loaded(before, *shapes_of(self.source, self.target, self.database))
            self.task.note("loaded", {"passed": passed, "filled": filled})
            # Once more, for what was made while the schema was loaded.
            self._identities()
            self.out.publish()
            # A creation that was cut off may have left its slot without a subscription.
            self.out.drop_slot()
            self.out.subscribe(self.tunnel.at_target, "copy_data = true, streaming = on")
        total = int(self.source.one("postgres", f"select pg_database_size({literal(self.database)})"))
        wait_until(lambda: self._copied(total), within_s=self.task.left(24 * 3600), what="the first copy", every_s=0.2)
        size = "select coalesce(sum(pg_table_size(c.oid)), 0)::bigint from pg_class c join pg_namespace n on n.oid = "
        size += f"c.relnamespace where c.relkind = 'r' and {_USER_TABLES}"
        sent = int(self.target.one(self.database, size))
        return Moved(sent=sent, note="logical replication; size of the tables as sent")

    def caught_up(self, *, within_s: float) -> Moved:
        """Wait until the target has everything that the source wrote before this call."""
        self.no_drift()
        self.tunnel.ensure()
        return Moved(sent=self.out.reach(within_s=within_s), note="logical replication", behind_s=0.0)

    def no_drift(self) -> None:
        """Schema and roles are copied once, with the seed: what changed since must be known before users are moved.

        Raises:
            Refused: Names what differs.
        """
        mine, theirs = shapes_of(self.source, self.target, self.database)
        noted = self.task.known("loaded") or {"passed": {}}
        names = shape.unlike(mine, theirs, noted["passed"])
        words = [shape.say(names, mine, theirs)] if names else []
        words += [f"table {table}: made anew" for table in self.out.unpublished() if f"table {table}" not in names]
        if words:
            raise Refused(
                f"schema or roles of {self.database} changed after they were copied: {'; '.join(words)}",
                where=self.source.host.name,
                hint="Nothing was switched. Run `pse migrate` again: it copies anew. No such changes until it is done.",
            )

    def finish(self) -> Moved:
        """Sequences, large objects, unlogged tables and materialised views; writers are stopped."""
        # Whatever the last pass left between the hosts may be gone.
        self.tunnel.ensure()
        return Moved(note="; ".join(Extras(self.task, self.source, self.target, self.tunnel.at_target).carry()))

    def arm(self) -> Moved:
        """Turn the direction: both ends are equal and frozen, so what is written from here on is all there is."""
        self.tunnel.ensure()
        self.out.unsubscribe()
        self.out.unpublish()
        self.back.publish()
        self.back.make_slot()
        if not self.back.subscribed:
            # Not enabled yet: until the record is switched the guard may give the source back, and nothing may flow in.
            options = f"copy_data = false, create_slot = false, enabled = false, slot_name = {literal(self.back.name)}"
            self.back.subscribe(self.tunnel.at_source, options)
        access.mark(self.task, self.target, access.LIVE)
        return Moved(note="what the target writes goes back to the source, but for changes of the schema")

    def flow_back(self) -> None:
        """Users are at the target: its rows go to the source from here on; quiet when the way back is gone."""
        if self.back.subscribed:
            self.back.enable()

    def way_back(self) -> list[str]:
        """Look, with users still at the target, whether its writes can come back.

        Returns:
            What differs and stays at the target, in words.

        Raises:
            Refused: Something cannot come back; nothing was stopped.
        """
        self._open_way_back()
        mine, theirs = shapes_of(self.source, self.target, self.database)
        passed = (self.task.known("loaded") or {"passed": {}})["passed"]
        names = shape.unlike(mine, theirs, passed)
        if stuck := shape.stuck(names, mine):
            raise Refused(
                f"tables were changed at the target, so their rows cannot come back: {shape.say(stuck, mine, theirs)}",
                where=self.target.host.name,
                hint="Nothing was stopped. Make the same change at the source by hand, as its administrator with "
                "`set default_transaction_read_only = off`, or take it back at the target; then roll back again.",
            )
        try:
            self.back.reach(within_s=self.task.left(_CALM_S))
        except RemoteError as exc:
            raise Refused(
                f"what was written at the target does not come through: {exc.message}"
                + (f" (changed there: {shape.say(names, mine, theirs)})" if names else ""),
                where=self.source.host.name,
                hint="Nothing was stopped. The log of the source's database server names the row; mend it there "
                "(a unique key or a reference that the target no longer has?), then roll back again.",
            ) from exc
        self._make_new()
        mine, theirs = shapes_of(self.source, self.target, self.database)
        names = shape.unlike(mine, theirs, passed)
        return [shape.say(names, mine, theirs)] if names else []

    def catch_up(self) -> Moved:
        """Bring what the target wrote since `arm` to the source; the target is frozen.

        Raises:
            Refused: The slot that keeps those writes is gone, or a new table cannot be made at the source.
        """
        self._open_way_back()
        sent = self.back.reach(within_s=self.task.left(3600))
        self._make_new()
        notes = self._extras_back.carry()
        if new := self.back.unpublished():
            self._extras_back.rows_of(new)
            notes.append(f"tables made at the target: {', '.join(new)}")
        return Moved(sent=sent, note="; ".join(["logical replication from target to source", *notes]))

    def _open_way_back(self) -> None:
        """Look that the way back stands, and let what waits there through."""
        if not self.back.whole:
            raise Refused(
                f"the way back of {self.database} is lost: its slot or subscription is gone",
                where=self.task.move.id,
                hint="Rows written at the target since the cut-over would be missing at the source; copy them by hand.",
            )
        self.tunnel.ensure()
        self.back.enable()

    def _make_new(self) -> None:
        """Make tables that are new at the target at the source, empty, after all rows that came by themselves.

        In this order a new partition finds no row of its own left in the old default partition.

        Raises:
            Refused: Some cannot be made; the others are.
        """
        mine, theirs = shapes_of(self.source, self.target, self.database)
        new = [name.split(" ", 1)[1] for name in sorted(theirs.keys() - mine.keys()) if name.startswith("table ")]
        if failed := self._extras_back.make(new):
            raise Refused(
                "tables made at the target cannot be made at the source: "
                + "; ".join(f"{table}: {why}" for table, why in failed.items()),
                where=self.source.host.name,
                hint="Make what they need at the source by hand, as its administrator with `set "
                "default_transaction_read_only = off`, or drop them at the target, then roll back again.",
            )

    @property
    def _extras_back(self) -> Extras:
        return Extras(self.task, self.target, self.source, self.tunnel.at_source)

    def disarm(self) -> None:
        """End the way back and the joined sockets; quiet when there is none."""
        self.back.unsubscribe()
        if self.target.has_database(self.database):
            self.back.unpublish()
            if access.live(self.task, self.target):
                access.mark(self.task, self.target, f"{access.SEEDING} -")
        self.tunnel.end()

    def cleanup(self) -> tuple[str, ...]:
        """Remove slots, publications, subscriptions and replica identities of the move; list what is left."""
        self.disarm()
        self.out.unsubscribe()
        self.out.unpublish()
        self._give_back_identities(self.source, self.target)
        return (*self.out.leftovers(), *self.back.leftovers())

    def cleanup_source(self) -> tuple[str, ...]:
        """As `cleanup`, where the target's server is gone: nothing of it is asked."""
        self.back.drop_subscription()
        self.out.drop_slot()
        self.out.unpublish()
        self._give_back_identities(self.source)
        return (*self.out.left_at_publisher(), *self.back.left_at_subscriber())

    def _give_back_identities(self, *admins: Admin) -> None:
        known = self.task.journal.find(f"{self.task.job}/identity")
        if known is not None and known.result is not None:
            for table, identity in known.result["tables"].items():
                for admin in admins:
                    if admin.has_database(self.database) and admin.one(
                        self.database, f"select to_regclass({literal(table)})"
                    ):
                        admin.rows(self.database, f"alter table {table} replica identity {identity}")
            self.task.journal.forget(f"{self.task.job}/identity")

    def _identities(self) -> None:
        """Tables without a key get an identity first: publishing one makes the source's own UPDATE fail."""
        found = self.source.rows(
            self.database,
            f"""select format('%I.%I', n.nspname, c.relname), case c.relreplident when 'd' then 'default' else 'nothing'
end from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and c.relpersistence = 'p'
and {_USER_TABLES} and c.relreplident <> 'f' and not exists (select 1 from pg_index i where i.indrelid = c.oid
  and i.indisvalid and i.indimmediate and case c.relreplident when 'd' then i.indisprimary when 'i' then
  i.indisreplident end)""",
        )
        if not found:
            return
        key = f"{self.task.job}/identity"
        # What is to be given back is kept before anything is changed.
        intent = self.task.journal.open(key, "note tables without a key", {})
        noted = intent.result["tables"] if intent.result is not None else {}
        self.task.journal.done(key, {"tables": {**noted, **dict(found)}})
        self.source.rows(self.database, "".join(f"alter table {name} replica identity full;\n" for name, _ in found))

    def _load_schema(self, mark: str) -> None:
        self._drop_target()
        # Known before it exists: else a load that was cut off would count as somebody else's database.
        self.task.journal.open(self._loading, f"load the schema of {self.database}", {})
        far = self._far(self.tunnel.at_target)
        load = f"{roles.DUMP.format(far=far)} | {self.target.prefix} psql -Xq -d postgres"
        self._pipe(self.target, load, "roles")
        roles.settle(self.source, self.target)
        self._pipe(
            self.target,
            f"pg_dump -s -C --no-publications --no-subscriptions {far} {self._quoted}"
            " | grep -v '^ALTER DATABASE .* SET default_transaction_read_only '"
            f" | {self.target.prefix} psql -Xq -v ON_ERROR_STOP=1 -d postgres",
            "the schema",
        )
        self.target.rows("postgres", f"comment on database {ident(self.database)} is {literal(mark)}")
        self.task.journal.forget(self._loading)

    @property
    def _loading(self) -> str:
        return f"{self.task.job}/loading"

    def _drop_target(self) -> None:
        """Drop what an earlier attempt loaded; see `access.replaceable`."""
        if not self.target.has_database(self.database):
            return
        # Without it a load that was cut off would count as somebody else's database.
        if self.task.journal.find(self._loading) is None:
            access.replaceable(self.task, self.target)
        self.out.unsubscribe()
        self.target.rows("postgres", f"alter database {ident(self.database)} allow_connections false")
        self.target.end_clients(self.database)
        self.target.rows("postgres", f"drop database {ident(self.database)}")
        access.forget(self.task, at_target=True)

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
        if not self.out.subscribed:
            raise RemoteError(
                f"the subscription of {self.database} was taken away while it was copied",
                where=self.target.host.name,
                hint="Run again: it is copied anew.",
            )
        # No table at all is no copy: a plan that moves an empty database has named the wrong one.
        if wanted == 0:
            raise RemoteError(f"{self.database} has no tables to replicate", where=self.source.host.name)
        return True if ready >= wanted and all(state == "r" for state, _ in states) else None

    @property
    def _quoted(self) -> str:
        return shlex.quote(self.database)

    def _far(self, sockets: str) -> str:
        return f"-h {shlex.quote(sockets)} -p {PORT} -U postgres"

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
