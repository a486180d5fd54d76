"""Disks, instances and the project of the fake."""

import ipaddress
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

from tests.fakes.google.call import Call, Effects, as_it_is, named, nothing, stamp
from tests.fakes.google.errors import Refused
from tests.fakes.google.world import LINK, Resource, World

_KEY = re.compile(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+")
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
_TAG = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_ITEM = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_FAST = frozenset({"hyperdisk-balanced", "hyperdisk-extreme", "pd-extreme"})


def disk(call: Call, resource: Resource, path: str) -> Effects:
    """A new disk; it is READY when its operation ends."""
    kind = resource.get("type", f"zones/{call.names['zone']}/diskTypes/pd-standard")
    resource["type"] = LINK + call.refer(kind, "diskTypes", "resource.type")
    image = resource.get("sourceImage")
    if image:
        resource["sourceImage"] = LINK + call.refer(image, "images", "resource.sourceImage")
        resource.setdefault("sizeGb", call.world.get(named(resource["sourceImage"]))["diskSizeGb"])
    snapshot = resource.get("sourceSnapshot")
    if snapshot:
        resource["sourceSnapshot"] = LINK + call.refer(snapshot, "snapshots", "resource.sourceSnapshot")
        least = call.world.get(named(resource["sourceSnapshot"]))["diskSizeGb"]
        resource.setdefault("sizeGb", least)
        if int(resource["sizeGb"]) < int(least):
            raise Refused("invalid", f"Invalid value for field 'resource.sizeGb': the snapshot has {least}")
    if not 1 <= int(resource.get("sizeGb", 0)) <= 65536:
        raise Refused("invalid", f"Invalid value for field 'resource.sizeGb': '{resource.get('sizeGb')}'")
    if "provisionedIops" in resource and resource["type"].rpartition("/")[2] not in _FAST:
        raise Refused("invalid", "Invalid value for field 'resource.provisionedIops': not for this disk type")
    encrypted(call.world, resource.get("diskEncryptionKey"), {"global", call.names["zone"].rpartition("-")[0]})
    labelled(call.world, resource)
    resource["status"] = "CREATING"
    return Effects(then=lambda: resource.update(status="READY"))


def disk_shown(world: World, path: str, resource: Resource) -> Resource:
    """A disk with its users."""
    users = [raw["selfLink"] for raw in world.at.values() if any(_holds(raw, path))]
    return deepcopy(resource) | ({"users": users} if users else {})


def disk_users(world: World, path: str) -> str:
    """The instance that a disk is attached to."""
    return next((used for used, raw in world.at.items() if any(_holds(raw, path))), "")


def resize(call: Call) -> Resource:
    """Make a disk larger."""
    raw = call.world.get(call.path.rpartition("/")[0])
    size = int(call.body.get("sizeGb", 0))
    if size <= int(raw["sizeGb"]):
        raise Refused("invalid", f"Invalid value for field 'sizeGb': '{size}'. It must be larger than {raw['sizeGb']}.")
    return call.begin(call.path.rpartition("/")[0], then=lambda: raw.update(sizeGb=str(size)))


def change_disk(call: Call) -> Resource:
    """Patch a disk: its operations a second, nothing else."""
    raw = call.world.get(call.path)
    if call.query.get("paths") != "provisionedIops" or set(call.body) - {"name", "provisionedIops"}:
        raise Refused("invalid", "the fake changes provisionedIops only")
    if raw["type"].rpartition("/")[2] not in _FAST:
        raise Refused("invalid", "Invalid value for field 'resource.provisionedIops': not for this disk type")
    return call.begin(call.path, then=lambda: raw.update(provisionedIops=call.body["provisionedIops"]))


def set_labels(call: Call) -> Resource:
    """Set the labels of a disk or an instance."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    _fingerprint(call.body.get("labelFingerprint"), raw["labelFingerprint"])
    fresh: Resource = {"labels": deepcopy(call.body.get("labels", {}))}
    labelled(call.world, fresh)
    return call.begin(path, first=lambda: raw.update(fresh))


def instance(call: Call, resource: Resource, path: str) -> Effects:
    """A new instance with its boot disk; it is RUNNING when its operation ends."""
    zone = call.names["zone"]
    machine = call.refer(resource.get("machineType", ""), "machineTypes", "resource.machineType")
    if f"/zones/{zone}/" not in f"/{machine}":
        raise Refused("invalid", f"Invalid value for field 'resource.machineType': '{machine}' is in another zone")
    resource["machineType"] = LINK + machine
    faces = resource.get("networkInterfaces", [])
    if len(faces) != 1 or not faces[0].get("subnetwork"):
        raise Refused("invalid", "the fake has instances with one interface, which names its subnetwork")
    sub = call.refer(faces[0]["subnetwork"], "subnetworks", "resource.networkInterfaces[0].subnetwork")
    raw_sub = call.world.get(sub)
    if raw_sub["region"].rpartition("/")[2] != zone.rpartition("-")[0]:
        raise Refused("invalid", f"Invalid value: subnetwork '{sub}' is in another region than '{zone}'")
    faces[0] |= {
        "name": "nic0",
        "subnetwork": LINK + sub,
        "network": raw_sub["network"],
        "networkIP": _free(call.world, raw_sub),
        "fingerprint": call.world.fingerprint(),
    }
    disks = resource.get("disks", [])
    if [entry.get("boot") for entry in disks] != [True]:
        raise Refused("invalid", "the fake makes instances with exactly one disk, which they boot from")
    boot = _boot(call, disks[0], path)
    resource["disks"] = [boot.entry]
    for tag in resource.setdefault("tags", {}).get("items", ()):
        if not _TAG.fullmatch(tag):
            raise Refused("invalid", f"Invalid value for field 'resource.tags.items[0]': '{tag}'")
    resource["tags"]["fingerprint"] = call.world.fingerprint()
    resource["metadata"] = _metadata(call.world, resource.get("metadata", {}))
    labelled(call.world, resource)
    resource |= {"status": "STAGING", "cpuPlatform": "Unknown CPU Platform"}

    def then() -> None:
        boot.then()
        resource["status"] = "RUNNING"

    return Effects(boot.first, then)


def delete_instance(call: Call) -> Resource:
    """Delete an instance, and the disks that go with it."""
    raw = call.world.get(call.path)
    if raw.get("deletionProtection"):
        raise Refused("invalid", f"Resource cannot be deleted if it's protected: '{call.path}'")

    def end() -> None:
        call.world.drop(call.path)
        for entry in raw["disks"]:
            if entry["autoDelete"]:
                call.world.drop(named(entry["source"]))

    return call.begin(call.path, first=lambda: raw.update(status="STOPPING"), then=end)


def attach(call: Call) -> Resource:
    """Attach a disk."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    source = call.refer(call.body.get("source", ""), "disks", "resource.source")
    used = disk_users(call.world, source)
    if used:
        raise Refused(
            "resourceInUseByAnotherResource", f"The disk resource '{source}' is already being used by '{used}'"
        )
    device = call.body.get("deviceName", f"persistent-disk-{len(raw['disks'])}")
    if device in {entry["deviceName"] for entry in raw["disks"]}:
        raise Refused("invalid", f"Invalid value for field 'resource.deviceName': '{device}' is in use")
    entry = _entry(source, len(raw["disks"])) | {"deviceName": device, "autoDelete": call.body.get("autoDelete", False)}
    return call.begin(path, first=lambda: raw["disks"].append(entry))


def detach(call: Call) -> Resource:
    """Detach a disk."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    device = call.query["deviceName"]
    found = next((entry for entry in raw["disks"] if entry["deviceName"] == device), None)
    if found is None or found["boot"]:
        raise Refused("invalid", f"Invalid value for field 'deviceName': '{device}'. No attached disk found.")

    def end() -> None:
        if found in raw["disks"]:
            raw["disks"].remove(found)

    return call.begin(path, then=end)


def set_tags(call: Call) -> Resource:
    """Set the network tags of an instance."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    _fingerprint(call.body.get("fingerprint"), raw["tags"]["fingerprint"])
    tags = {"items": list(call.body.get("items", ())), "fingerprint": call.world.fingerprint()}
    return call.begin(path, first=lambda: raw.update(tags=tags))


def set_metadata(call: Call) -> Resource:
    """Set the metadata of an instance."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    _fingerprint(call.body.get("fingerprint"), raw["metadata"]["fingerprint"])
    fresh = _metadata(call.world, call.body)
    return call.begin(path, first=lambda: raw.update(metadata=fresh))


def set_machine_type(call: Call) -> Resource:
    """Set the machine type of an instance that is stopped."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    kind = call.refer(call.body.get("machineType", ""), "machineTypes", "machineType")
    if raw["status"] != "TERMINATED":
        raise Refused("invalid", f"Invalid resource usage: '{path}' must be stopped.")
    return call.begin(path, then=lambda: raw.update(machineType=LINK + kind))


def power(call: Call) -> Resource:
    """Start or stop an instance."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    during, after = ("STAGING", "RUNNING") if call.method.action == "start" else ("STOPPING", "TERMINATED")
    return call.begin(path, first=lambda: raw.update(status=during), then=lambda: raw.update(status=after))


def serial(call: Call) -> Resource:
    """What the console shows."""
    call.world.get(call.path.rpartition("/")[0])
    said = call.world.serial.get(call.names["instance"], "")
    return {"kind": "compute#serialPortOutput", "contents": said, "start": "0", "next": str(len(said))}


def from_family(call: Call) -> Resource:
    """The newest image of a family."""
    images = call.path.partition("/family/")[0]
    found = [
        raw
        for _, raw in call.world.below(images)
        if raw.get("family") == call.names["family"] and "deprecated" not in raw
    ]
    if not found:
        raise Refused("notFound", f"The resource '{call.path}' was not found")
    return as_it_is(call.world, "", max(found, key=lambda raw: str(raw["creationTimestamp"])))


def set_project_metadata(call: Call) -> Resource:
    """Set the metadata of all instances of a project."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    _fingerprint(call.body.get("fingerprint"), raw["commonInstanceMetadata"]["fingerprint"])
    fresh = _metadata(call.world, call.body)
    return call.begin(path, first=lambda: raw.update(commonInstanceMetadata=fresh))


def _metadata(world: World, given: Resource) -> Resource:
    items: list[dict[str, Any]] = deepcopy(given.get("items", []))
    keys = [item.get("key", "") for item in items]
    if len(set(keys)) < len(keys) or not all(_ITEM.fullmatch(key) for key in keys):
        raise Refused("invalid", "Invalid value for field 'metadata.items': a key is there twice, or is none")
    return {"kind": "compute#metadata", "items": items, "fingerprint": world.fingerprint()}


class _Boot(NamedTuple):
    entry: Resource
    first: Callable[[], None] = nothing
    then: Callable[[], None] = nothing


def _boot(call: Call, given: Resource, path: str) -> _Boot:
    """The disk that an instance starts from: one that is there, or a new one of an image."""
    place = f"{path.rpartition('/instances/')[0]}/disks"
    kept = {"boot": True, "autoDelete": given.get("autoDelete", False), "deviceName": "persistent-disk-0"}
    if given.get("source"):
        source = call.refer(given["source"], "disks", "resource.disks[0].source")
        used = disk_users(call.world, source)
        if used:
            raise Refused("resourceInUseByAnotherResource", f"'{source}' is already being used by '{used}'")
        return _Boot(_entry(source, 0) | kept)
    params: dict[str, Any] = given.get("initializeParams", {})
    if not params.get("sourceImage"):
        raise Refused("invalid", "the fake makes boot disks of images")
    new: Resource = {"name": params.get("diskName", call.body["name"]), "sourceImage": params["sourceImage"]}
    pairs = (("type", params, "diskType"), ("sizeGb", params, "diskSizeGb"), ("labels", params, "labels"),
             ("diskEncryptionKey", given, "diskEncryptionKey"))  # fmt: skip
    new |= {name: deepcopy(words[key]) for name, words, key in pairs if key in words}
    source = f"{place}/{new['name']}"
    if source in call.world.at:
        raise Refused("alreadyExists", f"The resource '{source}' already exists")
    made = disk(call, new, source)
    stamp(call.world, new, source)
    return _Boot(_entry(source, 0) | kept, lambda: call.world.put(source, new), made.then)


def _entry(source: str, index: int) -> Resource:
    return {
        "kind": "compute#attachedDisk",
        "type": "PERSISTENT",
        "mode": "READ_WRITE",
        "source": LINK + source,
        "index": index,
        "boot": False,
        "interface": "SCSI",
    }


def _holds(raw: Resource, path: str) -> list[bool]:
    if raw.get("kind") != "compute#instance":
        return []
    return [True for entry in raw["disks"] if entry["source"] == LINK + path]


def _free(world: World, sub: Resource) -> str:
    taken = {
        face["networkIP"]
        for raw in world.at.values()
        for face in raw.get("networkInterfaces", ())
        if face["subnetwork"] == sub["selfLink"]
    } | {sub["gatewayAddress"]}
    hosts = ipaddress.IPv4Network(sub["ipCidrRange"]).hosts()
    return next(str(host) for host in hosts if str(host) not in taken)


def encrypted(world: World, key: Resource | None, locations: set[str]) -> None:
    """A key of Cloud KMS: in one of these locations, and usable; the answer names its version."""
    if key is None:
        return
    name = key.get("kmsKeyName", "")
    found = _KEY.fullmatch(name)
    if not found or set(key) != {"kmsKeyName"}:
        raise Refused("invalid", "Invalid value for field 'kmsKeyName'")
    if found[1] not in locations:
        raise Refused("invalid", f"Cloud KMS key in {found[1]} cannot be used in {sorted(locations)}")
    ring = name.partition("/cryptoKeys/")[0]
    # Of rings that the fake does not have nothing is known.
    if ring in world.at and world.at.get(f"{name}/cryptoKeyVersions/1", {}).get("state") != "ENABLED":
        raise Refused("notFound", f"Cloud KMS key {name} was not found, or is not enabled")
    key["kmsKeyName"] += "/cryptoKeyVersions/1"


def labelled(world: World, resource: Resource) -> None:
    """Labels that fit, and their fingerprint."""
    labels = resource.get("labels", {})
    for key, value in labels.items():
        if not (_LABEL[0].fullmatch(key) and _LABEL[1].fullmatch(value)) or len(labels) > 64:
            raise Refused("invalid", f"Invalid value for field 'resource.labels': '{key}={value}'")
    resource["labelFingerprint"] = world.fingerprint()


def _fingerprint(given: Any, live: str) -> None:
    if given != live:
        raise Refused("conditionNotMet", f"Supplied fingerprint does not match current fingerprint: {live}")
