"""MariaDB as an administrator of its host: SQL through its own client there, so that no password is needed or carried.

No statement of ours is written to a binary log (``sql_log_bin = 0``): what is made at one end must not flow to others.
"""

import re
import shlex
from functools import cached_property

from migrate.hosts import Host, HostCommandFailed, last_line
from migrate.replicators.postgresql.psql import SqlFailed
from pse.core.errors import RemoteError
from pse.core.text import printable

_SOCKETS = "/run/mysqld/*.sock /var/run/mysqld/*.sock /var/lib/mysql/*.sock /tmp/mysql*.sock"
_PINNED = (
    "set session sql_log_bin = 0, sql_mode = '', time_zone = '+00:00', lock_wait_timeout = 30, wait_timeout = 28800"
)
_OPTIONS = f"--default-character-set=utf8mb4 --max-allowed-packet=1G --init-command={shlex.quote(_PINNED)}"
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
"""Databases that every server has of its own."""
OURS = "^pse_[0-9a-f]{12}"
"""Pattern of names of databases and accounts that a move makes for itself; nobody else has such."""


class Server:
    """One database server, asked on its own host.

    Args:
        host: Where it runs.
        socket: Path of its socket.
        login: What comes before a client program so that it is let in: nothing, or ``sudo -n``.
        user: Option that names the account; empty for the one of the login user's name.
    """

    def __init__(self, host: Host, socket: str, login: str, user: str) -> None:
        """Remember where it is; nothing is asked yet."""
        self.host = host
        self.socket = socket
        self.sudo = login
        self._user = user

    def program(self, name: str, options: str = "") -> str:
        """Shell text that runs one of MariaDB's programs: ``mariadb``, ``mariadb-dump`` or ``mariadb-admin``."""
        old = {"mariadb": "mysql", "mariadb-dump": "mysqldump", "mariadb-admin": "mysqladmin"}[name]
        found = f"$(command -v {name} || command -v {old})"
        return f"{self.sudo} {found} -S {shlex.quote(self.socket)} {self._user} {options}".strip()

    @property
    def client(self) -> str:
        """A command that runs SQL from its input and fails with the first statement that does."""
        return self.program("mariadb", f"-BN {_OPTIONS}")

    @property
    def loader(self) -> str:
        """A command that loads a dump from its input; nothing of it is written to the server's binary log."""
        options = "--default-character-set=utf8mb4 --max-allowed-packet=1G --init-command='set session sql_log_bin = 0'"
        return self.program("mariadb", options)

    def rows(self, sql: str, *, timeout_s: float = 120.0) -> list[list[str]]:
        """Run statements; returns the rows of all results as text, NULL as ``NULL``.

        Raises:
            SqlFailed: A statement was refused; the message is the server's.
            Unreachable: The host, not the database, cannot be reached.
        """
        done = self._run(self.client, sql, timeout_s)
        lines = done.decode("utf-8", "surrogateescape").split("\n")
        return [[_unescape(field) for field in line.split("\t")] for line in lines[:-1]]

    def one(self, sql: str) -> str:
        """The first field of the first row; empty when there is none."""
        rows = self.rows(sql)
        return rows[0][0] if rows else ""

    def column(self, sql: str, *, timeout_s: float = 120.0) -> list[str]:
        """The first field of every row."""
        return [row[0] for row in self.rows(sql, timeout_s=timeout_s)]

    def record(self, sql: str) -> dict[str, str]:
        """The only row of a ``SHOW`` statement, by name of its columns; empty when there is none."""
        done = self._run(self.program("mariadb", f"-E {_OPTIONS}"), sql, 60.0)
        found = (line.partition(":") for line in done.decode("utf-8", "replace").splitlines() if ":" in line)
        return {name.strip(): value.strip() for name, _, value in found}

    def _run(self, command: str, sql: str, timeout_s: float) -> bytes:
        done = self.host.run(command, stdin=sql.encode("utf-8", "surrogateescape"), timeout_s=timeout_s)
        if done.rc != 0:
            raise SqlFailed(reason(done.stderr), where=self.host.name)
        return done.stdout

    @cached_property
    def version(self) -> tuple[int, int]:
        """Major and minor version, for example (10, 11)."""
        major, minor = self.one("select @@version").split(".")[:2]
        return int(major), int(minor)

    @cached_property
    def is_mysql(self) -> bool:
        """It is MySQL or made from it, not MariaDB."""
        return "mariadb" not in self.one("select concat(@@version, ' ', @@version_comment)").lower()

    @cached_property
    def account(self) -> str:
        """The account that we are let in by, as ``user@host``."""
        return self.one("select current_user()")

    def databases(self) -> list[str]:
        """Databases of users, ours left out."""
        names = ", ".join(map(literal, SYSTEM))
        asked = f"select schema_name from information_schema.schemata where schema_name not in ({names}) order by 1"
        return [name for name in self.column(asked) if not re.match(OURS, name)]

    def variable(self, name: str) -> str:
        """A global variable; empty where the server does not know it."""
        rows = self.rows(f"show global variables where variable_name = {literal(name)}")
        return rows[0][1] if rows else ""

    def ending(self) -> str:
        """SQL that ends every client but replication and ourselves; looks at least twice.

        Nobody slips in between, and nobody is still committing afterwards.
        """
        return """delimiter //
begin not atomic
  declare clear, tries, victims int default 0;
  declare victim bigint;
  declare continue handler for 1094 set victim = 0;
  while clear < 2 and tries < 500 do
    select count(*), min(id) into victims, victim from information_schema.processlist where id <> connection_id()
      and user not in ('system user', 'event_scheduler') and user not regexp 'OURS' and command not in
      ('Binlog Dump', 'Binlog Dump GTID', 'Daemon');
    if victims = 0 then set clear = clear + 1;
    else set clear = 0; execute immediate concat('kill ', victim);
    end if;
    set tries = tries + 1;
    do sleep(0.01);
  end while;
end //
delimiter ;
""".replace("OURS", OURS)


