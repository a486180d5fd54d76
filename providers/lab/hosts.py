"""Lab hosts: define, start, show, stop, remove.

A host lives in ``.pse/lab/hosts/<name>/``: ``spec.json`` (what it is), ``root/`` (its root), ``hardware/`` (what it
declares), ``state/`` (what its boots left), ``init.json`` and ``noted.json`` (its process), ``console.log``.
"""

import contextlib
import re
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from providers.lab import hardware, sandbox, skeleton
from providers.lab.addresses import Addresses
from providers.lab.files import locked, poll, read_private, remove_tree
from providers.lab.skeleton import SSH_PORT, USER, HostSpec
from pse.core import canonical
from pse.core.errors import RemoteError, Unreachable, UsageError
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace
from pse.core.text import printable

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class LabHost(msgspec.Struct, frozen=True, kw_only=True):
    """One lab host as it is now.

    Attributes:
        name: Unique in the workspace: ``portal``, or the id of a server.
        hostname: As the host itself says.
        role: ``room`` for the old server room, ``dns`` for its name server, ``server`` for what was provisioned.
        place: Place id; empty in the old server room.
        address: IPv4 address.
        ssh_port: TCP port of sshd.
        ssh_user: Account.
        host_key: Public host key, one line.
        running: Its own init process lives.
        pid: The init's pid outside; None when dead.
    """

    name: str
    hostname: str
    role: str
    place: str
    address: str
    ssh_port: int
    ssh_user: str
    host_key: str
    running: bool
    pid: int | None


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """How the last boots went.

    Attributes:
        first: Exit code of the first-boot script; None when there was none or it has not ended.
        boot: Exit code of /etc/rc.local; None while the boot goes on.
        log: End of the output of both, fit to show.
    """

    first: int | None
    boot: int | None
    log: str


