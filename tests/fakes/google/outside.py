"""Routers with NAT, and addresses of the fake."""

from copy import deepcopy
from typing import Any

from tests.fakes.google.call import Call, Effects
from tests.fakes.google.errors import Refused
from tests.fakes.google.machines import labelled
from tests.fakes.google.world import LINK, Resource, World


def router(call: Call, resource: Resource, path: str) -> Effects:
    """A new router, with its NATs."""
    resource["network"] = LINK + call.refer(resource["network"], "networks", "resource.network")
    _nats(call, resource)
    return Effects()


def change_router(call: Call) -> Resource:
    """Patch a router; a list that is given replaces the whole list."""
    old = call.world.get(call.path)
    if set(call.body) - {"nats", "description"}:
        raise Refused("invalid", "the fake changes nats and description only")
    changed = deepcopy(old) | deepcopy(call.body)
    _nats(call, changed)
    return call.begin(call.path, first=lambda: call.world.at.update({call.path: changed}))


def replace_router(call: Call) -> Resource:
    """Put a router: what the body does not have is gone."""
    old = call.world.get(call.path)
    fixed = {key: old[key] for key in ("name", "network") if key in old}
    if {key: call.body.get(key) for key in fixed} != fixed:
        raise Refused("invalid", "name and network of a router stay")
    if set(call.body) - {"name", "network", "description", "nats"}:
        raise Refused("invalid", "the fake changes nats and description only")
    own = {key: value for key, value in old.items() if key not in {"description", "nats"}}
    changed = own | deepcopy(call.body)
    _nats(call, changed)
    return call.begin(call.path, first=lambda: call.world.at.update({call.path: changed}))


def _nats(call: Call, resource: Resource) -> None:
    for nat in resource.get("nats", ()):
        if not nat.get("name") or not nat.get("natIpAllocateOption"):
            raise Refused("required", "Required field 'resource.nats[0].name' or its natIpAllocateOption not specified")
        listed = nat.get("sourceSubnetworkIpRangesToNat") == "LIST_OF_SUBNETWORKS"
        if listed != bool(nat.get("subnetworks")):
            raise Refused("invalid", "subnetworks go with LIST_OF_SUBNETWORKS")
        for entry in nat.get("subnetworks", ()):
            sub = call.refer(entry["name"], "subnetworks", "resource.nats[0].subnetworks[0].name")
            if call.world.get(sub)["network"] != resource["network"]:
                raise Refused("invalid", f"subnetwork '{sub}' is of another network")
            entry["name"] = LINK + sub
            if not entry.get("sourceIpRangesToNat"):
                raise Refused("required", "Required field 'sourceIpRangesToNat' not specified")
        _alone(call, resource, nat)


def _alone(call: Call, resource: Resource, nat: Resource) -> None:
    mine = {entry["name"] for entry in nat.get("subnetworks", ())}
    for path, other in call.world.at.items():
        if path != call.path and other.get("kind") == "compute#router":
            taken = {entry["name"] for each in other.get("nats", ()) for entry in each.get("subnetworks", ())}
            if mine & taken:
                raise Refused("invalid", f"{mine & taken} is served by {path} already")


def address(call: Call, resource: Resource, path: str) -> Effects:
    """A new external address."""
    if resource.get("addressType", "EXTERNAL") != "EXTERNAL" or resource.get("address"):
        raise Refused("invalid", "the fake reserves external addresses of its own choice")
    labelled(call.world, resource)
    taken = {raw.get("address") for raw in call.world.at.values()}
    free = (f"203.0.113.{number}" for number in range(1, 255))
    resource["address"] = next(text for text in free if text not in taken)
    resource.setdefault("networkTier", "PREMIUM")
    resource.setdefault("addressType", "EXTERNAL")
    resource["status"] = "RESERVED"
    return Effects()


def address_shown(world: World, path: str, resource: Resource) -> Resource:
    """An address with its users."""
    user = address_users(world, path)
    return deepcopy(resource) | ({"users": [LINK + user], "status": "IN_USE"} if user else {})


def address_users(world: World, path: str) -> str:
    """The instance that answers at an address."""
    text = world.at[path]["address"]
    for used, raw in world.at.items():
        if any(config.get("natIP") == text for face in _faces(raw) for config in face.get("accessConfigs", ())):
            return used
    return ""


def add_access(call: Call) -> Resource:
    """Give an interface a public address."""
    path = call.path.rpartition("/")[0]
    face = _face(call, path)
    if face.get("accessConfigs"):
        raise Refused("invalid", "At most one access config currently supported.")
    text = call.body.get("natIP", "")
    found = next((at for at, raw in call.world.at.items() if raw.get("address") == text and "users" not in raw), "")
    if not found or call.world.hidden(found):
        raise Refused("invalid", f"Invalid value for field 'resource.natIP': '{text}'. No such reserved address.")
    if address_users(call.world, found):
        raise Refused("resourceInUseByAnotherResource", f"'{found}' is already being used")
    if call.world.at[found]["networkTier"] != call.body.get("networkTier", "PREMIUM"):
        raise Refused("invalid", "The network tier of the access config is not the address's")
    config = {"kind": "compute#accessConfig", "name": "External NAT", "type": "ONE_TO_ONE_NAT"} | call.body
    return call.begin(path, first=lambda: face.update(accessConfigs=[config]))


def delete_access(call: Call) -> Resource:
    """Take an interface's public address away."""
    path = call.path.rpartition("/")[0]
    face = _face(call, path)
    names = [config["name"] for config in face.get("accessConfigs", ())]
    if call.query["accessConfig"] not in names:
        raise Refused("invalid", f"Invalid value for field 'accessConfig': '{call.query['accessConfig']}'")
    return call.begin(path, then=lambda: face.update(accessConfigs=[]))


def _face(call: Call, path: str) -> dict[str, Any]:
    faces = {face["name"]: face for face in call.world.get(path)["networkInterfaces"]}
    name = call.query["networkInterface"]
    if name not in faces:
        raise Refused("invalid", f"Invalid value for field 'networkInterface': '{name}'")
    found: dict[str, Any] = faces[name]
    return found


def _faces(raw: Resource) -> list[dict[str, Any]]:
    faces: list[dict[str, Any]] = raw.get("networkInterfaces", [])
    return faces