def server_of(host: Host, port: int) -> Server:
    """The administrator of the server on ``port`` of ``host``, or of its only one.

    Raises:
        RemoteError: No server answers.
    """
    known = host.known.get(f"mariadb {port}")
    if isinstance(known, Server):
        return known
    sockets = sorted(set(host.text(f"for s in {_SOCKETS}; do [ -S $s ] && readlink -f $s; done; true").split()))
    wanted, said = str(port or 3306), "no socket of a server is there"
    found: list[tuple[str, Server]] = []
    for socket in sockets:
        for login, user in (("", ""), ("", "-u root"), ("sudo -n", "")):
            server = Server(host, socket, login, user)
            try:
                found.append((server.one("select @@port"), server))
            except (SqlFailed, HostCommandFailed) as exc:
                said = exc.message
            else:
                break
    right = [server for answer, server in found if answer == wanted or len(found) == 1]
    if not right:
        raise RemoteError(
            f"no MariaDB that lets an administrator in on port {wanted}: {said}",
            where=host.name,
            hint="Let the login user in through the socket, or allow `sudo -n` for MariaDB's programs.",
        )
    host.known[f"mariadb {port}"] = right[0]
    return right[0]


def reason(log: bytes) -> str:
    """Why one of MariaDB's programs failed, safe to show: what the server or the program said first."""
    lines = [line for line in log.splitlines() if re.search(rb"^ERROR |[Ee]rror:? ", line)]
    said = last_line(lines[0]) if lines else last_line(log)
    return printable(re.sub(r"^ERROR (\d+ )?\(\w+\)( at line \d+)?: ", r"error \1", said))


def ident(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A quoted literal, for sessions of ours: backslashes escape there."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _unescape(field: str) -> str:
    return _ESCAPED.sub(lambda m: {"n": "\n", "t": "\t", "0": "\0"}.get(m.group(1), m.group(1)), field)


Gtids = dict[int, int]
"""Replication domain to sequence number."""


def gtids(text: str) -> Gtids:
    """Positions as ``domain-server-sequence`` joined by commas."""
    parts = [one.strip().split("-") for one in text.split(",") if one.strip()]
    return {int(domain): int(sequence) for domain, _server, sequence in parts}


def has_reached(there: str, wanted: str) -> bool:
    """Whether a position covers another in every domain."""
    have = gtids(there)
    return all(have.get(domain, 0) >= sequence for domain, sequence in gtids(wanted).items())