class Hosts:
    """The lab hosts of one workspace. Safe to use from several threads and processes.

    Args:
        root: Root of the workspace.
    """

    def __init__(self, root: Path) -> None:
        """Remember the workspace; nothing is read yet."""
        self.root = root.resolve()
        self.addresses = Addresses(self.root)
        self._folder = self.root / ".pse" / "lab" / "hosts"

    def folder(self, name: str) -> Path:
        """The folder of host ``name``.

        Raises:
            UsageError: Not a name.
        """
        if not _NAME.fullmatch(name):
            raise UsageError("not a host's name", where=printable(name))
        return self._folder / name

    def inside(self, name: str) -> Path:
        """The root of host ``name``, seen from outside."""
        return self.folder(name) / "root"

    def names(self) -> tuple[str, ...]:
        """Names of the defined hosts, sorted."""
        return tuple(sorted(path.parent.name for path in self._folder.glob("*/spec.json")))

    def define(self, spec: HostSpec) -> LabHost:
        """Make the host's folder, key and root without starting it; on a second call only its declaration changes.

        Raises:
            UsageError: Not a name, or not a host name.
        """
        if not _NAME.fullmatch(spec.hostname):
            raise UsageError("not a host name", where=printable(spec.hostname))
        with self._locked(spec.name):
            folder = self.folder(spec.name)
            address = self.addresses.take(spec.name)
            (folder / "state").mkdir(parents=True, exist_ok=True)
            hardware.write(folder / "hardware", spec.hardware, seed=f"{self.root}#{spec.name}", address=address)
            if not (folder / "spec.json").exists():
                skeleton.make(folder / "root", spec, address)
            elif self._spec(spec.name) != spec and sandbox.living_pid(folder) is None:
                skeleton.renew_hosts(folder / "root", spec, address)
            canonical.write(folder / "spec.json", spec)
            return self.get(spec.name)

    def get(self, name: str) -> LabHost:
        """The host called ``name``.

        Raises:
            UsageError: There is none.
        """
        folder = self.folder(name)
        spec = self._spec(name)
        pid = sandbox.living_pid(folder)
        return LabHost(
            name=name,
            hostname=spec.hostname,
            role=spec.role,
            place=spec.place,
            address=read_private(folder / "hardware/address").decode().strip(),
            ssh_port=SSH_PORT,
            ssh_user=USER,
            host_key=read_private(folder / "root/etc/ssh/ssh_host_ed25519_key.pub").decode().strip(),
            running=pid is not None,
            pid=pid,
        )

    def start(self, name: str, *, first_boot: bytes | None = None, timeout_s: float = 20.0) -> LabHost:
        """Start a defined host and wait until its sshd answers; a host that runs is left alone.

        Args:
            name: Its name.
            first_boot: Script to run once before /etc/rc.local; it is written to no disk.
            timeout_s: Seconds for sshd to answer.

        Raises:
            MissingTool: bubblewrap, setsid or sshd is not on this machine.
            RemoteError: The sandbox or its sshd did not come up.
            Unreachable: sshd did not answer in time; the host was stopped again.
        """
        sandbox.need("bwrap", "setsid", "sshd", packages="bubblewrap openssh-server")
        with self._locked(name):
            folder, spec = self.folder(name), self._spec(name)
            if sandbox.living_pid(folder) is not None:
                return self.get(name)
            address = self._renewed_address(folder, spec)
            for left in ("boot.rc", "first-boot.rc") if first_boot is not None else ("boot.rc",):
                (folder / "state" / left).unlink(missing_ok=True)
            line = sandbox.command(folder, spec, address=address, first_boot=first_boot is not None)
            sandbox.spawn(folder, line, first_boot=first_boot)
            answers = poll(
                lambda: sandbox.living_pid(folder) is None or _greets(address),
                timeout_s=timeout_s,
            )
            if sandbox.living_pid(folder) is None:
                raise RemoteError(f"the host died at once: {sandbox.console_tail(folder)}", where=spec.hostname)
            if not answers:
                sandbox.kill(folder)
                raise Unreachable("sshd does not answer", where=f"{spec.hostname} ({address}:{SSH_PORT})")
            return self.get(name)

    def boot(self, name: str) -> Boot:
        """How the host's boot went so far."""
        state = self.folder(name) / "state"
        log = b"".join(read_private(state / f"{part}.log")[-400:] for part in ("first-boot", "boot"))
        return Boot(
            first=_code(read_private(state / "first-boot.rc")),
            boot=_code(read_private(state / "boot.rc")),
            log=printable(log.decode("utf-8", "replace").strip()),
        )

    def wait_booted(self, name: str, *, timeout_s: float) -> Boot:
        """Wait until /etc/rc.local of this boot has ended, the host died, or ``timeout_s`` seconds are over."""
        folder = self.folder(name)
        poll(lambda: self.boot(name).boot is not None or sandbox.living_pid(folder) is None, timeout_s=timeout_s)
        return self.boot(name)

    def stop(self, name: str) -> bool:
        """Kill the host and wait until it is gone; say whether it ran."""
        with self._locked(name):
            return sandbox.kill(self.folder(name))

    def remove(self, name: str) -> None:
        """Stop the host, remove all of it and free its address; quiet when there is none."""
        with self._locked(name):
            folder = self.folder(name)
            sandbox.kill(folder)
            remove_tree(folder)
            self.addresses.free(name)

    def _renewed_address(self, folder: Path, spec: HostSpec) -> str:
        address = self.addresses.take(spec.name)
        if read_private(folder / "hardware/address").decode().strip() != address:
            # The range went to another workspace while this one was stopped.
            hardware.write(folder / "hardware", spec.hardware, seed=f"{self.root}#{spec.name}", address=address)
            skeleton.renew_hosts(folder / "root", spec, address)
        return address

    def _spec(self, name: str) -> HostSpec:
        path = self.folder(name) / "spec.json"
        if not path.exists():
            raise UsageError("no such lab host", where=printable(name), hint="`pse lab status` lists them.")
        return canonical.read(path, HostSpec)

    def _locked(self, name: str) -> AbstractContextManager[None]:
        return locked(self._folder.parent / "locks" / f"{self.folder(name).name}.lock", timeout_s=120)


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, SSH_PORT), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _code(raw: bytes) -> int | None:
    return int(raw) if raw.strip().isdigit() else None


def status(workspace: Workspace) -> tuple[LabHost, ...]:
    """Every lab host of the workspace, old server room first, then by name."""
    hosts = Hosts(workspace.root)
    order = {"room": 0, "dns": 1}
    found = []
    for name in hosts.names():
        with contextlib.suppress(UsageError):  # removed by somebody else since the folder was listed
            found.append(hosts.get(name))
    return tuple(sorted(found, key=lambda h: (order.get(h.role, 2), h.place, h.name)))


def stop(workspace: Workspace, names: Iterable[str] = ()) -> tuple[LabHost, ...]:
    """Stop the hosts called ``names``, or all; their roots are kept. With all stopped the address range is freed.

    Returns:
        The hosts that ran and were stopped, as they are now.

    Raises:
        UsageError: There is no host of such a name.
        RemoteError: A host's processes do not end.
    """
    hosts = Hosts(workspace.root)
    wanted = tuple(names)
    for name in wanted:
        hosts.get(name)
    chosen = wanted or hosts.names()
    with ThreadPoolExecutor(8, "lab-stop") as pool:
        ran = list(pool.map(hosts.stop, chosen))
    if not any(hosts.get(name).running for name in hosts.names()):
        hosts.addresses.release()
    return tuple(hosts.get(name) for name, was in zip(chosen, ran, strict=True) if was)


def start_room(workspace: Workspace, progress: Progress = silent) -> None:
    """Start the sample's old server room and its name server; see `providers.lab.sample.start_room`."""
    from providers.lab import sample

    sample.start_room(workspace, progress)
