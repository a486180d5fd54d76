"""Permitted flows, neutral and as Compute Engine's firewall rules, of which each is an object of its own.

A live rule may say more than a neutral one: several ports, a tag as its peer, a denial. Such a rule has no key: it is
seen as drift, and revoked.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pse.core.schema import FirewallRule
from pse.core.text import printable

_SIDES: Mapping[str, tuple[str, str]] = {"in": ("INGRESS", "sourceRanges"), "out": ("EGRESS", "destinationRanges")}
_NEVER = ("sourceTags", "sourceServiceAccounts", "targetServiceAccounts", "denied")
PRIORITY = 1000


class Key(NamedTuple):
    """What makes two rules the same.

    Attributes:
        direction: ``in`` or ``out``.
        protocol: ``tcp``, ``udp`` or ``icmp``.
        port: The port; 0 for icmp.
        peer: IPv4 range of the other side.
    """

    direction: str
    protocol: str
    port: int
    peer: str


def key_of(rule: FirewallRule) -> Key:
    """The key of a neutral rule."""
    return Key(rule.direction, rule.protocol, 0 if rule.protocol == "icmp" else rule.port, _range(rule.peer))


def _range(peer: str) -> str:
    """A range with its length: one address may come without."""
    return peer if "/" in peer else f"{peer}/32"


def described(why: str) -> str:
    """A reason as Google keeps it."""
    return printable(why)[:1000]


def rule_name(group: str, key: Key) -> str:
    """Name of the object of a rule: the same rule of the same group has the same one, and there can be but one."""
    return f"{group}-{hashlib.sha256(repr(tuple(key)).encode()).hexdigest()[:8]}"


def body(group: str, network: str, key: Key, why: str) -> dict[str, Any]:
    """A rule as Google takes it.

    Args:
        group: Id of the firewall, which is the tag of the servers that carry it.
        network: The network, as a body names it.
        key: Which flow.
        why: Reason, as `described` gives it.
    """
    direction, peers = _SIDES[key.direction]
    ports = {} if key.protocol == "icmp" else {"ports": [str(key.port)]}
    return {
        "name": rule_name(group, key),
        "description": why,
        "network": network,
        "direction": direction,
        "priority": PRIORITY,
        "targetTags": [group],
        "allowed": [{"IPProtocol": key.protocol, **ports}],
        peers: [key.peer],
        "disabled": False,
    }


def live_key(raw: Mapping[str, Any]) -> Key | None:
    """The key of a live rule; None when it says more, or something else, than a neutral one can."""
    direction = "in" if raw.get("direction") == "INGRESS" else "out"
    ranges, allowed = raw.get(_SIDES[direction][1], []), raw.get("allowed", [])
    odd = (
        any(raw.get(name) for name in _NEVER)
        or bool(raw.get("disabled"))
        or raw.get("priority") != PRIORITY
        or len(raw.get("targetTags", [])) != 1
    )
    if odd or len(ranges) != 1 or len(allowed) != 1:
        return None
    protocol, ports = str(allowed[0].get("IPProtocol")), allowed[0].get("ports", [])
    if protocol == "icmp" and not ports:
        return Key(direction, protocol, 0, _range(ranges[0]))
    if protocol in {"tcp", "udp"} and len(ports) == 1 and str(ports[0]).isdigit():
        return Key(direction, protocol, int(ports[0]), _range(ranges[0]))
    return None


def neutral(raws: Iterable[Mapping[str, Any]], known: Iterable[FirewallRule]) -> tuple[FirewallRule, ...]:
    """Live rules in neutral words: those that are known as they were given, then the others."""
    live: dict[Key, str] = {}
    odd: list[FirewallRule] = []
    for raw in raws:
        key, why = live_key(raw), str(raw.get("description", ""))
        if key is None or key in live:
            odd.append(_odd(raw))
        else:
            live[key] = why
    kept = [rule for rule in known if live.get(key_of(rule)) == described(rule.why)]
    mine = {key_of(rule) for rule in kept}
    others = [FirewallRule(*key, why=why) for key, why in live.items() if key not in mine]
    return (*kept, *sorted(others + odd))


def _odd(raw: Mapping[str, Any]) -> FirewallRule:
    direction = "in" if raw.get("direction") == "INGRESS" else "out"
    peers = [*raw.get(_SIDES[direction][1], []), *raw.get("sourceTags", []), *raw.get("sourceServiceAccounts", [])]
    entries = raw.get("allowed") or raw.get("denied") or [{}]
    ports = ",".join(str(port) for entry in entries for port in entry.get("ports", ()))
    said = f"rule {raw['name']}" + (f", ports {ports}" if ports else "") + (", a denial" if raw.get("denied") else "")
    return FirewallRule(
        direction=direction,
        protocol=str(entries[0].get("IPProtocol", "all")),
        port=0,
        peer=",".join(str(peer) for peer in peers),
        why=said,
    )
