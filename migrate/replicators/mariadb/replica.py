"""MariaDB by GTID replication: a consistent dump, then the source's changes as they happen, and back the same way.

Before the switch the target is a replica of the source; afterwards the source is one of the target, so that a rollback
keeps what was written there. One direction at a time. Changes of the schema flow, too; accounts do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from migrate.replicators.mariadb.channel import Channel
from migrate.replicators.mariadb.copy import Copy
from migrate.replicators.mariadb.mark import LIVE, SEEDED, SEEDING
from migrate.replicators.mariadb.server import Server, has_reached, literal
from migrate.replicators.mariadb.tunnel import Joined
from migrate.replicators.ports import Moved, Task
from migrate.verify import mariadb_bulk, mariadb_shape
from migrate.verify import postgresql_shape as shape
from migrate.verify.mariadb import filled_tables
from pse.core.errors import Refused, RemoteError
from pse.core.journal import once

_CALM_S = 60.0
"""Seconds that the way back may take to catch up while users are still on the new side."""


@dataclass(frozen=True, eq=False)
class Replica:
    """Databases between two servers.

    Attributes:
        task: The move.
        source: Server at the source.
        target: Server at the target.
        databases: Their names.
        still: Tables (``database.table``) without transactions: they are in no snapshot, so their rows are carried when
            nobody writes any more.
    """

    task: Task
    source: Server
    target: Server
    databases: Sequence[str]
    still: Sequence[str] = ()

    @cached_property
    def copy(self) -> Copy:
        """What is carried in streams."""
        return Copy(self.task, self.source, self.target, self.databases)

    @cached_property
    def out(self) -> Channel:
        """From source to target, before the switch."""
        name = self.task.job.replace("-", "_")
        return Channel(self.source, self.target, self.databases, f"{name}_out", but=self.still)

    @cached_property
    def back(self) -> Channel:
        """From target to source, after it."""
        return Channel(self.target, self.source, self.databases, f"{self.task.job.replace('-', '_')}_rev")

    @cached_property
    def joined(self) -> Joined:
        """The session that joins both servers."""
        return Joined(self.task.passage, self.source, self.target)

    def seed(self) -> Moved:
        """Rows and accounts, then a replica from exactly that snapshot on."""
        self.joined.ensure()
        state = f"{SEEDED} {self.task.key.rsplit('/', 1)[-1]}"
        sent = 0
        # The servers are asked, never the journal: what it calls done, a cleanup or a person may have taken away.
        if self.copy.mark.state() != state or not self.out.subscribed or self.task.known("loaded") is None:
            self.out.unsubscribe()
            self.copy.begin(f"{SEEDING} {self.task.key.rsplit('/', 1)[-1]}")
            before, _ = mariadb_shape.shapes_of(self.source, self.source, self.databases)
            filled = filled_tables(self.source, self.databases)
            sent, position = self.copy.rows(but=self.still)
            self.copy.accounts()
            passed = shape.as_loaded(before, *mariadb_shape.shapes_of(self.source, self.target, self.databases))
            self.task.note("loaded", {"passed": passed, "filled": filled})
            self.task.journal.forget(f"{self.task.key}/bulk")
            self._note_position(self.target)
            self.out.subscribe(self.joined.at_target, position)
            self.copy.mark.set(state)
        self.out.resume()
        return Moved(sent=sent, note="GTID replication from a consistent dump")

    def caught_up(self, *, within_s: float, final: bool) -> Moved:
        """Wait until the target has everything that the source wrote before this call; compare the bulk meanwhile."""
        self.no_drift()
        self.joined.ensure()
        self.out.resume()
        self.out.reach(within_s=within_s)
        if not final and self.task.known("bulk") is None:
            self.task.note("bulk", mariadb_bulk.take(self.out, within_s=within_s))
            self.out.reach(within_s=within_s)
        return Moved(note="GTID replication", behind_s=0.0)

    def no_drift(self) -> None:
        """What does not flow by itself must be as it was copied before users are moved.

        Raises:
            Refused: Names what differs.
        """
        mine, theirs = mariadb_shape.roles_of(self.source, self.target)
        passed = (self.task.known("loaded") or {"passed": {}})["passed"]
        names = shape.unlike(mine, theirs, passed)
        words = [shape.say(names, mine, theirs)] if names else []
        words += [f"database {one}: new" for one in self.source.databases() if one not in self.databases]
        if self.source.rows("xa recover"):
            words.append("transactions are prepared and not committed (XA)")
        if words:
            raise Refused(
                f"what replication does not carry changed after it was copied: {'; '.join(words)}",
                where=self.source.host.name,
                hint="Nothing was switched. Run `pse migrate` again: it copies anew. No such changes until it is done.",
            )

    def finish(self) -> Moved:
        """Tables without transactions, sequences, automatic keys, events; writers are stopped."""
        sent = self.copy.still(self.still)
        self.copy.counters()
        self.copy.events()
        return Moved(sent=sent, note=f"carried with writers stopped: {', '.join(self.still)}" if self.still else "")

    def arm(self) -> Moved:
        """Turn the direction: both ends are equal and frozen, so what is written from here on is all there is."""
        if not (self.copy.mark.live and self.back.subscribed):
            self.joined.ensure()
            self.out.unsubscribe()
            self._note_position(self.source)
            # Nothing flows yet: until the record is switched the guard may give the source back.
            self.back.subscribe(self.joined.at_source, self.target.one("select @@global.gtid_current_pos"))
            self.copy.mark.set(LIVE)
        self.copy.serve()
        return Moved(note="what the target writes goes back to the source, but for accounts")

    def flow_back(self) -> None:
        """Users are at the target: what it writes goes to the source from here on; quiet when the way is gone."""
        if self.back.subscribed:
            self.joined.ensure()
            self.back.resume()

    def way_back(self) -> list[str]:
        """Look, with users still at the target, whether its writes can come back.

        Returns:
            What differs and stays at the target, in words.

        Raises:
            Refused: Something cannot come back; nothing was stopped.
        """
        self._open_way_back()
        try:
            self.back.reach(within_s=self.task.left(_CALM_S))
        except RemoteError as exc:
            raise Refused(
                f"what was written at the target does not come through: {exc.message}",
                where=self.source.host.name,
                hint="Nothing was stopped. Mend at the source what the message names, as its administrator; then roll "
                "back again.",
            ) from exc
        passed = (self.task.known("loaded") or {"passed": {}})["passed"]
        mine, theirs = mariadb_shape.roles_of(self.source, self.target)
        words = [f"database {one}" for one in self.target.databases() if one not in self.databases]
        names = shape.unlike(mine, theirs, passed)
        return words + ([shape.say(names, mine, theirs)] if names else [])

    def catch_up(self) -> Moved:
        """Bring what the target wrote since `arm` to the source; the target is frozen.

        Raises:
            Refused: The connection that brings it is gone.
        """
        self._open_way_back()
        self.back.reach(within_s=self.task.left(3600))
        self.copy.counters(back=True)
        self.copy.events(back=True)
        return Moved(note="GTID replication from target to source")

    def _open_way_back(self) -> None:
        """Look that the way back stands, and let what waits there through."""
        if not self.back.subscribed:
            raise Refused(
                f"the way back of {', '.join(self.databases)} is lost: its account or connection is gone",
                where=self.task.move.id,
                hint="Rows written at the target since the cut-over would be missing at the source; copy them by hand.",
            )
        self.joined.ensure()
        self.back.resume()

    def dammed(self) -> bool:
        """The target wrote something that was never let through."""
        if not self.back.status():
            return False
        return not has_reached(self.back.reached(), self.back.position())

    def disarm(self) -> None:
        """End the way back and the session; quiet when there is none."""
        # The source first: its writers wait, and the target may be out of reach.
        self.back.unsubscribe_here()
        self._give_back_position(self.source)
        self.back.unsubscribe()
        if self.copy.mark.live:
            self.copy.mark.set(f"{SEEDING} -")
        self.joined.end()

    def cleanup(self) -> tuple[str, ...]:
        """Remove connections, accounts, options and, of a copy that is not in service, all that was made for it."""
        self.out.unsubscribe()
        self._end_way_back()
        self.copy.clear()
        if not self.copy.mark.there:
            # Not while the way back may be wanted: it is by this that the target knows where the source begins.
            self._give_back_position(self.target)
        ends = (self.out, self.back)
        return tuple(line for end in ends for line in (*end.left_at_publisher(), *end.left_at_subscriber()))

    def cleanup_source(self) -> tuple[str, ...]:
        """As `cleanup`, where the target's server is gone: nothing of it is asked."""
        self.back.unsubscribe_here()
        self._give_back_position(self.source)
        self.source.rows(f"drop user if exists '{self.out.name}'@'localhost'")
        return (*self.out.left_at_publisher(), *self.back.left_at_subscriber())

    def _end_way_back(self) -> None:
        self.back.unsubscribe()
        self._give_back_position(self.source)
        self.joined.end()

    def _note_position(self, server: Server) -> None:
        """A server's own position as a replica, which it has from earlier days; kept before it is changed."""
        once(
            self.task.journal,
            self._position(server),
            f"note the position of {server.host.name}",
            detail={},
            probe=lambda _: None,
            act=lambda _: {"value": server.one("select @@global.gtid_slave_pos")},
        )

    def _give_back_position(self, server: Server) -> None:
        key = self._position(server)
        known = self.task.journal.find(key)
        if known is not None:
            if known.result is not None:
                server.rows(f"set global gtid_slave_pos = {literal(known.result['value'])}")
            self.task.journal.forget(key)

    def _position(self, server: Server) -> str:
        return f"{self.task.job}/position-{'source' if server is self.source else 'target'}"
