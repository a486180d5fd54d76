"""The options of a place's name server, read from the register's entry."""

import ipaddress

import msgspec

from policy.gate import is_local
from providers.kit.dns import domain_of
from providers.ports import PortError, Target
from pse.core.schema import DnsZoneInputs

ALGORITHMS = ("hmac-sha256", "hmac-sha224", "hmac-sha384", "hmac-sha512")
NEEDED = ("dns_server", "dns_zones", "dns_key_name", "dns_key")
_PORT = 53


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options, read.

    Attributes:
        address: IP address.
        port: TCP port.
        zones: Domains in the one spelling.
        here: Names of name servers at the place.
        key_name: Name of the TSIG key.
        key: Reference to it.
        algorithm: Of the key.
    """

    address: str
    port: int
    zones: tuple[str, ...]
    here: frozenset[str]
    key_name: str
    key: str
    algorithm: str


def read(target: Target) -> Settings:
    """What the register's entry says.

    Raises:
        PortError: An option is missing or cannot be.
    """
    if missing := [name for name in NEEDED if not target.options.get(name)]:
        raise _wrong(target, missing[0], "is missing")
    algorithm = target.options.get("dns_algorithm", ALGORITHMS[0])
    if algorithm not in ALGORITHMS:
        raise _wrong(target, "dns_algorithm", f"is none of {', '.join(ALGORITHMS)}")
    address, port = _address(target)
    return Settings(
        address=address,
        port=port,
        zones=_names(target, "dns_zones"),
        here=frozenset(_names(target, "dns_name_servers")),
        key_name=target.options["dns_key_name"],
        key=target.options["dns_key"],
        algorithm=algorithm,
    )


def _address(target: Target) -> tuple[str, int]:
    text = target.options["dns_server"]
    try:
        address, port = ipaddress.ip_address(text), _PORT
    except ValueError:
        host, _, digits = text.rpartition(":")
        try:
            address, port = ipaddress.ip_address(host.removeprefix("[").removesuffix("]")), int(digits)
        except ValueError:
            raise _wrong(target, "dns_server", "is no IP address, nor one with a port") from None
    if not 0 < port < 65536:
        raise _wrong(target, "dns_server", "names no port")
    if is_local(target.endpoint) and not address.is_loopback:
        # A sample register opens this machine only, whatever its options say.
        raise _wrong(target, "dns_server", "is another machine, and the place is on this one")
    return str(address), port


def _names(target: Target, option: str) -> tuple[str, ...]:
    texts = [text.strip() for text in target.options.get(option, "").split(",") if text.strip()]
    return tuple(
        domain_of(DnsZoneInputs(name=f"option {option}", workload="", place=target.place, domain=text))
        for text in texts
    )


def _wrong(target: Target, option: str, why: str) -> PortError:
    return PortError(f"option {option} {why}", reason="invalid", where=f"the register's entry of {target.place}")
