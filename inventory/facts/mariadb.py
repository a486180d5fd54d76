"""MariaDB and MySQL: databases and sizes where the login user may ask, over the local socket only."""

import msgspec

from inventory.facts.base import Fact, Section, number, text

_SOCKETS = "/run/mysqld/*.sock /var/lib/mysql/mysql.sock /tmp/mysql.sock"
_QUERY = (
    "SELECT @@port, CONCAT(VERSION(), ' ', @@version_comment), '', 0 UNION ALL "
    "SELECT @@port, '', s.schema_name, COALESCE(SUM(t.data_length + t.index_length), 0) "
    "FROM information_schema.schemata s LEFT JOIN information_schema.tables t ON t.table_schema = s.schema_name "
    "WHERE s.schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') GROUP BY s.schema_name"
)


class MariadbDatabase(msgspec.Struct, frozen=True, kw_only=True):
    """One database: its name, and bytes of its tables and indexes."""

    name: str
    bytes: int


class MariadbServer(msgspec.Struct, frozen=True, kw_only=True):
    """One server with a socket on this host.

    Attributes:
        port: Its TCP port; 0 when it listens at none, or did not answer.
        engine: ``mariadb`` or ``mysql``; empty when it did not answer.
        version: As it says.
        databases: Those of users.
        denied: Why it did not answer the question; empty when it did.
    """

    port: int = 0
    engine: str = ""
    version: str = ""
    databases: tuple[MariadbDatabase, ...] = ()
    denied: str = ""


class MariadbFact(Fact[tuple[MariadbServer, ...]]):
    """Asks each local socket as the login user, then as `root`, without a password and never over the network.

    Only the distribution's own client on the fixed PATH is run, and it reads no file of options.
    """

    name = "mariadb"
    section = Section(
        sh=f"""
for s in {_SOCKETS}; do
  if [ ! -S "$s" ]; then continue; fi
  printf 'server\\0'
  c=mariadb; command -v mariadb >/dev/null || c=mysql
  if ! command -v $c >/dev/null; then printf 'error\\0no client is installed\\0'; continue; fi
  o="--no-defaults --connect-timeout=3 -BN -S $s"
  $c $o -e 'SELECT 1' >/dev/null 2>&1 || o="$o -u root"
  printf 'rows\\0'; $c $o -e "{_QUERY}" 2>&1; printf 'end\\0%s\\0' "$?"
done
:""",
        reads=(*_SOCKETS.split(), "information_schema over the local socket"),
        runs=("mariadb", "mysql"),
        timeout_s=10,
        when=f'for s in {_SOCKETS}; do if [ -S "$s" ]; then return 0; fi; done; return 1',
    )

    def parse(self, raw: bytes) -> tuple[MariadbServer, ...] | None:
        """See `MariadbServer`, sorted by port; None when no socket is here."""
        found = [_server(part) for part in raw.split(b"server\0")[1:]]
        return tuple(sorted(found, key=lambda one: (one.port, one.denied))) or None


def _server(part: bytes) -> MariadbServer:
    kind, _, body = part.partition(b"\0")
    if kind == b"error":
        return MariadbServer(denied=text(body.partition(b"\0")[0]))
    rows, _, rc = body.rpartition(b"end\0")
    if rc.rstrip(b"\0") != b"0":
        return MariadbServer(denied=text(rows)[:300] or "no answer")
    port, said, databases = 0, "", []
    for line in text(rows).splitlines():
        words = line.split("\t")
        size = number(words[3].split(".")[0]) if len(words) == 4 else None
        if size is None:
            continue
        if words[2]:
            databases.append(MariadbDatabase(name=words[2], bytes=size))
        else:
            port, said = number(words[0]) or 0, words[1]
    return MariadbServer(
        port=port,
        engine="mariadb" if "mariadb" in said.lower() else "mysql",
        version=said.split("-")[0].split(" ")[0],
        databases=tuple(sorted(databases, key=lambda one: one.name)),
    )
