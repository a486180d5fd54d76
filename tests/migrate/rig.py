"""Two real hosts for replicators: sshd, rsync and PostgreSQL in rootless sandboxes of their own."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from inventory.ssh import Endpoint
from migrate.hosts import Host
from migrate.replicators.ports import Task
from pse.core.documents.plan import Move
from pse.core.journal import FileJournal

PASSWD = """root:x:0:0::/home/admin:/bin/bash
admin:x:1000:1000::/home/admin:/bin/bash
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
"""
SSHD = """Port 2222
ListenAddress {address}
HostKey /etc/hostkey
UsePAM no
StrictModes no
PidFile none
LogLevel ERROR
MaxStartups 100:30:200
PasswordAuthentication no
"""
_ADMIN = ("--uid", "1000", "--gid", "1000")
PG = """initdb -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 -N -D /var/lib/pg >/dev/null || exit 1
printf '%s\\n' "listen_addresses = '{address}'" 'wal_level = {wal_level}' 'fsync = off' 'shared_buffers = 16MB' \
  "unix_socket_directories = '/var/run/postgresql'" 'max_connections = {connections}' \
  'max_prepared_transactions = 5' >>/var/lib/pg/postgresql.conf
setsid pg_ctl -w -t 60 -D /var/lib/pg -l /var/lib/pg.log start >/dev/null 2>&1 </dev/null"""


ACL = bytes.fromhex("0200000001000600ffffffff020004000000000004000400ffffffff10000400ffffffff20000400ffffffff")
"""As the kernel keeps it: user::rw-, user:0:r--, group::r--, mask::r--, other::r--; user 0 is 1000 in the sandbox."""


def free_address() -> str:
    """A loopback address that nobody listens on at port 2222."""
    while True:
        address = f"127.{100 + secrets.randbelow(100)}.{secrets.randbelow(250) + 1}.{secrets.randbelow(250) + 1}"
        with socket.socket() as sock:
            try:
                sock.bind((address, 2222))
            except OSError:
                continue
        return address


class SandboxHost:
    """One host: its root folder, its address and the way in."""

    def __init__(self, base: Path, name: str, public_key: str, key: Path) -> None:
        self.name = name
        self.root = base / name
        self.address = free_address()
        self.key = key
        for folder in ("etc/alternatives", "etc/ssl", "usr", "proc", "dev", "tmp", "run", "srv", "home/admin/.ssh"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "var/lib").mkdir(parents=True)
        (self.root / "var/run").symlink_to("/run")
        for link in ("bin", "sbin", "lib", "lib64"):
            (self.root / link).symlink_to(f"usr/{link}")
        (self.root / "etc/passwd").write_text(PASSWD)
        (self.root / "etc/group").write_text("root:x:0:\nadmin:x:1000:\nnogroup:x:65534:\n")
        (self.root / "etc/sshd_config").write_text(SSHD.format(address=self.address))
        (self.root / "home/admin/.ssh/authorized_keys").write_text(public_key)
        self.new_key()
        self.process: subprocess.Popen[bytes] | None = None
        self.mounts: list[str] = []
        self.room_mib = 0
        """What each of its mounts holds; 0 is as much as there is."""
        self.devices = False
        """It is entered as root and has the machine's own block devices; only where the tests run as root."""

    @classmethod
    def running(cls, base: Path, name: str, address: str) -> "SandboxHost":
        """One that another process started: what a controller has to know of it."""
        made = cls.__new__(cls)
        made.name, made.root, made.address, made.key = name, base / name, address, base / "key"
        made.pin = " ".join((made.root / "etc/hostkey.pub").read_text().split()[:2])
        made.process, made.mounts, made.room_mib, made.devices = None, [], 0, False
        return made

    def new_key(self) -> None:
        """Give it a new host key; only while it is stopped."""
        for path in (self.root / "etc/hostkey", self.root / "etc/hostkey.pub"):
            path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.root / "etc/hostkey"], check=True)
        self.pin = " ".join((self.root / "etc/hostkey.pub").read_text().split()[:2])

    def start(self) -> None:
        """Start sshd and wait until it answers."""
        line = ["bwrap", "--cap-add", "ALL"] if self.devices else ["bwrap", "--unshare-user", *_ADMIN]
        line += ["--bind", str(self.root), "/", "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--tmpfs", "/run"]
        line += ["--dev-bind", "/dev", "/dev", "--ro-bind", "/sys", "/sys"] if self.devices else ["--dev", "/dev"]
        for path in self.mounts:
            line += ["--size", str(self.room_mib << 20)] * bool(self.room_mib) + ["--tmpfs", path]
        line += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--ro-bind-try", "/etc/ssl", "/etc/ssl"]
        line += ["--unshare-pid", "--unshare-uts", "--unshare-ipc", "--die-with-parent", "--hostname", self.name]
        line += ["--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin", "--setenv", "HOME", "/home/admin"]
        line += ["/bin/sh", "-c", "mkdir -p /run/sshd /run/postgresql; exec /usr/sbin/sshd -D -e -f /etc/sshd_config"]
        with (self.root / "sshd.log").open("wb") as log:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._answers, 10)

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.address, 2222), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Kill the sandbox with everything in it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            wait_for(lambda: not self._answers(), 10)

    def processes(self, *patterns: str) -> list[int]:
        """Pids, as the test sees them, of what runs inside with one of ``patterns`` on its command line."""
        space = Path(f"/proc/{self._first()}/ns/pid").readlink()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "ns/pid").readlink() == space:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    if any(pattern in line for pattern in patterns):
                        found.append(int(entry.name))
        return found

    @property
    def inside(self) -> Path:
        """Its root as its own processes see it; with mounts only while it runs."""
        return Path(f"/proc/{self._first()}/root") if self.mounts else self.root

    def _first(self) -> str:
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]

    def kill(self, *patterns: str) -> int:
        """Kill -9 those; returns how many they were."""
        killed = 0
        for pid in self.processes(*patterns):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        return killed

    def host(self, kind: type[Host] = Host) -> Host:
        """The controller's way to it, by the key it had when this was first asked."""
        end = Endpoint(
            name=self.name,
            address=self.address,
            port=2222,
            user="root" if self.devices else "admin",
            key=f"file:{self.key}",
            host_key=self.pin,
        )
        return kind(end, base=self.root.parent)

    def postgres(self, *, wal_level: str = "logical", connections: int = 40) -> None:
        """Make a database server and start it."""
        host = self.host()
        host.text(PG.format(address=self.address, wal_level=wal_level, connections=connections), timeout_s=120)
        host.close()


