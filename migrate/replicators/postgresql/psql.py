"""PostgreSQL as an administrator of its host: SQL through psql there, so that no password is needed or carried."""

import re
import shlex
from functools import cached_property

from migrate.hosts import Host, HostCommandFailed, last_line
from pse.core.errors import RemoteError

SOCKETS = "/var/run/postgresql"
_UNIT = "\x1f"
_OPTIONS = "-c default_transaction_read_only=off -c search_path=pg_catalog -c statement_timeout=0"
# Frozen databases are read-only by default, for administrators, too: so every session of ours says otherwise.


class SqlFailed(RemoteError):
    """The database server refused a statement."""

    retryable = False


class Admin:
    """One database server, asked on its own host.

    Args:
        host: Where it runs.
        port: Its TCP port, which names its socket, too.
    """

    def __init__(self, host: Host, port: int) -> None:
        """Remember where it is; nothing is asked yet."""
        self.host = host
        self.port = port

    @cached_property
    def trusted(self) -> bool:
        """The login user is let in as ``postgres`` through the socket, without a password."""
        return self.host.run(f"{self._direct} psql -XAtqc 'select 1' -d postgres").rc == 0

    @property
    def _direct(self) -> str:
        return f"env PGOPTIONS={shlex.quote(_OPTIONS)} PGHOST={SOCKETS} PGPORT={self.port} PGUSER=postgres"

    @property
    def prefix(self) -> str:
        """What comes before a PostgreSQL program on that host."""
        if self.trusted:
            return self._direct
        return f"sudo -n -u postgres env PGOPTIONS={shlex.quote(_OPTIONS)} PATH=$PATH PGPORT={self.port}"

    @property
    def psql(self) -> str:
        """A command that runs SQL from its input and fails with the first statement that does."""
        return f"{self.prefix} psql -XAtq -v ON_ERROR_STOP=1 -d postgres"

    def rows(self, database: str, sql: str, *, timeout_s: float = 120.0) -> list[list[str]]:
        """Run statements, each in its own transaction; returns the rows of all results as text, NULL as ``""``.

        Raises:
            SqlFailed: A statement was refused; the message is the server's.
            Unreachable: The host, not the database, cannot be reached.
        """
        done = self.host.run(
            f"{self.prefix} psql -XAtq0 -v ON_ERROR_STOP=1 -F $'\\x1f' -d {shlex.quote(database)}",
            stdin=sql.encode("utf-8"),
            timeout_s=timeout_s,
        )
        if done.rc != 0:
            raise SqlFailed(f"{database}: {reason(done.stderr).split('ERROR:', 1)[-1].strip()}", where=self.host.name)
        return [row.split(_UNIT) for row in done.stdout.decode("utf-8", "replace").split("\0") if row]

    def one(self, database: str, sql: str) -> str:
        """The first field of the first row; empty when there is none."""
        rows = self.rows(database, sql)
        return rows[0][0] if rows else ""

    def shell(self, script: str, *, timeout_s: float, what: str) -> str:
        """Run a pipeline on that host; any part of it that fails fails the whole.

        Raises:
            HostCommandFailed: With the `reason`.
        """
        done = self.host.run(f"set -o pipefail\n{script}", timeout_s=timeout_s)
        if done.rc != 0:
            raise HostCommandFailed(f"{what} failed (exit {done.rc}): {reason(done.stderr)}", where=self.host.name)
        return done.stdout.decode("utf-8", "surrogateescape")

    @cached_property
    def version(self) -> int:
        """``server_version_num``, for example 150018."""
        return int(self.one("postgres", "show server_version_num"))

    def has_database(self, name: str) -> bool:
        """The database exists."""
        return bool(self.one("postgres", f"select 1 from pg_database where datname = {literal(name)}"))

    def comment(self, database: str) -> str:
        """The comment on a database."""
        return self.one(
            "postgres",
            "select shobj_description(oid, 'pg_database') from pg_database where datname = " + literal(database),
        )

    def end_clients(self, database: str) -> None:
        """End every client of the database but replication and ourselves; returns when they are gone."""
        self.rows("postgres", self.ending(database))

    def ending(self, database: str) -> str:
        """SQL of `end_clients`: looks at least twice, so that nobody slips in or is still committing afterwards."""
        return f"""do $do$ declare clear int := 0; begin
  for i in 1..500 loop
    perform pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'
      and pid <> pg_backend_pid() and datname = {literal(database)};
    clear := case when found then 0 else clear + 1 end;
    exit when clear = 2;
    perform pg_sleep(0.01), pg_stat_clear_snapshot();
  end loop;
end $do$;
"""


def admin_of(host: Host, port: int) -> Admin:
    """The administrator of the server on ``port`` of ``host``, or of its only other one.

    Raises:
        RemoteError: No server answers.
    """
    known = host.known.get(f"postgresql {port}")
    if isinstance(known, Admin):
        return known
    wanted = port or 5432
    answer = host.text(f"ls -A {SOCKETS} 2>/dev/null; true").split()
    ports = sorted(
        int(name.rsplit(".", 1)[1]) for name in answer if name.startswith(".s.PGSQL.") and name[9:].isdigit()
    )
    if wanted not in ports and len(ports) == 1:
        wanted = ports[0]
    admin = Admin(host, wanted)
    try:
        admin.one("postgres", "select 1")
    except (SqlFailed, HostCommandFailed) as exc:
        raise RemoteError(
            f"no PostgreSQL that lets an administrator in on port {wanted}: {exc.message}",
            where=host.name,
            hint="Let the login user in through the socket, or allow `sudo -n -u postgres`.",
        ) from exc
    host.known[f"postgresql {port}"] = admin
    return admin


def reason(log: bytes) -> str:
    """Why a PostgreSQL program failed, safe to show: what it, else the server said first; a hint or so follows that."""
    lines = [line for line in log.splitlines() if b"Broken pipe" not in line]
    for pattern in (rb"^\w+: (error|fatal): ", rb"(ERROR|FATAL): "):
        if telling := [line for line in lines if re.search(pattern, line)]:
            return last_line(telling[0])
    return last_line(log)


def ident(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A quoted literal, whatever ``standard_conforming_strings`` says."""
    if "\\" in text:
        return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"
