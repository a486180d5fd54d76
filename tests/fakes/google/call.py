"""One call, and what is the same for every collection: insert, get, list and delete."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.fakes.google.document import Method
from tests.fakes.google.errors import Refused
from tests.fakes.google.world import LINK, Resource, World, matches

KINDS: Mapping[str, str] = {
    "addresses": "address",
    "disks": "disk",
    "firewalls": "firewall",
    "images": "image",
    "instances": "instance",
    "networks": "network",
    "resourcePolicies": "resourcePolicy",
    "routers": "router",
    "snapshots": "snapshot",
    "subnetworks": "subnetwork",
}
PAGE = 500


@dataclass(frozen=True)
class Call:
    """A call that fits the document.

    Attributes:
        world: What stands.
        method: Which call it is.
        path: The path as it was asked, ``projects/…``.
        names: Parameters in the path.
        query: Parameters behind it.
        body: The body, or nothing.
    """

    world: World
    method: Method
    path: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Resource

    @property
    def scope(self) -> str:
        """Path of project and ``global``, region or zone."""
        parts = self.path.split("/")
        if len(parts) < 4 or parts[2] not in {"regions", "zones"}:
            return f"{'/'.join(parts[:2])}/global"
        return "/".join(parts[:4])

    def refer(self, given: str, collection: str, what: str) -> str:
        """See `World.refer`."""
        return self.world.refer(given, scope=self.scope, collection=collection, what=what)

    def begin(
        self,
        target: str,
        *,
        first: Callable[[], None] | None = None,
        then: Callable[[], None] | None = None,
    ) -> Resource:
        """Begin the call's operation, or give the one that the same request began before."""
        action = f"{self.method.collection}.{self.method.action}"
        request_id = self.query.get("requestId", "")
        before = self.world.replayed(request_id, f"{action} {target}")
        if before is not None:
            return before
        operation = self.world.begin(self.scope, action, target, first=first or nothing, then=then or nothing)
        if request_id:
            self.world.requests[request_id] = (f"{action} {target}", operation["name"])
        return operation


def nothing() -> None:
    """No effect."""


class Effects(NamedTuple):
    """What an operation does besides the obvious.

    Attributes:
        first: At its start.
        then: At its end.
    """

    first: Callable[[], None] = nothing
    then: Callable[[], None] = nothing


Prepare = Callable[[Call, Resource, str], Effects]
"""Checks and completes a new resource at a path."""
Shown = Callable[[World, str, Resource], Resource]
"""A resource as it is told, with what follows from others."""
Users = Callable[[World, str], str]
"""Path of what uses it; empty for nothing."""


def insert(call: Call, prepare: Prepare) -> Resource:
    """Make a resource.

    Raises:
        Refused: It cannot be, or something of that name is there.
    """
    target = f"{call.path}/{call.body.get('name', '')}"
    action = f"{call.method.collection}.{call.method.action} {target}"
    before = call.world.replayed(call.query.get("requestId", ""), action)
    if before is not None:
        return before
    if target in call.world.at:
        raise Refused("alreadyExists", f"The resource '{target}' already exists")
    resource = deepcopy(call.body)
    effects = prepare(call, resource, target)
    stamp(call.world, resource, target)

    def first() -> None:
        call.world.put(target, resource)
        effects.first()

    return call.begin(target, first=first, then=effects.then)


def stamp(world: World, resource: Resource, path: str) -> None:
    """What every new resource gets."""
    _, project, where, name, *_ = path.split("/")
    collection = path.split("/")[-2]
    resource |= {
        "kind": f"compute#{KINDS[collection]}",
        "id": world.new_id(),
        "creationTimestamp": "2026-06-01T00:00:00.000-07:00",
        "selfLink": LINK + path,
    }
    if where in {"regions", "zones"}:
        resource[where.removesuffix("s")] = f"{LINK}projects/{project}/{where}/{name}"


def get(call: Call, shown: Shown) -> Resource:
    """One resource."""
    return shown(call.world, call.path, call.world.get(call.path))


def listed(call: Call, shown: Shown) -> Resource:
    """A page of a collection."""
    found = [
        shown(call.world, path, resource)
        for path, resource in call.world.below(call.path)
        if not call.world.hidden(path) and matches(resource, call.query.get("filter", ""))
    ]
    start, size = call.query.get("pageToken", "0"), int(call.query.get("maxResults", PAGE))
    if not start.isdigit() or size > PAGE:
        raise Refused("invalid", "Invalid value for field 'pageToken' or 'maxResults'")
    end = int(start) + size
    answer: Resource = {
        "kind": f"compute#{KINDS.get(call.method.collection, call.method.collection)}List",
        "id": call.path,
        "selfLink": LINK + call.path,
    }
    # As the service does it: no key for an empty list.
    if found[int(start) : end]:
        answer["items"] = found[int(start) : end]
    if end < len(found):
        answer["nextPageToken"] = str(end)
    return answer


def delete(call: Call, users: Users) -> Resource:
    """Delete a resource.

    Raises:
        Refused: It is not there, or something uses it.
    """
    action = f"{call.method.collection}.{call.method.action} {call.path}"
    before = call.world.replayed(call.query.get("requestId", ""), action)
    if before is not None:
        return before
    call.world.get(call.path)
    used = users(call.world, call.path)
    if used:
        raise Refused("resourceInUseByAnotherResource", f"The resource '{call.path}' is already being used by '{used}'")
    return call.begin(call.path, then=lambda: call.world.drop(call.path))


def as_it_is(world: World, path: str, resource: Resource) -> Resource:
    """A resource of which nothing follows from others."""
    return deepcopy(resource)


def named(link: Any) -> str:
    """The path that a link means."""
    return str(link).removeprefix(LINK)