class Rig:
    """Source and target."""

    def __init__(self, base: Path) -> None:
        self.base = base
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", base / "key"], check=True)
        public = (base / "key.pub").read_text()
        self.source = SandboxHost(base, "source", public, base / "key")
        self.target = SandboxHost(base, "target", public, base / "key")
        self._hosts: list[Host] = []

    @classmethod
    def running(cls, base: Path, source: str, target: str) -> "Rig":
        """The rig in ``base`` that another process started, by the addresses of its hosts."""
        made = cls.__new__(cls)
        made.base, made._hosts = base, []
        made.source = SandboxHost.running(base, "source", source)
        made.target = SandboxHost.running(base, "target", target)
        return made

    def task(self, move: Move, *, key: str = "plan/work/a1") -> Task:
        """A task of ``move`` with connections of its own and the rig's journal."""
        source, target = self.source.host(), self.target.host()
        self._hosts += [source, target]
        journal = FileJournal(self.base / "journal.jsonl")
        return Task(move=move, job=f"pse-{move.id}", source=source, target=target, journal=journal, key=key)

    def stop(self) -> None:
        """End connections and hosts."""
        for host in self._hosts:
            host.close()
        self.source.stop()
        self.target.stop()


def wait_for(look: Callable[[], bool], seconds: float) -> None:
    """Poll until ``look`` is true."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def awkward(root: Path, *, small: int = 200) -> None:
    """Files that are easily lost on the way."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "plain.txt").write_text("plain\n")
    (root / "hard link").hardlink_to(root / "plain.txt")
    (root / "symlink").symlink_to("plain.txt")
    (root / "dangling").symlink_to("/nowhere/at all")
    (root / "empty").touch()
    (root / "-rf").write_text("dash")
    (root / "*").write_text("star")
    (root / "new\nline").write_text("newline")
    (root / "back\\slash").write_text("backslash")
    (root / "spaces and 'quotes\"").write_text("quotes")
    Path(os.fsdecode(os.fsencode(root) + b"/not-utf8-\xff\xfe")).write_text("bytes")
    os.mkfifo(root / "pipe")
    with (root / "sparse").open("wb") as file:
        file.seek(64 << 20)
        file.write(b"end")
    (root / "mode").write_text("mode")
    (root / "mode").chmod(0o4751)
    os.setxattr(root / "mode", "user.odd=na\\me", b"noted\0\xff")
    os.setxattr(root / "new\nline", "user.note", b"")
    os.setxattr(root / "plain.txt", "system.posix_acl_access", ACL)
    (root / "empty folder").mkdir()
    many = root / "many"
    many.mkdir()
    for number in range(small):
        (many / f"file-{number:05}").write_text(f"{number}\n" * (number % 50))
    os.utime(root / "empty", ns=(1_000_000_000_123_456_789, 1_000_000_000_123_456_789))
