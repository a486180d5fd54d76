"""Network interfaces and addresses."""

import ipaddress
import re

import msgspec

from inventory.facts.base import Fact, Section, text

_FILE = re.compile(rb"^/sys/class/net/([^/\n]+)/(address|operstate|type):(.*)$")
_ADDRESS = re.compile(rb"^\d+:\s+(\S+)\s+inet6?\s+(?:addr:)?([0-9a-fA-F:.]+)")
_LOOPBACK = "772"


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One interface.

    Attributes:
        name: Kernel's name.
        mac: MAC address in lower case; empty for none.
        up: It is in use, as far as the kernel knows.
        addresses: IPv4 and IPv6 addresses, link-local ones left out, in text order.
        loopback: The loopback interface.
    """

    name: str
    mac: str = ""
    up: bool = True
    addresses: tuple[str, ...] = ()
    loopback: bool = False


class NicsFact(Fact[tuple[Interface, ...]]):
    """/sys/class/net, and addresses by `ip`, which is read-only here."""

    name = "nics"
    section = Section(
        sh="ip -o addr show",
        files=("/sys/class/net/*/address", "/sys/class/net/*/operstate", "/sys/class/net/*/type"),
        reads=("interface addresses by netlink",),
        runs=("ip",),
        group="quick",
    )

    def parse(self, raw: bytes) -> tuple[Interface, ...] | None:
        """See `Interface`, sorted by name; None without any."""
        files: dict[str, dict[str, str]] = {}
        addresses: dict[str, set[str]] = {}
        for line in raw.splitlines():
            if match := _FILE.match(line):
                files.setdefault(text(match[1]), {})[text(match[2])] = text(match[3])
            elif match := _ADDRESS.match(line):
                name = text(match[1]).split("@")[0]
                if shown := _address(text(match[2])):
                    addresses.setdefault(name, set()).add(shown)
        return (
            tuple(
                Interface(
                    name=name,
                    mac=_mac(files.get(name, {}).get("address", "")),
                    up=files.get(name, {}).get("operstate", "unknown") != "down",
                    addresses=tuple(sorted(addresses.get(name, ()))),
                    loopback=files.get(name, {}).get("type") == _LOOPBACK or name == "lo",
                )
                for name in sorted(files.keys() | addresses.keys())
            )
            or None
        )


def _mac(shown: str) -> str:
    mac = shown.lower()
    return mac if re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", mac) and mac.strip("0:") else ""


def _address(shown: str) -> str:
    try:
        address = ipaddress.ip_address(shown)
    except ValueError:
        return ""
    return "" if address.is_link_local else str(address)
