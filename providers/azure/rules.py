"""Rules of a network security group: neutral ones, the two that deny all else, and what somebody else put there.

Azure's own default rules let everything in the network talk and everything out, at the lowest priority. So every group
of ours ends in one rule a direction that denies.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pse.core.schema import FirewallRule

DIRECTIONS: Mapping[str, str] = {"in": "Inbound", "out": "Outbound"}
_PEER = {"in": "sourceAddressPrefix", "out": "destinationAddressPrefix"}
_PROTOCOLS = {"tcp": "Tcp", "udp": "Udp", "icmp": "Icmp"}
FIRST, LAST = 100, 4096
"""Priorities that Azure gives to users; the last one is the rule that denies."""
_MAX_WHY = 140


class Key(NamedTuple):
    """What a permitted flow is to Azure.

    Attributes:
        direction: ``in`` or ``out``.
        protocol: In Azure's words.
        port: As Azure writes it: one, a range, or ``*``.
        peer: As Azure writes it.
    """

    direction: str
    protocol: str
    port: str
    peer: str


def key_of(rule: FirewallRule) -> Key:
    """The key of a neutral rule."""
    port = "*" if rule.protocol == "icmp" else str(rule.port)
    return Key(rule.direction, _PROTOCOLS.get(rule.protocol, rule.protocol), port, rule.peer)


def described(why: str) -> str:
    """A reason as Azure keeps it."""
    return why[:_MAX_WHY]


def flows_of(rules: Iterable[FirewallRule]) -> dict[Key, str]:
    """Neutral rules as flows and their reasons; a flow that is named twice is one."""
    return {key_of(rule): described(rule.why) for rule in rules}


def is_plain(key: Key) -> bool:
    """Whether a flow says no more than a neutral rule does."""
    return (
        key.protocol in _PROTOCOLS.values()
        and not set(key.peer) & set(", ")
        and (key.port == "*" or key.port.isdigit())
    )


def body(flows: Mapping[Key, str]) -> list[dict[str, Any]]:
    """All rules of a group as Azure takes them."""
    listed: list[dict[str, Any]] = []
    for direction, word in DIRECTIONS.items():
        mine = ((key, why) for key, why in flows.items() if key.direction == direction)
        for number, (key, why) in enumerate(mine):
            listed.append(_rule(f"{direction}-{number}", key, FIRST + number, "Allow", why))
        listed.append(_rule(f"deny-{word.lower()}", Key(direction, "*", "*", "*"), LAST, "Deny", ""))
    return listed


def live_rules(group: Mapping[str, Any]) -> dict[Key, str]:
    """Permitted flows of a group and their descriptions.

    A rule that says more than a neutral one is kept apart by its key, so that it is seen as drift.
    """
    found: dict[Key, str] = {}
    for rule in group["properties"].get("securityRules") or ():
        given = rule["properties"]
        if given["access"] == "Allow":
            found[_key(given)] = str(given.get("description") or "")
    return found


def is_closed(group: Mapping[str, Any]) -> bool:
    """Whether what no rule permits is denied, in both directions."""
    denied = {
        given["direction"]
        for rule in group["properties"].get("securityRules") or ()
        if (given := rule["properties"])["access"] == "Deny" and _key(given)[1:] == ("*", "*", "*")
    }
    return denied == set(DIRECTIONS.values())


def neutral(live: Mapping[Key, str], known: Iterable[FirewallRule]) -> tuple[FirewallRule, ...]:
    """Live rules in neutral words: those that are known as they were given, then the others."""
    kept = [rule for rule in known if live.get(key_of(rule)) == described(rule.why)]
    mine = {key_of(rule) for rule in kept}
    return (*kept, *sorted(_neutral(key, why) for key, why in live.items() if key not in mine))


def _rule(name: str, key: Key, priority: int, access: str, why: str) -> dict[str, Any]:
    sides = {"sourceAddressPrefix": "*", "destinationAddressPrefix": "*", _PEER[key.direction]: key.peer}
    return {
        "name": name,
        "properties": {
            "access": access,
            "direction": DIRECTIONS[key.direction],
            "priority": priority,
            "protocol": key.protocol,
            "sourcePortRange": "*",
            "destinationPortRange": key.port,
            **sides,
            **({"description": why} if why else {}),
        },
    }


def _key(given: Mapping[str, Any]) -> Key:
    direction = next(word for word, theirs in DIRECTIONS.items() if theirs == given["direction"])
    here = "destinationAddressPrefix" if direction == "in" else "sourceAddressPrefix"
    peer, ports = _several(given, _PEER[direction]), _several(given, "destinationPortRange")
    others = [text for text in (_several(given, here), _several(given, "sourcePortRange")) if text != "*"]
    # A rule for some of our addresses or for some source ports says more than a neutral one.
    return Key(direction, str(given["protocol"]), ports, " ".join((peer, *others)))


def _several(given: Mapping[str, Any], name: str) -> str:
    plural = f"{name}es" if name.endswith("x") else f"{name}s"
    is_peer = name.endswith("AddressPrefix")
    groups = (given.get(name.replace("AddressPrefix", "ApplicationSecurityGroups")) or ()) if is_peer else ()
    listed = [given.get(name), *(given.get(plural) or ()), *(group.get("id", "?") for group in groups)]
    return ",".join(str(one) for one in listed if one)


def _neutral(key: Key, why: str) -> FirewallRule:
    words = {theirs: word for word, theirs in _PROTOCOLS.items()} | {"*": "all"}
    one = key.port.isdigit()
    port = f"ports {key.port} " if not one and key.protocol != "Icmp" else ""
    return FirewallRule(
        direction=key.direction,
        protocol=words.get(key.protocol, key.protocol.lower()),
        port=int(key.port) if one else 0,
        peer=key.peer,
        why=(port + why).strip(),
    )
