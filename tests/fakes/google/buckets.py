"""Buckets of the fake: the part of Cloud Storage that makes and removes them, without objects."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy

from tests.fakes.google.call import Call
from tests.fakes.google.errors import Refused, missing
from tests.fakes.google.machines import encrypted, labelled
from tests.fakes.google.world import Resource

_NAME = re.compile(r"[a-z0-9][-_a-z0-9.]{1,61}[a-z0-9]")
_REGIONS = frozenset({"ME-CENTRAL2", "ME-CENTRAL1", "ASIA-SOUTH1", "EUROPE-WEST1"})
_CONTINENTS = frozenset({"ASIA", "EU", "US"})
_PUBLIC = frozenset({"enforced", "inherited"})


def insert(call: Call) -> Resource:
    """Make a bucket: its name is unique in the world."""
    name = call.body["name"]
    if not _NAME.fullmatch(name):
        raise Refused("invalid", f"Invalid bucket name: '{name}'")
    if f"buckets/{name}" in call.world.at:
        raise Refused("conflict", "The requested bucket name is not available. Please select a different name.")
    raw = deepcopy(call.body)
    raw["location"] = str(raw.get("location", "US")).upper()
    if raw["location"] not in _REGIONS | _CONTINENTS:
        raise Refused("invalid", f"The specified location constraint is not valid: {raw['location']}")
    _checked(call, raw)
    raw |= {
        "kind": "storage#bucket",
        "id": name,
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
        "locationType": "region" if raw["location"] in _REGIONS else "multi-region",
        "metageneration": "1",
    }
    raw.setdefault("storageClass", "STANDARD")
    raw.setdefault("softDeletePolicy", {"retentionDurationSeconds": "604800"})
    raw.setdefault("iamConfiguration", {}).setdefault("publicAccessPrevention", "inherited")
    call.world.put(f"buckets/{name}", raw)
    return deepcopy(raw)


def get(call: Call) -> Resource:
    """One bucket."""
    return deepcopy(_one(call))


def listed(call: Call) -> Resource:
    """A page of the project's buckets."""
    found = [raw for path, raw in call.world.below("buckets") if not call.world.hidden(path)]
    start, size = int(call.query.get("pageToken", "0")), int(call.query.get("maxResults", 1000))
    answer: Resource = {"kind": "storage#buckets"}
    if found[start : start + size]:
        answer["items"] = deepcopy(found[start : start + size])
    if start + size < len(found):
        answer["nextPageToken"] = str(start + size)
    return answer


def patch(call: Call) -> Resource:
    """Change a bucket: what is given is merged into what there is."""
    raw = _one(call)
    if {"name", "location"} & set(call.body):
        raise Refused("invalid", "name and location of a bucket stay as they are")
    changed = _merged(raw, call.body)
    _checked(call, changed, old=raw)
    changed["metageneration"] = str(int(raw["metageneration"]) + 1)
    call.world.at[f"buckets/{call.names['bucket']}"] = changed
    return deepcopy(changed)


def delete(call: Call) -> Resource:
    """Delete a bucket that is empty."""
    _one(call)
    name = call.names["bucket"]
    if name in call.world.full:
        raise Refused("conflict", "The bucket you tried to delete is not empty.")
    call.world.drop(f"buckets/{name}")
    return {}


CALLS: Mapping[str, Callable[[Call], Resource]] = {
    "buckets.insert": insert,
    "buckets.get": get,
    "buckets.list": listed,
    "buckets.patch": patch,
    "buckets.delete": delete,
}


def _one(call: Call) -> Resource:
    path = f"buckets/{call.names['bucket']}"
    if path not in call.world.at or call.world.hidden(path):
        raise missing(path)
    return call.world.at[path]


def _checked(call: Call, raw: Resource, old: Resource | None = None) -> None:
    if raw.get("iamConfiguration", {}).get("publicAccessPrevention", "inherited") not in _PUBLIC:
        raise Refused("invalid", "publicAccessPrevention is enforced or inherited")
    seconds = int(raw.get("softDeletePolicy", {}).get("retentionDurationSeconds", 0))
    if seconds and not 604800 <= seconds <= 7776000:
        raise Refused("invalid", "softDeletePolicy.retentionDurationSeconds is 0 or 7 to 90 days")
    key = raw.get("encryption", {}).get("defaultKmsKeyName")
    if key and (old is None or old.get("encryption") != raw.get("encryption")):
        # Unlike a disk's, a bucket's key is told without its version.
        encrypted(call.world, {"kmsKeyName": key}, {raw["location"].lower()})
    fresh = {"labels": raw.get("labels", {})}
    labelled(call.world, fresh)


def _merged(old: Resource, new: Resource) -> Resource:
    found = deepcopy(old)
    for name, value in new.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = _merged(found[name], value)
        else:
            found[name] = deepcopy(value)
    return found
