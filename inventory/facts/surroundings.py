"""How the host is set up: how it boots, what keeps it strict, whom it asks for names, where it sends its traffic."""

import ipaddress
import re

import msgspec

from inventory.facts.base import Fact, Section, by_path, first, text
from inventory.facts.sockets import address_of

_ROUTE = re.compile(
    rb"^/proc/net/route:(\S+)\t00000000\t([0-9A-F]{8})\t[0-9A-F]{4}(?:\t\d+){3}\t00000000\t", re.MULTILINE
)

_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_SECURE = re.compile(rb"^/sys/firmware/efi/efivars/SecureBoot-[-0-9a-f]{36}:[\s\S]{4}\x01", re.MULTILINE)
"""A variable of the firmware: four bytes of attributes, then its value."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a new server has to be given, too.

    Attributes:
        init: Name of the first process: ``systemd``, ``init`` …
        uefi: It was booted by UEFI.
        secure_boot: Its firmware starts signed programs only.
        fips: The kernel allows approved cryptography only.
        selinux: ``enforcing``, ``permissive``, or empty without SELinux.
        resolvers: Name servers, those behind systemd's own stub instead of it.
        gateways: Default gateways, IPv4.
        swaps: Swap devices and files.
    """

    init: str = ""
    uefi: bool = False
    secure_boot: bool = False
    fips: bool = False
    selinux: str = ""
    resolvers: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    swaps: tuple[str, ...] = ()


class SurroundingsFact(Fact[Surroundings]):
    """Boot, init system, FIPS and SELinux, name servers, default gateways, swap."""

    name = "surroundings"
    section = Section(
        sh="if [ -d /sys/firmware/efi ]; then echo uefi; fi",
        files=(
            *("/proc/1/comm", "/proc/sys/crypto/fips_enabled", "/sys/fs/selinux/enforce", "/selinux/enforce"),
            _SECURE_BOOT,
            *("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf", "/proc/net/route", "/proc/swaps"),
        ),
        reads=("/sys/firmware/efi (whether it is there)",),
        group="quick",
    )

    def parse(self, raw: bytes) -> Surroundings | None:
        """See `Surroundings`; None when nothing at all is known."""
        files = by_path(raw)
        enforce = first(files, "/sys/fs/selinux/enforce", "/selinux/enforce")
        resolvers = _resolvers(files.get("/etc/resolv.conf", []))
        if resolvers in {("127.0.0.53",), ()}:
            resolvers = _resolvers(files.get("/run/systemd/resolve/resolv.conf", [])) or resolvers
        found = Surroundings(
            init=first(files, "/proc/1/comm"),
            uefi=b"uefi" in raw.splitlines(),
            secure_boot=_SECURE.search(raw) is not None,
            fips=first(files, "/proc/sys/crypto/fips_enabled") == "1",
            selinux={"1": "enforcing", "0": "permissive"}.get(enforce, ""),
            resolvers=resolvers,
            gateways=tuple(sorted({address_of(text(to)) for _, to in _ROUTE.findall(raw) if to != b"00000000"})),
            swaps=tuple(line.split()[0] for line in files.get("/proc/swaps", [])[1:] if line.strip()),
        )
        return found if found != Surroundings() else None


def _resolvers(lines: list[str]) -> tuple[str, ...]:
    found = []
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            try:
                found.append(str(ipaddress.ip_address(words[1].split("%")[0])))
            except ValueError:
                continue
    return tuple(dict.fromkeys(found))
