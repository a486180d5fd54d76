"""Databases: sizes where the login user may ask, over the local socket only."""

import msgspec

from inventory.facts.base import Fact, Section, number, text

_QUERY = (
    "SELECT datname, pg_database_size(oid), current_setting('server_version') FROM pg_database "
    "WHERE NOT datistemplate AND datallowconn ORDER BY datname"
)


_SOCKETS = "/var/run/postgresql/.s.PGSQL.* /tmp/.s.PGSQL.*"


class PostgresDatabase(msgspec.Struct, frozen=True, kw_only=True):
    """One database: its name, bytes on disk and the server's version."""

    name: str
    bytes: int
    version: str


class PostgresServer(msgspec.Struct, frozen=True, kw_only=True):
    """One PostgreSQL server with a socket on this host.

    Attributes:
        port: Port in the socket's name.
        databases: Its databases, templates left out.
        denied: Why it did not answer the question; empty when it did.
    """

    port: int
    databases: tuple[PostgresDatabase, ...] = ()
    denied: str = ""


class PostgresFact(Fact[tuple[PostgresServer, ...]]):
    """Asks each local PostgreSQL socket as `postgres`, read-only, without a password and never over the network.

    Only the distribution's own `psql` on the fixed PATH is run, never a program found in a list of processes. Fields
    are separated by NUL, which no database name can hold.
    """

    name = "postgres"
    section = Section(
        sh=f"""
for s in {_SOCKETS}; do
  if [ ! -S "$s" ]; then continue; fi
  printf 'server\\0%s\\0' "${{s##*.}}"
  if ! command -v psql >/dev/null; then printf 'error\\0psql is not installed\\0'; continue; fi
  printf 'rows\\0'
  PGCONNECT_TIMEOUT=3 PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=4000' \\
    psql -XAtqw0 -z -U postgres -h "${{s%/*}}" -p "${{s##*.}}" -d postgres -c "{_QUERY}" 2>&1
  printf 'end\\0%s\\0' "$?"
done
:""",
        reads=("/var/run/postgresql/.s.PGSQL.*", "/tmp/.s.PGSQL.*", "pg_database over the local socket, as postgres"),  # noqa: S108 - the socket's other usual folder, only read
        runs=("psql",),
        timeout_s=10,
        when=f'for s in {_SOCKETS}; do if [ -S "$s" ]; then return 0; fi; done; return 1',
    )

    def parse(self, raw: bytes) -> tuple[PostgresServer, ...] | None:
        """See `PostgresServer`, sorted by port; None when no socket is here."""
        found: dict[int, PostgresServer] = {}
        for part in raw.split(b"server\0")[1:]:
            port, _, rest = part.partition(b"\0")
            at = number(text(port))
            if at is None or at > 65535:
                continue
            found[at] = _server(at, rest)
        return tuple(found[port] for port in sorted(found)) or None


def _server(port: int, rest: bytes) -> PostgresServer:
    kind, _, body = rest.partition(b"\0")
    if kind == b"error":
        return PostgresServer(port=port, denied=text(body.partition(b"\0")[0]))
    rows, _, rc = body.rpartition(b"end\0")
    if rc.rstrip(b"\0") != b"0":
        return PostgresServer(port=port, denied=text(rows)[:300] or "no answer")
    words = [text(word) for word in rows.split(b"\0")]
    databases = []
    for name, size, version in zip(words[0::3], words[1::3], words[2::3], strict=False):
        if (size_bytes := number(size)) is not None:
            databases.append(PostgresDatabase(name=name, bytes=size_bytes, version=version.split(" ")[0]))
    return PostgresServer(port=port, databases=tuple(databases))
