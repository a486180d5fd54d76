"""Snapshots of disks, and schedules of them. Both rest in the place's region: Google's default is a whole continent."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.google.account import Account, last
from providers.google.marks import described, filtered, labelled
from providers.google.network import DESCRIPTION
from providers.kit.descriptions import read, written
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import BackupPolicyInputs, Placement, SnapshotInputs

SNAPSHOTS = "global/snapshots"
WEEK, DAY = 168, 24
"""Hours."""
_BEGIN = "00:00"
Raw = Mapping[str, Any]


class Snapshots:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: SnapshotInputs, identity: Identity) -> str:
        """snapshots.insert, kept in the place's region, with the key of its disk."""
        disk = self._account.needed(f"{self._account.zonal}/disks/{inputs.volume}", "volume")
        key = str(disk.get("diskEncryptionKey", {}).get("kmsKeyName", "")).partition("/cryptoKeyVersions/")[0]
        body = {
            "name": made_name(inputs.name, identity),
            "sourceDisk": self._account.link(f"{self._account.zonal}/disks/{inputs.volume}"),
            "storageLocations": [self._account.region],
            "labels": tags_of(identity),
            **({"snapshotEncryptionKey": {"kmsKeyName": key}} if key else {}),
        }
        return self._account.insert(SNAPSHOTS, body, identity.op)

    def finish(self, object_id: str, inputs: SnapshotInputs) -> None:  # noqa: ARG002  (nothing of it is changed)
        """Wait until it is usable."""

        def usable() -> bool | None:
            raw = self._account.get(f"{SNAPSHOTS}/{object_id}")
            if raw is not None and raw["status"] == "FAILED":
                raise PortError(f"{object_id} is in state FAILED", reason="invalid", where=self._account.place)
            return True if raw is not None and raw["status"] == "READY" else None

        self._account.until(usable, what=f"{object_id} to be READY")

    def seen(self, query: Query, known: SnapshotInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """snapshots.get or snapshots.list."""
        one = self._account.get(f"{SNAPSHOTS}/{query.id}") if query.id else None
        for raw in ([one] if one else []) if query.id else self._account.pages(SNAPSHOTS, **filtered(query.tags)):
            places = raw.get("storageLocations") or [""]
            yield Seen(
                id=raw["name"],
                **labelled(raw),
                inputs={"volume": last(raw.get("sourceDisk"))},
                outputs={"size_gib": int(raw.get("diskSizeGb", 0))},
                placement=(
                    *(self._account.placed("resource", place) for place in places),
                    self._account.keyed(raw.get("snapshotEncryptionKey")),
                ),
                reasons=() if raw["status"] in {"READY", "UPLOADING"} else (f"it is in state {raw['status']}",),
            )

    def remove(self, object_id: str) -> None:
        """snapshots.delete."""
        self._account.act("DELETE", f"{SNAPSHOTS}/{object_id}")


class BackupPolicies:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._path = f"{account.regional}/resourcePolicies"
        self._disks = f"{account.zonal}/disks"

    def make(self, inputs: BackupPolicyInputs, identity: Identity) -> str:
        """resourcePolicies.insert in the place's region."""
        for volume in inputs.volumes:
            self._account.needed(f"{self._disks}/{volume}", "volume")
        body = {
            "name": made_name(inputs.name, identity),
            "description": written(identity, most=DESCRIPTION, workload=inputs.workload),
            "snapshotSchedulePolicy": self._schedule(inputs),
        }
        return self._account.insert(self._path, body, identity.op)

    def finish(self, object_id: str, inputs: BackupPolicyInputs) -> None:
        """Bring schedule and volumes to those wanted: a disk follows one schedule at a time."""
        path = f"{self._path}/{object_id}"
        wanted = self._schedule(inputs)
        live = self._account.needed(path, "backup policy").get("snapshotSchedulePolicy", {})
        if (_every(live), _days(live)) != (_every(wanted), _days(wanted)):
            self._account.act("PATCH", path, {"snapshotSchedulePolicy": wanted})
        followers = set(self._followers().get(object_id, ()))
        for volume in sorted(followers - set(inputs.volumes)):
            self._follow(object_id, volume, "removeResourcePolicies")
        for volume in sorted(set(inputs.volumes) - followers):
            self._follow(object_id, volume, "addResourcePolicies")

    def seen(self, query: Query, known: BackupPolicyInputs | None) -> Iterator[Seen]:
        """resourcePolicies.get or resourcePolicies.list: the schedules of snapshots, and the disks that follow them."""
        one = self._account.get(f"{self._path}/{query.id}") if query.id else None
        raws = ([one] if one else []) if query.id else list(self._account.pages(self._path))
        raws = [raw for raw in raws if "snapshotSchedulePolicy" in raw]
        followers = self._followers() if raws else {}
        for raw in raws:
            live, (_, notes) = raw["snapshotSchedulePolicy"], read(raw.get("description"))
            volumes, every = tuple(sorted(followers.get(raw["name"], ()))), _every(live)
            same = known is not None and set(known.volumes) == set(volumes)
            yield Seen(
                id=raw["name"],
                **described(raw),
                inputs={
                    "volumes": known.volumes if known is not None and same else volumes,
                    "every_hours": every,
                    "keep": _days(live) * DAY // every if every else 0,
                    "workload": notes.get("workload", ""),
                },
                placement=(self._account.placed("resource", raw.get("region")), *kept_in(self._account, raw, "copies")),
            )

    def remove(self, object_id: str) -> None:
        """resourcePolicies.delete, after no disk follows it; what it took is kept for as long as it said."""
        for volume in self._followers().get(object_id, ()):
            self._follow(object_id, volume, "removeResourcePolicies")
        self._account.act("DELETE", f"{self._path}/{object_id}")

    def _followers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for raw in self._account.pages(self._disks):
            for link in raw.get("resourcePolicies", ()):
                found.setdefault(last(link), []).append(raw["name"])
        return found

    def _follow(self, policy: str, volume: str, action: str) -> None:
        body = {"resourcePolicies": [self._account.link(f"{self._path}/{policy}")]}
        self._account.act("POST", f"{self._disks}/{volume}/{action}", body)

    def _schedule(self, inputs: BackupPolicyInputs) -> dict[str, Any]:
        days, rest = divmod(inputs.keep * inputs.every_hours, DAY)
        if rest or not days:
            raise PortError(
                f"Google keeps snapshots by the day, and {inputs.keep} of every {inputs.every_hours} hours are no days",
                reason="invalid",
                where=inputs.name,
            )
        if inputs.every_hours == WEEK:
            schedule: dict[str, Any] = {"weeklySchedule": {"dayOfWeeks": [{"day": "SUNDAY", "startTime": _BEGIN}]}}
        elif inputs.every_hours == DAY:
            schedule = {"dailySchedule": {"daysInCycle": 1, "startTime": _BEGIN}}
        else:
            schedule = {"hourlySchedule": {"hoursInCycle": inputs.every_hours, "startTime": _BEGIN}}
        return {
            "schedule": schedule,
            "retentionPolicy": {"maxRetentionDays": days, "onSourceDiskDelete": "APPLY_RETENTION_POLICY"},
            "snapshotProperties": {"storageLocations": [self._account.region]},
        }


def kept_in(account: Account, policy: Raw, what: str) -> tuple[Placement, ...]:
    """Where the snapshots of a schedule go; Google's own choice is unknown."""
    properties = policy.get("snapshotSchedulePolicy", {}).get("snapshotProperties", {})
    return tuple(account.placed(what, place) for place in properties.get("storageLocations") or [""])


def _every(schedule: Raw) -> int:
    """Hours between two snapshots; 0 for what no neutral policy says."""
    ways = schedule.get("schedule", {})
    if "hourlySchedule" in ways:
        return int(ways["hourlySchedule"].get("hoursInCycle", 0))
    if "dailySchedule" in ways:
        return DAY * int(ways["dailySchedule"].get("daysInCycle", 0))
    return WEEK if len(ways.get("weeklySchedule", {}).get("dayOfWeeks", ())) == 1 else 0


def _days(schedule: Raw) -> int:
    return int(schedule.get("retentionPolicy", {}).get("maxRetentionDays", 0))
