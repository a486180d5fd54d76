"""One direction of GTID replication between two MariaDB servers: an account at one, a named connection at the other.

The replica keeps its position in a transactional table (``mysql.gtid_slave_pos``), with every transaction that it
applies: so nothing is applied twice or left out, wherever either server is killed. Source: MariaDB's documentation,
"Global Transaction ID" and "Multi-Source Replication".
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from migrate.hosts import wait_until
from migrate.replicators.mariadb.access import Options
from migrate.replicators.mariadb.server import Server, has_reached, literal
from pse.core.errors import RemoteError
from pse.core.text import printable

_LOST = frozenset({"1236"})
"""Errors of the reading thread that no new attempt mends: what the replica needs next is not there any more."""


@dataclass(frozen=True, eq=False)
class Channel:
    """Changes of databases on their way.

    Attributes:
        publisher: Where they are made.
        subscriber: Where they go.
        databases: Their names; nothing of others is applied.
        name: Of the connection at the subscriber and of the account at the publisher.
        but: Tables, as ``database.table``, whose changes are left out.
    """

    publisher: Server
    subscriber: Server
    databases: Sequence[str]
    name: str
    but: Sequence[str] = ()

    def subscribe(self, port: int, position: str, *options: str) -> None:
        """Make account and connection; nothing flows before `resume`.

        Args:
            port: At the subscriber, leads to the publisher.
            position: Of the publisher: what comes after it is to flow.
            options: Lines for the subscriber's file of options.
        """
        self._options.write("skip_slave_start", *options)
        self.unsubscribe(keep_options=True)
        password = secrets.token_hex(24)
        # Only its digest is said here; the other end keeps the password for as long as the connection is there.
        digest = hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324 - the protocol's
        self.publisher.rows(
            f"create user {self._account} identified via mysql_native_password using '*{digest}';\n"
            f"grant replication slave on *.* to {self._account};\n"
        )
        self.subscriber.rows(
            f"set session sql_log_off = 1;\nset global gtid_slave_pos = {literal(position)};\n"
            f"change master {literal(self.name)} to master_host = '127.0.0.1', master_port = {port}, master_user = "
            f"{literal(self.name)}, master_password = {literal(password)}, master_use_gtid = slave_pos, "
            "master_connect_retry = 1, master_ssl = 0;\n"
        )

    @property
    def subscribed(self) -> bool:
        """The connection is there, and the account that it needs."""
        return bool(self.status()) and bool(self.publisher.one(f"select 1 from mysql.user where user = '{self.name}'"))

    def status(self) -> dict[str, str]:
        """What the subscriber says of the connection; empty when there is none."""
        names = [row[0] for row in self.subscriber.rows("show all slaves status")]
        return self.subscriber.record(f"show slave {literal(self.name)} status") if self.name in names else {}

    @property
    def flows(self) -> bool:
        """Both threads run."""
        status = self.status()
        return status.get("Slave_IO_Running") != "No" and status.get("Slave_SQL_Running") == "Yes"

    def resume(self) -> None:
        """Let changes through; quiet when they flow already. What is let through is said anew: a restart forgets it."""
        if self.flows:
            return
        do = ",".join(f"{_pattern(name)}.%" for name in self.databases)
        ignore = ",".join(".".join(map(_pattern, table.split(".", 1))) for table in self.but)
        name = literal(self.name)
        self.subscriber.rows(
            f"set session default_master_connection = {name};\nstop slave {name};\n"
            f"set global replicate_wild_do_table = {literal(do)};\n"
            f"set global replicate_wild_ignore_table = {literal(ignore)};\nstart slave {name};\n"
        )

    def unsubscribe(self, *, keep_options: bool = False) -> None:
        """Take connection, account and options away; quiet when they are gone."""
        self.unsubscribe_here(keep_options=keep_options)
        self.publisher.rows(f"drop user if exists {self._account}")

    def unsubscribe_here(self, *, keep_options: bool = False) -> None:
        """As `unsubscribe`, asking nothing of the publisher."""
        if self.status():
            name = literal(self.name)
            self.subscriber.rows(f"stop slave {name};\nreset slave {name} all;\n")
        if not keep_options:
            self._options.remove()

    def position(self) -> str:
        """Where the publisher's log stands now."""
        return self.publisher.one("select @@global.gtid_binlog_pos")

    def reached(self) -> str:
        """Up to where the subscriber has everything."""
        return self.subscriber.one("select @@global.gtid_slave_pos")

    def reach(self, *, within_s: float) -> None:
        """Wait until the subscriber has everything written before this call.

        Raises:
            RemoteError: A change cannot be applied, the log is lost, or the time is over.
        """
        wanted = self.position()

        def look() -> bool | None:
            if has_reached(self.reached(), wanted):
                return True
            self.complain()
            return None

        wait_until(look, within_s=within_s, what="catching up", where=self.subscriber.host.name)

    def complain(self) -> None:
        """A change that cannot be applied stops replication for good; it is said, never skipped.

        Raises:
            RemoteError: It has stopped, or the connection is gone.
        """
        status = self.status()
        if not status:
            raise RemoteError("the replication connection is gone", where=self.subscriber.host.name)
        if status.get("Last_SQL_Errno", "0") != "0":
            raise RemoteError(
                f"a change cannot be applied: {printable(status.get('Last_SQL_Error', ''))[:300]}",
                where=self.subscriber.host.name,
                hint="Find out who wrote there; nothing is skipped. Mend the row, or run again: it is copied anew.",
            )
        if status.get("Last_IO_Errno", "0") in _LOST:
            raise RemoteError(
                f"changes that are needed next are lost: {printable(status.get('Last_IO_Error', ''))[:300]}",
                where=self.publisher.host.name,
                hint="Keep the binary log for longer (binlog_expire_logs_seconds), then run again: it is copied anew.",
            )

    def left_at_publisher(self) -> list[str]:
        """The account, when it is still there."""
        found = self.publisher.column(f"select user from mysql.user where user = '{self.name}'")
        return [f"{self.publisher.host.name}: account {one}" for one in found]

    def left_at_subscriber(self) -> list[str]:
        """The connection, when it is still there."""
        return [f"{self.subscriber.host.name}: replication connection {self.name}"] if self.status() else []

    @property
    def _account(self) -> str:
        # Through the joined sockets everybody comes from the publisher's own host.
        return f"'{self.name}'@'localhost'"

    @property
    def _options(self) -> Options:
        return Options(self.subscriber, self.name.replace("_", "-"))


def _pattern(name: str) -> str:
    return name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
