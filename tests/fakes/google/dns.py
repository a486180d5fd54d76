"""Zones and record sets of the fake: the part of Cloud DNS that makes, changes and removes them.

Not checked: quotas, DNSSEC, routing policies, that a domain is verified where Google wants it to be.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from time import monotonic

from tests.fakes.google.call import Call
from tests.fakes.google.errors import Refused, missing
from tests.fakes.google.machines import labelled
from tests.fakes.google.world import Resource

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_DOMAIN = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+")
_TEXT = re.compile(r'"(?:[^"\\]|\\.){0,255}"(?:\s+"(?:[^"\\]|\\.){0,255}")*')
_OWN = frozenset({"NS", "SOA"})
_SERVERS = [f"ns-cloud-a{number}.googledomains.com." for number in range(1, 5)]


def create(call: Call) -> Resource:
    """Make a zone with its own record sets."""
    raw = deepcopy(call.body)
    name, domain = str(raw.get("name", "")), str(raw.get("dnsName", ""))
    if not _NAME.fullmatch(name):
        raise Refused("invalid", f"Invalid value for 'entity.managedZone.name': '{name}'")
    if not _DOMAIN.fullmatch(domain):
        raise Refused("invalid", f"Invalid value for 'entity.managedZone.dnsName': '{domain}'")
    if not raw.get("description"):
        raise Refused("required", "The 'entity.managedZone.description' parameter is required but was missing.")
    zone = _zones(call) + name
    if zone in call.world.at:
        raise Refused("alreadyExists", f"The resource 'entity.managedZone' named '{name}' already exists")
    fresh = {"labels": raw.get("labels", {})}
    labelled(call.world, fresh)
    raw |= {"kind": "dns#managedZone", "id": call.world.new_id(), "nameServers": _SERVERS}
    raw.setdefault("visibility", "public")
    call.world.put(zone, raw)
    _put(call, zone, {"name": domain, "type": "NS", "ttl": 21600, "rrdatas": _SERVERS})
    soa = f"{_SERVERS[0]} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300"
    _put(call, zone, {"name": domain, "type": "SOA", "ttl": 21600, "rrdatas": [soa]})
    return deepcopy(raw)


def get(call: Call) -> Resource:
    """One zone."""
    return deepcopy(call.world.at[_zone(call)])


def listed(call: Call) -> Resource:
    """A page of the project's zones."""
    found = [raw for path, raw in call.world.below(_zones(call).rstrip("/")) if not call.world.hidden(path)]
    return _page(call, "managedZones", found)


def delete(call: Call) -> Resource:
    """Delete a zone that has nothing but its own record sets."""
    zone = _zone(call)
    sets = list(call.world.below(f"{zone}/rrsets"))
    if any(raw["type"] not in _OWN for _, raw in sets):
        raise Refused("containerNotEmpty", "The resource named '...' cannot be deleted because it is not empty")
    for path in [path for path in call.world.at if path.startswith(f"{zone}/")]:
        call.world.drop(path)
    call.world.drop(zone)
    return {}


def records(call: Call) -> Resource:
    """A page of a zone's record sets."""
    name, kind = call.query.get("name"), call.query.get("type")
    if kind and not name:
        raise Refused("invalid", "'type' needs 'name'")
    found = [raw for _, raw in call.world.below(f"{_zone(call)}/rrsets")]
    found = [raw for raw in found if name in {None, raw["name"]} and kind in {None, raw["type"]}]
    return _page(call, "rrsets", found)


