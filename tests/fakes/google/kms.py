"""Keys of Cloud KMS of the fake: what is made in a ring stays there for ever, and only its versions are destroyed."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime

from tests.fakes.google.call import Call
from tests.fakes.google.errors import Refused, missing
from tests.fakes.google.machines import labelled
from tests.fakes.google.world import Resource

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,63}")
_SECONDS = re.compile(r"(\d+)s")


def create(call: Call) -> Resource:
    """Make a key with its first version."""
    parent = call.path.removeprefix("v1/").removesuffix("/cryptoKeys")
    call.world.get(parent)
    name = call.query.get("cryptoKeyId", "")
    if not _NAME.fullmatch(name) or call.body.get("purpose") != "ENCRYPT_DECRYPT":
        raise Refused("invalid", "cryptoKeyId or purpose is none")
    path = f"{parent}/cryptoKeys/{name}"
    if path in call.world.at:
        raise Refused("alreadyExists", f"CryptoKey {path} already exists.")
    raw = deepcopy(call.body)
    _checked(call, raw)
    raw["name"] = path
    call.world.put(path, raw)
    call.world.put(f"{path}/cryptoKeyVersions/1", {"name": f"{path}/cryptoKeyVersions/1", "state": "ENABLED"})
    return shown(call, path)


def shown(call: Call, path: str) -> Resource:
    """A key with its primary version."""
    raw = deepcopy(call.world.at[path])
    version = call.world.at[f"{path}/cryptoKeyVersions/1"]
    return raw | {"primary": deepcopy(version)}


def get(call: Call) -> Resource:
    """One key."""
    path = call.path.removeprefix("v1/")
    call.world.get(path)
    return shown(call, path)


def listed(call: Call) -> Resource:
    """The keys of a ring, or the versions of a key."""
    path = call.path.removeprefix("v1/")
    parent, _, what = path.rpartition("/")
    call.world.get(parent)
    paths = [at for at, _ in call.world.below(path) if not call.world.hidden(at)]
    start, size = int(call.query.get("pageToken", "0")), int(call.query.get("pageSize", 100))
    page = paths[start : start + size]
    keys = what == "cryptoKeys"
    answer: Resource = {what: [shown(call, at) if keys else deepcopy(call.world.at[at]) for at in page]}
    return answer | ({"nextPageToken": str(start + size)} if start + size < len(paths) else {})


def patch(call: Call) -> Resource:
    """Change what the mask names; what it names and the body lacks is taken away."""
    path = call.path.removeprefix("v1/")
    changed = deepcopy(call.world.get(path))
    mask = call.query.get("updateMask", "").split(",")
    if not set(call.body) <= set(mask) or not set(mask) <= {"rotationPeriod", "nextRotationTime", "labels"}:
        raise Refused("invalid", "updateMask and body do not fit")
    for field in mask:
        changed.pop(field, None)
        if field in call.body:
            changed[field] = call.body[field]
    _checked(call, changed)
    call.world.at[path] = changed
    return shown(call, path)


def destroy(call: Call) -> Resource:
    """Let a version be destroyed in 30 days."""
    path = call.path.removeprefix("v1/").removesuffix(":destroy")
    if path not in call.world.at:
        raise missing(path)
    raw = call.world.at[path]
    if raw["state"] != "ENABLED":
        raise Refused("conditionNotMet", f"{path} is {raw['state']}")
    raw["state"] = "DESTROY_SCHEDULED"
    return deepcopy(raw)


CALLS: Mapping[str, Callable[[Call], Resource]] = {
    "cryptoKeys.create": create,
    "cryptoKeys.get": get,
    "cryptoKeys.list": listed,
    "cryptoKeys.patch": patch,
    "cryptoKeyVersions.list": listed,
    "cryptoKeyVersions.destroy": destroy,
}


def _checked(call: Call, raw: Resource) -> None:
    period, first = raw.get("rotationPeriod"), raw.get("nextRotationTime")
    if bool(period) != bool(first):
        raise Refused("invalid", "rotationPeriod and nextRotationTime go together")
    if period:
        found = _SECONDS.fullmatch(period)
        if not found or int(found[1]) < 86400:
            raise Refused("invalid", f"rotationPeriod {period} is less than a day")
        if datetime.fromisoformat(str(first)) < datetime.now(UTC):
            raise Refused("invalid", "nextRotationTime is past")
    fresh = {"labels": raw.get("labels", {})}
    labelled(call.world, fresh)
