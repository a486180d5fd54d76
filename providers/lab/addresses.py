"""Addresses of lab hosts: a range 127.a.b.0/24 for each workspace, so that many live side by side.

Leases are kept in one file of the user's runtime folder (else of the temporary folder). A lease is void when its
workspace is gone. A range in which anything listens is never given out, so that a lost lease file does no harm.
"""

import contextlib
import hashlib
import os
import socket
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from providers.lab.files import locked
from pse.core import canonical
from pse.core.errors import BadInput, RemoteError

_LISTEN = "0A"
_FIRST, _LAST = 2, 250
_RANGES, _FIRST_NET, _FIRST_PORT = 22_000, 16, 10_000


class Leases(msgspec.Struct, kw_only=True):
    """The user's lease file: range such as ``127.88.3`` to the workspace that has it."""

    ranges: dict[str, str] = {}


class Taken(msgspec.Struct, kw_only=True):
    """A workspace's own table: its range, empty when freed, and the last number of each host's address."""

    range: str = ""
    hosts: dict[str, int] = {}


def lease_folder() -> Path:
    """Folder of the lease file, private to the user.

    Raises:
        RemoteError: Somebody else owns it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and os.access(runtime, os.W_OK):
        folder = Path(runtime) / "pse-lab"
    else:
        folder = Path(tempfile.gettempdir()) / f"pse-lab-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise RemoteError("somebody else owns the folder of address leases", where=str(folder))
    return folder


class Addresses:
    """The addresses of one workspace's hosts. Safe to use from several processes and threads.

    Args:
        root: Root of the workspace.
    """

    def __init__(self, root: Path) -> None:
        """Remember the workspace; nothing is taken yet."""
        self._root = root.resolve()
        self._table = self._root / ".pse" / "lab" / "addresses.json"

    def take(self, host: str) -> str:
        """The address of ``host``, the same at every call until it is freed.

        Raises:
            RemoteError: No address is left in the workspace's range, or no range on this machine.
        """
        with self._locked():
            table = self._read()
            self._lease(table)
            if host not in table.hosts:
                free = set(range(_FIRST, _LAST + 1)) - set(table.hosts.values())
                if not free:
                    raise RemoteError("no lab address is left in this workspace", where=table.range)
                table.hosts[host] = min(free)
            canonical.write(self._table, table)
            return f"{table.range}.{table.hosts[host]}"

    def free(self, host: str) -> None:
        """Give the address of ``host`` back; quiet when it has none."""
        with self._locked():
            table = self._read()
            if table.hosts.pop(host, None) is not None:
                canonical.write(self._table, table)

    def release(self) -> None:
        """Free the range for other workspaces; hosts keep their numbers and the range is taken again if it can be."""
        with self._locked(), _leases() as leases:
            table = self._read()
            if leases.ranges.get(table.range) == str(self._root):
                del leases.ranges[table.range]

    def range(self) -> str:
        """The range that the workspace has or last had, for example ``127.88.3``; empty when it never had one."""
        return self._read().range

    def port(self) -> int:
        """A TCP and UDP port that goes with the range, for a service that can bind no address but 127.0.0.1."""
        return port_of(self._read().range)

    def renew(self) -> tuple[str, str]:
        """Take the range again after `release`.

        Returns:
            The old and the new range; they differ when somebody else took the old one meanwhile.
        """
        with self._locked():
            table = self._read()
            old = table.range
            self._lease(table)
            if table.range != old:
                canonical.write(self._table, table)
            return old or table.range, table.range

    def _lease(self, table: Taken) -> None:
        with _leases() as leases:
            if leases.ranges.get(table.range) == str(self._root):
                return
            mine = [found for found, workspace in leases.ranges.items() if workspace == str(self._root)]
            if mine:
                table.range = mine[0]
                return
            busy = listening()
            for candidate in ([table.range] if table.range else []) + _candidates(self._root):
                if candidate not in leases.ranges and not {candidate, str(port_of(candidate))} & busy:
                    leases.ranges[candidate] = str(self._root)
                    table.range = candidate
                    return
        raise RemoteError("no free address range on this machine", hint="Stop other labs: `pse lab stop`.")

    def _read(self) -> Taken:
        return canonical.read(self._table, Taken) if self._table.exists() else Taken()

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return locked(self._table.with_name("addresses.lock"))


def _candidates(root: Path) -> list[str]:
    # Spread by path, so that two machines' users, or two lease files, seldom ask for the same range.
    start = int.from_bytes(hashlib.sha256(f"{os.getuid()}:{root}".encode()).digest()[:4], "big")
    ranges = []
    for step in range(256):
        number = (start + step * 257) % _RANGES
        ranges.append(f"127.{_FIRST_NET + number // 256}.{number % 256}")
    return ranges


def port_of(range_: str) -> int:
    """The port that goes with a range: each has its own, below those that the kernel gives to clients."""
    _, second, third = map(int, range_.split("."))
    return _FIRST_PORT + (second - _FIRST_NET) * 256 + third


@contextlib.contextmanager
def _leases() -> Iterator[Leases]:
    path = lease_folder() / "leases.json"
    with locked(path.with_name("leases.lock")):
        try:
            leases = canonical.read(path, Leases)
        except BadInput:
            leases = Leases()
        before = dict(leases.ranges)
        leases.ranges = {r: workspace for r, workspace in before.items() if Path(workspace).is_dir()}
        yield leases
        if leases.ranges != before:
            canonical.write(path, leases, mode=0o600)


def listening() -> set[str]:
    """Where TCP sockets listen on this machine, from the kernel's own table: /24 ranges, and ports as text."""
    found = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN:
            address, _, port = fields[1].partition(":")
            found.add(socket.inet_ntoa(struct.pack("=I", int(address, 16))).rpartition(".")[0])
            found.add(str(int(port, 16)))
    return found