def change(call: Call) -> Resource:
    """Do all of a change, or nothing."""
    zone = _zone(call)
    domain = call.world.at[zone]["dnsName"]
    live = {(raw["name"], raw["type"]): raw for _, raw in call.world.below(f"{zone}/rrsets")}
    gone, new = call.body.get("deletions", []), call.body.get("additions", [])
    if set(call.body) - {"deletions", "additions", "kind"} or not (gone or new) or any(raw in gone for raw in new):
        raise Refused("invalid", "A change has to change something, and all that it names")
    for number, raw in enumerate(gone):
        at = (raw["name"], raw["type"])
        where = f"entity.change.deletions[{number}]"
        if at not in live:
            raise Refused("notFound", f"The '{where}' resource named '{at[0]} ({at[1]})' does not exist.")
        if _core(live[at]) != _core(raw):
            raise Refused("conditionNotMet", f"Precondition not met for '{where}'")
        del live[at]
    for number, raw in enumerate(new):
        at = (raw["name"], raw["type"])
        where = f"entity.change.additions[{number}]"
        if at in live:
            raise Refused("alreadyExists", f"The resource '{where}' named '{at[0]} ({at[1]})' already exists")
        _check(raw, domain, {kind for name, kind in live if name == at[0]}, where)
        live[at] = {"kind": "dns#resourceRecordSet", **raw}
    if not {(domain, kind) for kind in _OWN} <= set(live):
        raise Refused("invalid", "The zone needs its own record sets")
    for path, _ in list(call.world.below(f"{zone}/rrsets")):
        call.world.drop(path)
    for raw in live.values():
        _put(call, zone, raw)
    done: Resource = {"kind": "dns#change", "id": call.world.new_id(), "ends": monotonic() + call.world.delay_s}
    call.world.at[f"{zone}/changes/{done['id']}"] = done
    return _told(done)


def changed(call: Call) -> Resource:
    """One change."""
    path = f"{_zone(call)}/changes/{call.names['changeId']}"
    if path not in call.world.at:
        raise missing(path)
    return _told(call.world.at[path])


CALLS: Mapping[str, Callable[[Call], Resource]] = {
    "managedZones.create": create,
    "managedZones.get": get,
    "managedZones.list": listed,
    "managedZones.delete": delete,
    "resourceRecordSets.list": records,
    "changes.create": change,
    "changes.get": changed,
}


def _zones(call: Call) -> str:
    return f"projects/{call.names['project']}/managedZones/"


def _zone(call: Call) -> str:
    path = _zones(call) + call.names["managedZone"]
    if path not in call.world.at or call.world.hidden(path):
        raise Refused("notFound", f"The 'parameters.managedZone' resource named '{path}' does not exist.")
    return path


def _put(call: Call, zone: str, raw: Resource) -> None:
    call.world.at[f"{zone}/rrsets/{raw['name']} {raw['type']}"] = raw


def _told(done: Resource) -> Resource:
    status = "done" if monotonic() >= done["ends"] else "pending"
    return {name: value for name, value in done.items() if name != "ends"} | {"status": status}


def _core(raw: Resource) -> tuple[int, list[str]]:
    return int(raw.get("ttl", 0)), sorted(raw.get("rrdatas", ()))


def _check(raw: Resource, domain: str, others: set[str], where: str) -> None:
    name, values = raw["name"], list(raw.get("rrdatas", ()))
    if not _DOMAIN.fullmatch(name.removeprefix("*.")) or (name != domain and not name.endswith(f".{domain}")):
        raise Refused("invalid", f"Invalid value for '{where}.name': '{name}'")
    if not values or len(set(values)) != len(values) or "ttl" not in raw:
        raise Refused("invalid", f"Invalid value for '{where}.rrdata'")
    if raw["type"] == "TXT" and not all(_TEXT.fullmatch(value) for value in values):
        raise Refused("invalid", f"Invalid value for '{where}.rrdata[0]'")
    if "CNAME" in others or (raw["type"] == "CNAME" and others):
        message = f"The resource record set '{where}' is invalid because the DNS name '{name}' has a CNAME"
        raise Refused("cnameResourceRecordSetConflict", message)


def _page(call: Call, what: str, found: list[Resource]) -> Resource:
    start, size = int(call.query.get("pageToken", "0")), int(call.query.get("maxResults", 100))
    page: Iterator[Resource] = (deepcopy(raw) for raw in found[start : start + size])
    answer: Resource = {"kind": f"dns#{what}ListResponse", what: list(page)}
    return answer | ({"nextPageToken": str(start + size)} if start + size < len(found) else {})
