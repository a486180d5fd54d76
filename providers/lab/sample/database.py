"""The payments database: a cluster built once a PostgreSQL version and kept in the user's cache."""

import base64
import hashlib
import hmac
import os
import subprocess
import tempfile
from pathlib import Path

import msgspec

from providers.lab.files import locked, remove_tree
from providers.lab.sandbox import need
from pse.core.canonical import hash_of
from pse.core.errors import MissingTool, RemoteError
from pse.core.text import printable

DATA = "/var/lib/postgresql/pse"
"""Data folder of the cluster, at the old server and at its replacement."""

ROLES = "/etc/lab/roles.sql"
"""Script that gives the application's role its password, run and removed at the first boot."""

ROWS = 50_000
"""Rows of all tables of database ``payments`` together."""

_BUILD_S = 180.0
_CONF = """# Sample cluster of the lab
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
max_connections = 60
shared_buffers = 24MB
min_wal_size = 4MB
max_wal_size = 256MB
log_timezone = 'Asia/Karachi'
timezone = 'Asia/Karachi'
unix_socket_directories = '/var/run/postgresql'
"""
_HBA = """local all all trust
local replication all trust
host all all 127.0.0.0/8 scram-sha-256
host replication all 127.0.0.0/8 scram-sha-256
"""
_SCRIPT = """set -eu
PATH={bindir}:$PATH
cd /work
initdb -D pse -U postgres -A trust -E UTF8 --locale=C.UTF-8 --wal-segsize=1 --no-sync >initdb.log
cat postgresql.conf >>pse/postgresql.conf
cat pg_hba.conf >pse/pg_hba.conf
pg_ctl -D pse -l pg.log -w -t 60 -o "-c listen_addresses= -c unix_socket_directories=/tmp -c fsync=off" start >/dev/null
createdb -h /tmp -U postgres payments
psql -XAtq -h /tmp -U postgres -d payments -f payments.sql >psql.log
pg_ctl -D pse -w -t 60 -m fast stop >/dev/null
"""


class Postgres(msgspec.Struct, frozen=True, kw_only=True):
    """The PostgreSQL of this machine, which lab hosts share.

    Attributes:
        bindir: Folder of its server programs.
        version: For example ``15.14``.
    """

    bindir: str
    version: str

    @property
    def major(self) -> int:
        """For example 15."""
        return int(self.version.split(".", maxsplit=1)[0])


def postgres() -> Postgres:
    """The newest PostgreSQL server under /usr.

    Raises:
        MissingTool: There is none.
    """
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise MissingTool("the sample needs a PostgreSQL server", hint="Run `apt-get install postgresql` as root.")
    bindir = max(found, key=lambda path: float(path.parent.name))
    try:
        told = subprocess.run(
            [str(bindir / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise RemoteError(f"PostgreSQL does not run: {exc}", where=str(bindir)) from exc
    return Postgres(bindir=str(bindir), version=told.stdout.split()[2])


def boot_script(server: Postgres) -> str:
    """What the old database server runs at every boot: the cluster on the host's own address, and new roles, once."""
    return f"""#!/bin/sh
set -eu
data={DATA}
if ! {server.bindir}/pg_isready -q -h /var/run/postgresql; then
    # After a hard stop the pid file may name another process, which PostgreSQL would take for itself.
    if [ -f $data/postmaster.pid ]; then
        case "$(cat "/proc/$(head -n 1 $data/postmaster.pid)/comm" 2>/dev/null)" in
        postgres*) ;;
        *) rm -f $data/postmaster.pid ;;
        esac
    fi
    {server.bindir}/pg_ctl -D $data -l /var/log/postgresql/pse.log -s -w -t 60 \\
        -o "-c listen_addresses=$(hostname -i)" start
fi
if [ -e {ROLES} ]; then
    {server.bindir}/psql -XAtq -v ON_ERROR_STOP=1 -h /var/run/postgresql -U postgres -d postgres -f {ROLES}
    rm -f {ROLES}
fi
"""


def verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password for SCRAM-SHA-256, from which the password cannot be had back (RFC 5803)."""
    rounds = 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    kept = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    text = [base64.b64encode(part).decode("ascii") for part in (salt, kept, server)]
    return f"SCRAM-SHA-256${rounds}:{text[0]}${text[1]}:{text[2]}"


def cache_folder() -> Path:
    """The user's cache of the lab."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pse" / "lab"


def install(root: Path, server: Postgres, sql: str) -> None:
    """Put the cluster into the root of a host; does nothing when it has one.

    Args:
        root: Root of the host, seen from outside.
        server: From `postgres`.
        sql: Script that makes the content of database ``payments``.

    Raises:
        RemoteError: It could not be built.
    """
    target = root / DATA.lstrip("/")
    if target.exists():
        return
    ready = _built(server, sql)
    part = target.with_name("pse.part")
    remove_tree(part)
    _copy(ready, part)
    part.rename(target)


def _copy(source: Path, target: Path) -> None:
    try:
        subprocess.run(
            ["cp", "-a", "--reflink=auto", str(source), str(target)], check=True, timeout=120, capture_output=True
        )
    except subprocess.SubprocessError as exc:
        raise RemoteError(f"the sample database could not be copied: {exc}", where=str(target)) from exc


def _built(server: Postgres, sql: str) -> Path:
    key = hash_of([server.version, server.bindir, sql, _CONF, _HBA, _SCRIPT])[:16]
    folder = cache_folder()
    ready = folder / f"payments-{server.version}-{key}"
    with locked(folder / "payments.lock", timeout_s=_BUILD_S + 30):
        if not ready.exists():
            work = Path(tempfile.mkdtemp(prefix="payments-", dir=folder))
            try:
                _build(work, server, sql)
                (work / "pse").rename(ready)
            finally:
                remove_tree(work)
    return ready


def _build(work: Path, server: Postgres, sql: str) -> None:
    """Run initdb and the script in a sandbox of its own, because PostgreSQL refuses to run as root."""
    need("bwrap", packages="bubblewrap")
    files = {"payments.sql": sql, "postgresql.conf": _CONF, "pg_hba.conf": _HBA}
    files |= {"build.sh": _SCRIPT.format(bindir=server.bindir), "passwd": "admin:x:1000:1000::/work:/bin/sh\n"}
    for name, text in files.items():
        (work / name).write_text(text, encoding="utf-8")
    line = ["bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-ipc"]
    line += ["--die-with-parent", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        line += ["--ro-bind-try", name, name]
    line += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    line += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
    line += ["--ro-bind", str(work / "passwd"), "/etc/passwd", "--bind", str(work), "/work", "--clearenv"]
    line += ["--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/work", "--setenv", "LANG", "C.UTF-8"]
    try:
        done = subprocess.run(
            [*line, "/bin/sh", "/work/build.sh"], capture_output=True, timeout=_BUILD_S, check=False, cwd="/"
        )
    except subprocess.TimeoutExpired as exc:
        raise RemoteError(f"the sample database was not built in {_BUILD_S:g} s", where=str(work)) from exc
    if done.returncode != 0:
        log = work / "pg.log"
        told = done.stderr[-400:] + (log.read_bytes()[-400:] if log.exists() else b"")
        shown = printable(told.decode("utf-8", "replace").strip())
        raise RemoteError(f"the sample database could not be built: {shown}", where=server.bindir)
