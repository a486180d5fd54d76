"""Networks, subnetworks and firewalls of the fake."""

import ipaddress
import re
from copy import deepcopy
from typing import Any

from tests.fakes.google.call import Call, Effects, named
from tests.fakes.google.errors import Refused
from tests.fakes.google.world import LINK, Resource, World

_TAG = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_PORTS = re.compile(r"\d{1,5}(-\d{1,5})?")


def network(call: Call, resource: Resource, path: str) -> Effects:
    """A new network: with subnetworks of one's own only, as everybody should have it."""
    if resource.get("autoCreateSubnetworks", True):
        raise Refused("invalid", "the fake has networks with autoCreateSubnetworks = false only")
    resource.setdefault("routingConfig", {"routingMode": "REGIONAL"})
    resource.setdefault("mtu", 1460)
    return Effects()


def network_shown(world: World, path: str, resource: Resource) -> Resource:
    """A network with its subnetworks."""
    shown = deepcopy(resource)
    subnetworks = [sub["selfLink"] for sub in world.at.values() if sub.get("network") == LINK + path and _is(sub)]
    return shown | ({"subnetworks": subnetworks} if subnetworks else {})


def network_users(world: World, path: str) -> str:
    """What holds a network: subnetworks and firewalls."""
    held = (used for used, raw in world.at.items() if raw.get("network") == LINK + path)
    return next(held, "")


def subnetwork(call: Call, resource: Resource, path: str) -> Effects:
    """A new subnetwork: its range is free in its network."""
    for field in ("name", "network", "ipCidrRange"):
        if not resource.get(field):
            raise Refused("required", f"Required field 'resource.{field}' not specified")
    resource["network"] = LINK + call.refer(resource["network"], "networks", "resource.network")
    if "region" in resource and named(resource["region"]).rpartition("/")[2] != call.names["region"]:
        raise Refused("invalid", f"Invalid value for field 'resource.region': '{resource['region']}'")
    mine = _range(resource["ipCidrRange"], "resource.ipCidrRange")
    if mine.prefixlen > 29:
        raise Refused("invalid", f"Invalid IPCidrRange: {mine} is too small")
    for other in call.world.at.values():
        if _is(other) and other["network"] == resource["network"] and mine.overlaps(_range(other["ipCidrRange"], "")):
            raise Refused("invalid", f"Invalid IPCidrRange: {mine} conflicts with existing subnetwork {other['name']}")
    resource |= {
        "gatewayAddress": str(next(mine.hosts())),
        "fingerprint": call.world.fingerprint(),
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "state": "READY",
    }
    return Effects()


def subnetwork_users(world: World, path: str) -> str:
    """What holds a subnetwork: the interfaces of instances, addresses in it, and NATs."""
    for used, raw in world.at.items():
        faces: list[dict[str, Any]] = raw.get("networkInterfaces", [])
        if any(face.get("subnetwork") == LINK + path for face in faces) or raw.get("subnetwork") == LINK + path:
            return used
        nats: list[dict[str, Any]] = raw.get("nats", [])
        if any(entry["name"] == LINK + path for nat in nats for entry in nat.get("subnetworks", ())):
            return used
    return ""


def firewall(call: Call, resource: Resource, path: str) -> Effects:
    """A new firewall rule."""
    given = resource.get("network", "global/networks/default")
    resource["network"] = LINK + call.refer(given, "networks", "resource.network")
    _rule(resource)
    return Effects()


def change_firewall(call: Call) -> Resource:
    """Patch, or put, a firewall rule."""
    old = call.world.get(call.path)
    kept = ("kind", "id", "creationTimestamp", "selfLink", "network", "name")
    base = deepcopy(old) if call.method.action == "patch" else {key: old[key] for key in kept}
    changed = base | deepcopy(call.body) | {key: old[key] for key in kept}
    other = call.body.get("network")
    if other and LINK + call.refer(other, "networks", "resource.network") != old["network"]:
        raise Refused("invalid", "Invalid value for field 'resource.network': a rule stays in its network")
    _rule(changed)
    return call.begin(call.path, first=lambda: call.world.at.update({call.path: changed}))


def _rule(resource: Resource) -> None:
    resource.setdefault("direction", "INGRESS")
    resource.setdefault("priority", 1000)
    resource.setdefault("disabled", False)
    resource.setdefault("logConfig", {"enable": False})
    verdicts = [resource[key] for key in ("allowed", "denied") if resource.get(key)]
    if len(verdicts) != 1:
        raise Refused("invalid", "Exactly one of allowed and denied must be given")
    if not 0 <= resource["priority"] <= 65535:
        raise Refused("invalid", "Invalid value for field 'resource.priority'")
    _sides(resource)
    for entry in verdicts[0]:
        _entry(entry)


def _sides(resource: Resource) -> None:
    inward = resource["direction"] == "INGRESS"
    for field in ("destinationRanges",) if inward else ("sourceRanges", "sourceTags", "sourceServiceAccounts"):
        if resource.get(field):
            raise Refused("invalid", f"{field} may not be given for direction {resource['direction']}")
    for field in ("sourceRanges", "destinationRanges"):
        for text in resource.get(field, ()):
            _range(text, f"resource.{field}")
    for tag in (*resource.get("targetTags", ()), *resource.get("sourceTags", ())):
        if not _TAG.fullmatch(tag):
            raise Refused("invalid", f"Invalid value for field 'resource.targetTags': '{tag}'")
    if not inward:
        resource.setdefault("destinationRanges", ["0.0.0.0/0"])
    elif not any(resource.get(key) for key in ("sourceRanges", "sourceTags", "sourceServiceAccounts")):
        resource["sourceRanges"] = ["0.0.0.0/0"]


def _entry(entry: dict[str, Any]) -> None:
    protocol = entry.get("IPProtocol", "")
    if protocol not in {"all", "tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp"} and not protocol.isdigit():
        raise Refused("invalid", f"Invalid value for field 'resource.allowed[0].IPProtocol': '{protocol}'")
    for ports in entry.get("ports", ()):
        low, _, high = ports.partition("-")
        good = _PORTS.fullmatch(ports) and int(low) <= int(high or low) <= 65535
        if protocol not in {"tcp", "udp", "sctp"} or not good:
            raise Refused("invalid", f"Invalid value for field 'resource.allowed[0].ports[0]': '{ports}'")


def _is(raw: Resource) -> bool:
    return raw.get("kind") == "compute#subnetwork"


def _range(text: str, where: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as exc:
        raise Refused("invalid", f"Invalid value for field '{where}': '{text}'. {exc}") from exc
