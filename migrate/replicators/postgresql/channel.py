"""One direction of logical replication between two servers: publication and slot at one, subscription at the other."""

import time
from dataclasses import dataclass

from migrate.hosts import wait_until
from migrate.replicators.postgresql.psql import Admin, SqlFailed, literal
from migrate.replicators.tunnel import PORT
from pse.core.errors import RemoteError

TABLES = """select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"""
"""SQL of the tables (quoted names) that can be replicated."""

_PATIENCE = 20
"""Failed attempts of a subscription that may be growing pains: its workers start again every few seconds."""
_STUCK = 2
"""Failed attempts while one waits for it to catch up; the first may have begun before the cause was mended."""


@dataclass(frozen=True, eq=False)
class Channel:
    """Changes of one database on their way.

    Attributes:
        publisher: Where they are made.
        subscriber: Where they go.
        database: Its name, the same on both.
        name: Name of publication, slot and subscription.
    """

    publisher: Admin
    subscriber: Admin
    database: str
    name: str

    def publish(self) -> None:
        """The tables that both ends have now, each partition by itself; quiet when it is there.

        Never those made later: without a key, publishing them would make their own writers' UPDATE fail.
        """
        both = ", ".join(literal(row[0]) for row in self.subscriber.rows(self.database, TABLES))
        self.publisher.rows(
            self.database,
            f"""do $do$ begin
if not exists (select 1 from pg_publication where pubname = {literal(self.name)}) then
  execute 'create publication {self.name}' || coalesce((select ' for table ' || string_agg('only ' || name, ', ')
    from ({TABLES}) t (name) where name = any (array[{both}]::text[])), '');
end if; end $do$""",
        )

    def unpublished(self) -> list[str]:
        """Tables (quoted names) of the publisher that were made, or made anew, after `publish`."""
        asked = f"""{TABLES} and not exists (select 1 from pg_publication_rel r join pg_publication p on
p.oid = r.prpubid where r.prrelid = c.oid and p.pubname = {literal(self.name)}) order by 1"""
        return [name for (name,) in self.publisher.rows(self.database, asked)]

    def unpublish(self) -> None:
        """Quiet when it is gone, or the database."""
        if self.publisher.has_database(self.database):
            self.publisher.rows(
                self.database, f"set client_min_messages = error; drop publication if exists {self.name}"
            )

    @property
    def subscribed(self) -> bool:
        """The subscription is there."""
        return bool(
            self.subscriber.one("postgres", f"select 1 from pg_subscription where subname = {literal(self.name)}")
        )

    def dammed(self) -> bool:
        """Nothing was let through yet, and the slot keeps changes, or has lost them."""
        name = literal(self.name)
        if not self.subscriber.one(
            "postgres", f"select 1 from pg_subscription where subname = {name} and not subenabled"
        ):
            return False
        state = self.publisher.one(
            "postgres", f"select coalesce(wal_status, 'lost') from pg_replication_slots where slot_name = {name}"
        )
        if state in ("", "lost"):
            return state == "lost"
        peek = (
            f"pg_logical_slot_peek_binary_changes({name}, null, 1, 'proto_version', '1', 'publication_names', {name})"
        )
        return bool(self.publisher.one(self.database, f"select 1 from {peek} limit 1"))

    def enable(self) -> None:
        """Let changes through; quiet when they flow already."""
        self.subscriber.rows(self.database, f"alter subscription {self.name} enable")

    def subscribe(self, sockets: str, options: str) -> None:
        """Make the subscription.

        Args:
            sockets: Folder at the subscriber whose socket leads to the publisher.
            options: As in ``CREATE SUBSCRIPTION … WITH``.
        """
        database = self.database.replace("\\", "\\\\").replace("'", "\\'")
        where = f"host={sockets} port={PORT} user=postgres dbname='{database}' application_name={self.name}"
        self.subscriber.rows(
            self.database,
            f"create subscription {self.name} connection {literal(where)} publication {self.name} with ({options})",
        )

    def unsubscribe(self) -> None:
        """Drop subscription and slots; does not need the joined sockets, and is quiet when they are gone."""
        if found := self.drop_subscription():
            # With the slots of table copies that were under way.
            self._drop_slots(f"(slot_name = {literal(self.name)} or slot_name like {literal(f'pg_{found}_sync_%')})")
        else:
            self.drop_slot()

    def drop_subscription(self) -> str:
        """Drop the subscription alone, asking nothing of the publisher; returns the number that it had, or nothing."""
        found = self.subscriber.one("postgres", f"select oid from pg_subscription where subname = {literal(self.name)}")
        if found:
            # Without its slot first: dropping must not depend on the other side answering.
            self.subscriber.rows(
                self.database,
                f"alter subscription {self.name} disable; alter subscription {self.name} set (slot_name = none); "
                f"drop subscription {self.name}",
            )
        return found

    def make_slot(self) -> None:
        """Keep every change from now on; quiet when the slot is there."""
        self.publisher.rows(
            self.database,
            f"select pg_create_logical_replication_slot({literal(self.name)}, 'pgoutput') "
            f"where not exists (select 1 from pg_replication_slots where slot_name = {literal(self.name)})",
        )

    def drop_slot(self) -> None:
        """End its sender and drop the slot; quiet when it is gone."""
        self._drop_slots(f"slot_name = {literal(self.name)}")

    @property
    def whole(self) -> bool:
        """Slot and subscription stand, and nothing that they need was thrown away."""
        rows = self.publisher.rows(
            "postgres", f"select wal_status from pg_replication_slots where slot_name = {literal(self.name)}"
        )
        return bool(rows) and rows[0][0] != "lost" and self.subscribed

    def position(self) -> str:
        """Where the publisher's log stands now."""
        return self.publisher.one(self.database, "select pg_current_wal_lsn()")

    def confirmed(self) -> str:
        """Up to where the subscriber has everything."""
        found = self.publisher.one(
            "postgres",
            "select coalesce(confirmed_flush_lsn, restart_lsn, '0/0') from pg_replication_slots "
            f"where slot_name = {literal(self.name)}",
        )
        return found or "0/0"

    def reach(self, *, within_s: float) -> int:
        """Wait until the subscriber has everything written before this call; returns the bytes of log between.

        Raises:
            RemoteError: The slot is lost, the subscription fails again and again, or the time is over.
        """
        before, lsn, failed = self.confirmed(), self.position(), self._failures()
        asked = f"""select confirmed_flush_lsn >= {literal(lsn)}::pg_lsn, wal_status from pg_replication_slots
where slot_name = {literal(self.name)}"""

        def look() -> bool | None:
            rows = self.publisher.rows("postgres", asked)
            if not rows or rows[0][1] == "lost":
                raise RemoteError(f"the slot of {self.database} is lost; it has to be seeded again", where=self.name)
            if rows[0][0] == "t":
                return True
            self.complain(since=failed, patience=_STUCK)
            return None

        wait_until(look, within_s=within_s, what=f"catching up with {self.database}", where=self.subscriber.host.name)
        difference = f"select greatest(0, pg_wal_lsn_diff({literal(lsn)}, {literal(before)}))::bigint"
        return int(self.publisher.one("postgres", difference))

    def complain(self, *, since: int = 0, patience: int = _PATIENCE) -> None:
        """A change that cannot be applied stops replication for good; it is said, never skipped.

        Args:
            since: Failures that are an old story.
            patience: Failures after them that may pass.

        Raises:
            RemoteError: The subscription has failed again and again.
        """
        if self._failures() - since > patience:
            raise RemoteError(
                f"the subscription of {self.database} fails again and again",
                where=self.subscriber.host.name,
                hint="Its server's log names the row or the table.",
            )

    def _failures(self) -> int:
        """Failed attempts since the subscription was made; always 0 before PostgreSQL 15, which does not count."""
        if self.subscriber.version < 150000:
            return 0
        found = self.subscriber.one(
            "postgres",
            "select apply_error_count + sync_error_count from pg_stat_subscription_stats "
            f"where subname = {literal(self.name)}",
        )
        return int(found or 0)

    def leftovers(self) -> list[str]:
        """What is still there, by host."""
        return self.left_at_publisher() + self.left_at_subscriber()

    def left_at_publisher(self) -> list[str]:
        """Slot and publication that are still there."""
        asked = f"select 'slot ' || slot_name from pg_replication_slots where slot_name = '{self.name}'"
        rows = self.publisher.rows("postgres", asked)
        if self.publisher.has_database(self.database):
            asked = f"select 'publication ' || pubname from pg_publication where pubname = '{self.name}'"
            rows += self.publisher.rows(self.database, asked)
        return [f"{self.publisher.host.name}: {row[0]}" for row in rows]

    def left_at_subscriber(self) -> list[str]:
        """The subscription, when it is still there."""
        asked = f"select 'subscription ' || subname from pg_subscription where subname = '{self.name}'"
        return [f"{self.subscriber.host.name}: {row[0]}" for row in self.subscriber.rows("postgres", asked)]

    def _drop_slots(self, condition: str) -> None:
        deadline = time.monotonic() + 15
        query = f"""select pg_terminate_backend(active_pid) from pg_replication_slots
where {condition} and active_pid is not null;
select pg_drop_replication_slot(slot_name) from pg_replication_slots where {condition}"""
        while True:
            try:
                self.publisher.rows("postgres", query)
            except SqlFailed as exc:
                if "is active" not in exc.message or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return
