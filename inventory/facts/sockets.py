"""Sockets, and which process holds them."""

import ipaddress
import re
import struct
from functools import lru_cache

import msgspec

from inventory.facts.base import Fact, Section, number, text

_LINE = re.compile(
    rb"^/proc/net/(tcp6?|udp6?):\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) "
    rb"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+\s+(\d+)\s+\d+ (\d+)"
)
_OWNER = re.compile(rb"^/proc/(\d{1,10})/fd(?:/\d+)? socket:\[(\d{1,20})\]$")


class Socket(msgspec.Struct, frozen=True, kw_only=True):
    """One socket of the network namespace.

    Attributes:
        protocol: ``tcp`` or ``udp``.
        local: Local address; IPv4 in IPv6 is shown as IPv4.
        local_port: Local port.
        remote: Remote address.
        remote_port: Remote port; 0 while nobody is connected.
        listening: It waits for clients.
        uid: Owner's user id.
        inode: Its number; how its process is found.
    """

    protocol: str
    local: str
    local_port: int
    remote: str
    remote_port: int
    listening: bool
    uid: int
    inode: int


class SocketsFact(Fact[tuple[Socket, ...]]):
    """Listening and established sockets; TIME_WAIT has no owner any more and may be most of the table."""

    name = "sockets"
    section = Section(
        sh="""
grep -asE ': [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} (01|07|0A) ' \\
  /dev/null /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6
:""",
        reads=("/proc/net/{tcp,tcp6,udp,udp6}",),
        runs=("grep",),
        timeout_s=10,
        cap=8 * 1024 * 1024,
        group="sockets",
        large=True,
    )

    def parse(self, raw: bytes) -> tuple[Socket, ...] | None:
        """See `Socket`, in the kernel's order; None without any."""
        found = []
        for line in raw.splitlines():
            match = _LINE.match(line)
            if not match:
                continue
            kind, local, local_port, remote, remote_port, state, uid, inode = match.groups()
            connected = int(remote_port, 16) != 0
            found.append(
                Socket(
                    protocol=kind[:3].decode(),
                    local=address_of(local.decode()),
                    local_port=int(local_port, 16),
                    remote=address_of(remote.decode()),
                    remote_port=int(remote_port, 16),
                    listening=state == b"0A" or (state == b"07" and not connected),
                    uid=int(uid),
                    inode=int(inode),
                )
            )
        return tuple(found) or None


class OwnersFact(Fact[dict[int, tuple[int, ...]]]):
    """Socket inode to process ids, as far as the account may look into other processes.

    ``-lname`` tests the link itself: a file name with a line break in it forges nothing. Where `find` has no such test
    (busybox), each socket's link is read by itself.
    """

    name = "owners"
    section = Section(
        sh="""
find /proc -mindepth 3 -maxdepth 3 -path '/proc/[0-9]*/fd/*' -lname 'socket:*' -printf '%h %l\\n' ||
  find /dev/null -lname x -printf '' || for f in /proc/[0-9]*/fd/*; do
    if [ -S "$f" ]; then
      l=$(readlink "$f")
      case $l in 'socket:['*[!0-9]*']') ;; 'socket:['*']') echo "${f%/*} $l";; esac
    fi
  done
:""",
        reads=("links of /proc/*/fd",),
        runs=("find", "readlink"),
        timeout_s=15,
        cap=8 * 1024 * 1024,
        group="sockets",
        large=True,
    )

    def parse(self, raw: bytes) -> dict[int, tuple[int, ...]] | None:
        """Sorted by inode; None when not one owner is visible."""
        found: dict[int, set[int]] = {}
        for line in raw.splitlines():
            if match := _OWNER.match(line):
                found.setdefault(int(match[2]), set()).add(int(match[1]))
        return {inode: tuple(sorted(found[inode])) for inode in sorted(found)} or None


class ProcessesFact(Fact[dict[int, str]]):
    """Process id to name. The kernel escapes line breaks in it; command lines may hold secrets and are not read."""

    name = "processes"
    section = Section(
        sh="""
grep -as '^Name:' /dev/null /proc/[0-9]*/status
:""",
        reads=("/proc/*/status (line Name)",),
        runs=("grep",),
        timeout_s=10,
        cap=4 * 1024 * 1024,
        group="sockets",
        large=True,
    )

    def parse(self, raw: bytes) -> dict[int, str] | None:
        """Sorted by process id; None when no process is visible."""
        found = {}
        for line in raw.splitlines():
            match = re.match(rb"^/proc/(\d{1,10})/status:Name:\s*(.*)$", line)
            if match and number(match[1].decode()) is not None:
                found[int(match[1])] = text(match[2])
        return dict(sorted(found.items())) or None


@lru_cache(maxsize=16_384)  # the same few addresses stand in most lines of a table
def address_of(hexadecimal: str) -> str:
    """An address of /proc/net: 32-bit words in the host's byte order; all our hosts are little-endian but s390x.

    IPv4 in IPv6 is shown as IPv4.
    """
    words = [int(hexadecimal[i : i + 8], 16) for i in range(0, len(hexadecimal), 8)]
    packed = struct.pack(f"<{len(words)}I", *words)
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
