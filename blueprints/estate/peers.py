"""The other ends of flows: addresses of the internet, of neighbours that nobody discovered, and of servers."""

import ipaddress
from functools import lru_cache

EXTERNAL = "external:"
"""What the id of a peer begins with that is no server of the estate; its address follows."""


@lru_cache(maxsize=1 << 18)
def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address of a peer outside, or of a server; None where ``text`` holds none."""
    try:
        return ipaddress.ip_address(text.removeprefix(EXTERNAL))
    except ValueError:
        return None


def is_public(peer: str) -> bool:
    """``peer`` of a flow is an address of the internet."""
    if not peer.startswith(EXTERNAL):
        return False
    address = address_of(peer)
    return address is not None and address.is_global


@lru_cache(maxsize=1 << 18)
def ranges(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The IPv4 addresses among ``texts``, as ranges of one address each."""
    found = (address_of(text) for text in texts)
    return tuple(f"{one}/32" for one in sorted({one for one in found if isinstance(one, ipaddress.IPv4Address)}))
