"""Permitted flows, neutral and as security groups have them.

A group's rule may say more than a neutral one: a range of ports, a prefix list, another group. Such a rule is kept
apart by its key, so that it is seen as drift and can be revoked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pse.core.schema import FirewallRule

_SIDES = {"in": "IpPermissions", "out": "IpPermissionsEgress"}
_PEERS = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId"),
    ("UserIdGroupPairs", "GroupId"),
)
_NOT_IN_WORDS = re.compile(r"[^a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]")
"""What EC2 takes no description with."""
_ICMP = -1


class Key(NamedTuple):
    """What makes two rules the same to EC2.

    Attributes:
        direction: ``in`` or ``out``.
        protocol: ``tcp``, ``udp``, ``icmp``, a number, or ``-1`` for all.
        first: First port; -1 for icmp and for all.
        last: Last port.
        peer_kind: Name of the list that the peer is in.
        peer: The other side.
    """

    direction: str
    protocol: str
    first: int
    last: int
    peer_kind: str
    peer: str


def key_of(rule: FirewallRule) -> Key:
    """The key of a neutral rule."""
    first = _ICMP if rule.protocol == "icmp" else rule.port
    return Key(rule.direction, rule.protocol, first, first, "IpRanges", rule.peer)


def described(why: str) -> str:
    """A reason as EC2 keeps it."""
    return _NOT_IN_WORDS.sub(" ", why)[:255]


def live_rules(group: Mapping[str, Any]) -> dict[Key, str]:
    """Rules of a security group and their descriptions."""
    found: dict[Key, str] = {}
    for direction, side in _SIDES.items():
        for permission in group.get(side, ()):
            protocol = str(permission["IpProtocol"])
            first, last = int(permission.get("FromPort", -1)), int(permission.get("ToPort", -1))
            for peer_kind, field in _PEERS:
                for peer in permission.get(peer_kind, ()):
                    key = Key(direction, protocol, first, last, peer_kind, str(peer[field]))
                    found[key] = str(peer.get("Description", ""))
    return found


def neutral(live: Mapping[Key, str], known: Iterable[FirewallRule]) -> tuple[FirewallRule, ...]:
    """Live rules in neutral words: those that are known as they were given, then the others."""
    kept = [rule for rule in known if key_of(rule) in live and live[key_of(rule)] == described(rule.why)]
    mine = {key_of(rule) for rule in kept}
    others = sorted(_neutral(key, why) for key, why in live.items() if key not in mine)
    return (*kept, *others)


def permissions(rules: Mapping[Key, str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Rules as EC2 takes them, one list a direction; none for a direction without any."""
    for direction in _SIDES:
        listed = [_permission(key, why) for key, why in sorted(rules.items()) if key.direction == direction]
        if listed:
            yield direction, listed


def _permission(key: Key, why: str) -> dict[str, Any]:
    field = dict(_PEERS)[key.peer_kind]
    peer = {field: key.peer} | ({"Description": why} if why else {})
    ports = {} if key.protocol == "-1" else {"FromPort": key.first, "ToPort": key.last}
    return {"IpProtocol": key.protocol, **ports, key.peer_kind: [peer]}


def _neutral(key: Key, why: str) -> FirewallRule:
    protocol = "all" if key.protocol == "-1" else key.protocol
    ports = "" if key.first == key.last else f"ports {key.first} to {key.last} "
    return FirewallRule(
        direction=key.direction, protocol=protocol, port=max(0, key.first), peer=key.peer, why=(ports + why).strip()
    )
