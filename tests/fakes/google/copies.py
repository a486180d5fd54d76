"""Snapshots, and schedules of them, of the fake."""

from copy import deepcopy

from tests.fakes.google.call import Call, Effects, named
from tests.fakes.google.errors import Refused
from tests.fakes.google.machines import encrypted, labelled
from tests.fakes.google.world import LINK, Resource, World

NEAREST = "asia"
"""Where a snapshot goes that names no location: a multi-region."""


def snapshot(call: Call, resource: Resource, path: str) -> Effects:
    """A new snapshot; it is READY when its operation ends."""
    source = call.refer(resource.get("sourceDisk", ""), "disks", "resource.sourceDisk")
    raw = call.world.get(source)
    if raw["status"] != "READY":
        raise Refused("resourceNotReady", f"The resource '{source}' is not ready")
    region = named(raw["zone"]).rpartition("/")[2].rpartition("-")[0]
    _located(resource.get("storageLocations"))
    encrypted(
        call.world, resource.get("snapshotEncryptionKey"), {"global", *resource.get("storageLocations", [region])}
    )
    if resource.get("snapshotEncryptionKey") != raw.get("diskEncryptionKey"):
        raise Refused("invalid", "a snapshot has the key of its disk")
    labelled(call.world, resource)
    resource.setdefault("storageLocations", [NEAREST])
    resource |= {"sourceDisk": LINK + source, "diskSizeGb": raw["sizeGb"], "status": "CREATING", "storageBytes": "0"}
    return Effects(then=lambda: resource.update(status="READY"))


def policy(call: Call, resource: Resource, path: str) -> Effects:
    """A new schedule of snapshots."""
    _scheduled(resource)
    resource["status"] = "READY"
    return Effects()


def change_policy(call: Call) -> Resource:
    """Patch a schedule of snapshots."""
    changed = deepcopy(call.world.get(call.path)) | deepcopy(call.body)
    _scheduled(changed)
    return call.begin(call.path, first=lambda: call.world.at.update({call.path: changed}))


def policy_users(world: World, path: str) -> str:
    """The disk that follows a schedule."""
    return next((used for used, raw in world.at.items() if LINK + path in raw.get("resourcePolicies", ())), "")


def add_policies(call: Call) -> Resource:
    """Let a disk follow a schedule: one, and one of its region."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    wanted = [LINK + call.refer(given, "resourcePolicies", "resourcePolicies") for given in _given(call)]
    if f"/regions/{call.names['zone'].rpartition('-')[0]}/" not in wanted[0]:
        raise Refused("invalid", "the schedule is of another region")
    if raw.get("resourcePolicies"):
        raise Refused("invalid", f"'{path}' follows a schedule already")
    return call.begin(path, first=lambda: raw.update(resourcePolicies=wanted))


def remove_policies(call: Call) -> Resource:
    """Let a disk follow a schedule no more."""
    path = call.path.rpartition("/")[0]
    raw = call.world.get(path)
    gone = [LINK + call.refer(given, "resourcePolicies", "resourcePolicies") for given in _given(call)]
    if not set(gone) <= set(raw.get("resourcePolicies", ())):
        raise Refused("invalid", f"'{path}' does not follow that schedule")
    kept = [link for link in raw["resourcePolicies"] if link not in gone]
    return call.begin(path, first=lambda: raw.update(resourcePolicies=kept))


def _given(call: Call) -> list[str]:
    given = call.body.get("resourcePolicies", [])
    if len(given) != 1:
        raise Refused("invalid", "the fake takes one resource policy at a time")
    return list(given)


def _scheduled(resource: Resource) -> None:
    schedule = resource.get("snapshotSchedulePolicy", {})
    ways = schedule.get("schedule", {})
    days = schedule.get("retentionPolicy", {}).get("maxRetentionDays", 0)
    if len(ways) != 1 or not 1 <= days <= 65536:
        raise Refused("invalid", "the fake has schedules of snapshots, with one cycle and days to keep them")
    hours = ways.get("hourlySchedule", {}).get("hoursInCycle", 1)
    if not 1 <= hours <= 23 or ways.get("dailySchedule", {}).get("daysInCycle", 1) != 1:
        raise Refused("invalid", "Invalid value for field 'resource.snapshotSchedulePolicy.schedule'")
    _located(schedule.get("snapshotProperties", {}).get("storageLocations"))


def _located(locations: list[str] | None) -> None:
    if locations is not None and len(locations) != 1:
        raise Refused("invalid", "Invalid value for field 'storageLocations': exactly one is supported")
