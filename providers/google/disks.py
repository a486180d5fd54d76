"""Volumes are persistent disks of the place's zone. An attachment is no object at Google.

Its labels are on the disk.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from providers.google.account import Account, last
from providers.google.kms import encryption, key_of
from providers.google.marks import BOOT, filtered, labelled
from providers.kit.noun import Query, Seen
from providers.kit.tags import identity_of, made_name, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import AttachmentInputs, Placement, VolumeInputs

AT = "pse-attachment-"
"""Prefix of an attachment's labels on its disk."""
BY_ID = "/dev/disk/by-id/google-"
"""Where a guest finds a disk by the name that the attachment gives it."""
_LETTERS = 63
Raw = Mapping[str, Any]


class Volumes:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._path = f"{account.zonal}/disks"

    def make(self, inputs: VolumeInputs, identity: Identity) -> str:
        """disks.insert in the place's zone."""
        body = {
            "name": made_name(inputs.name, identity),
            "sizeGb": str(inputs.size_gib),
            "type": f"{self._account.link(self._account.zonal)}/diskTypes/{inputs.storage_class}",
            "labels": tags_of(identity),
            **({"provisionedIops": str(inputs.iops)} if inputs.iops else {}),
            **(
                {"sourceSnapshot": self._account.link(f"global/snapshots/{inputs.snapshot}")} if inputs.snapshot else {}
            ),
            **encrypted(encryption(self._account, inputs.encryption_key)),
        }
        return self._account.insert(self._path, body, identity.op)

    def finish(self, object_id: str, inputs: VolumeInputs) -> None:
        """Wait until it is usable, and bring size and operations a second to those wanted."""
        path = f"{self._path}/{object_id}"

        def usable() -> Raw | None:
            raw = self._account.get(path)
            if raw is not None and raw["status"] == "FAILED":
                raise PortError(f"{object_id} is in state FAILED", reason="invalid", where=self._account.place)
            return raw if raw is not None and raw["status"] == "READY" else None

        raw = self._account.until(usable, what=f"{object_id} to be READY")
        if int(raw["sizeGb"]) < inputs.size_gib:
            self._account.act("POST", f"{path}/resize", {"sizeGb": str(inputs.size_gib)})
        if inputs.iops and int(raw.get("provisionedIops", 0)) != inputs.iops:
            speed = {"name": object_id, "provisionedIops": str(inputs.iops)}
            self._account.act("PATCH", path, speed, paths="provisionedIops")

    def seen(self, query: Query, known: VolumeInputs | None) -> Iterator[Seen]:
        """disks.get or disks.list, without the disks that our servers start from, which are part of them."""
        one = self._account.get(f"{self._path}/{query.id}") if query.id else None
        for raw in ([one] if one else []) if query.id else self._account.pages(self._path, **filtered(query.tags)):
            if BOOT in raw.get("labels", {}) or raw["status"] == "DELETING":
                continue
            yield Seen(
                id=raw["name"],
                **labelled(raw),
                inputs={
                    "size_gib": int(raw["sizeGb"]),
                    "storage_class": last(raw.get("type")),
                    "snapshot": last(raw.get("sourceSnapshot")),
                    "encryption_key": key_of(
                        self._account, str(raw.get("diskEncryptionKey", {}).get("kmsKeyName", ""))
                    ),
                }
                # What the type gives by itself is not an input.
                | ({"iops": int(raw.get("provisionedIops", 0))} if known is not None and known.iops else {}),
                placement=disk_placement(self._account, raw, "resource"),
                reasons=() if raw["status"] == "READY" else (f"it is in state {raw['status']}",),
            )

    def remove(self, object_id: str) -> None:
        """disks.delete."""
        self._account.act("DELETE", f"{self._path}/{object_id}")


class Attachments:
    """See `providers.kit.noun.Noun`. The id is ``<volume>:<server>``; a disk is attached for writing once."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._disks, self._servers = f"{account.zonal}/disks", f"{account.zonal}/instances"

    def make(self, inputs: AttachmentInputs, identity: Identity) -> str:
        """instances.attachDisk, after the labels are on the disk: whatever dies between, it has an owner."""
        raw = self._account.needed(f"{self._disks}/{inputs.volume}", "volume")
        self._account.needed(f"{self._servers}/{inputs.server}", "server")
        users = [last(user) for user in raw.get("users", ())]
        if users:
            if users == [inputs.server] and raw.get("labels", {}).get(f"{AT}op") == identity.op:
                return f"{inputs.volume}:{inputs.server}"
            raise PortError(f"{inputs.volume} is attached to {users[0]}", reason="in-use", where=self._account.place)
        own = tags_of(identity, prefix=AT) | {f"{AT}name": inputs.name, f"{AT}server": inputs.server}
        own |= _spelled(inputs.mount)
        self._label(inputs.volume, lambda labels: _without(labels) | own)
        entry = {
            "source": self._account.link(f"{self._disks}/{inputs.volume}"),
            "deviceName": inputs.volume,
            "type": "PERSISTENT",
            "mode": "READ_WRITE",
            "autoDelete": False,
        }
        self._account.act("POST", f"{self._servers}/{inputs.server}/attachDisk", entry)
        return f"{inputs.volume}:{inputs.server}"

    def finish(self, object_id: str, inputs: AttachmentInputs) -> None:
        """Nothing: the disk is there when the operation is over, and nothing of it is changed."""

    def seen(self, query: Query, known: AttachmentInputs | None) -> Iterator[Seen]:
        """The disks, and what the servers that use them say: each attachment that no server starts from."""
        disk, _, server = query.id.partition(":")
        if query.id:
            one = self._account.get(f"{self._disks}/{disk}")
            raws = [one] if one and server else []
        else:
            raws = list(self._account.pages(self._disks, **filtered(query.tags, prefix=AT)))
        raws = [raw for raw in raws if raw.get("users") and BOOT not in raw.get("labels", {})]
        servers = self._using(raws, all_=not (query.id or query.tags))
        for raw in raws:
            for user in map(last, raw["users"]):
                entry = _entry(servers.get(user), raw["name"])
                if entry is not None and not entry.get("boot") and server in {"", user}:
                    yield self._seen(raw, user, entry, known)

    def remove(self, object_id: str) -> None:
        """instances.detachDisk; a disk that is not attached is as good."""
        disk, _, server = object_id.partition(":")
        raw = self._account.get(f"{self._disks}/{disk}")
        entry = _entry(self._account.get(f"{self._servers}/{server}"), disk)
        if entry is not None:
            path = f"{self._servers}/{server}/detachDisk"
            self._account.act("POST", path, deviceName=str(entry["deviceName"]))
        if raw is not None and raw.get("labels", {}).get(f"{AT}server") == server:
            self._label(disk, _without)

    def _seen(self, raw: Raw, server: str, entry: Raw, known: AttachmentInputs | None) -> Seen:
        labels = raw.get("labels", {})
        ours = labels.get(f"{AT}server") == server
        given = known.mount if known is not None else ""
        return Seen(
            id=f"{raw['name']}:{server}",
            name=labels.get(f"{AT}name", "") if ours else "",
            identity=identity_of(labels, prefix=AT) if ours else None,
            inputs={"server": server, "volume": raw["name"], "mount": (_read(labels) if ours else "") or given},
            outputs={"device": f"{BY_ID}{entry.get('deviceName', '')}"},
            placement=(self._account.placed("resource", raw.get("zone")),),
        )

    def _using(self, disks: list[dict[str, Any]], *, all_: bool) -> dict[str, Raw]:
        if all_:
            return {raw["name"]: raw for raw in self._account.pages(self._servers)} if disks else {}
        names = {last(user) for raw in disks for user in raw["users"]}
        found = {name: self._account.get(f"{self._servers}/{name}") for name in names}
        return {name: raw for name, raw in found.items() if raw is not None}

    def _label(self, disk: str, changed: Callable[[dict[str, str]], dict[str, str]]) -> None:
        path = f"{self._disks}/{disk}"

        def change() -> None:
            raw = self._account.get(path)
            if raw is None:
                return
            labels = raw.get("labels", {})
            wanted = changed(labels)
            if wanted != labels:
                body = {"labels": wanted, "labelFingerprint": raw["labelFingerprint"]}
                self._account.act("POST", f"{path}/setLabels", body)

        self._account.agreed(change, what=f"the labels of {disk}", seconds=60)


def encrypted(key: str) -> dict[str, Any]:
    """What a disk is encrypted with: a key by its full name; without one Google uses one of its own."""
    return {"diskEncryptionKey": {"kmsKeyName": key}} if key else {}


def disk_placement(account: Account, raw: Raw, what: str) -> tuple[Placement, ...]:
    """Where a disk rests, what is a copy of it, and the key that opens it."""
    found = [account.placed(what, raw.get("zone") or raw.get("region"))]
    found += [
        placed for zone in raw.get("replicaZones", ()) if (placed := account.placed("replica", zone)).source != "set"
    ]
    copies = [
        *raw.get("asyncSecondaryDisks", {}),
        *([last(raw["asyncPrimaryDisk"])] if "asyncPrimaryDisk" in raw else []),
    ]
    found += [Placement("replica", str(copy), "unknown") for copy in copies]
    for policy in raw.get("resourcePolicies", ()):
        # A schedule of snapshots keeps them where it says, and anywhere on the continent when it says nothing.
        told = account.get(f"{account.regional}/resourcePolicies/{last(policy)}") or {}
        properties = told.get("snapshotSchedulePolicy", {}).get("snapshotProperties", {})
        found += [
            account.placed("backup", place) for place in properties.get("storageLocations") or [f"?{last(policy)}"]
        ]
    return (*found, account.keyed(raw.get("diskEncryptionKey")))


def _entry(server: Raw | None, disk: str) -> Raw | None:
    entries: list[dict[str, Any]] = (server or {}).get("disks", [])
    return next((entry for entry in entries if last(entry.get("source")) == disk), None)


def _without(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if not key.startswith(AT)}


def _spelled(mount: str) -> dict[str, str]:
    """A path in labels, which have no slash and no capital letter: Base32 in pieces."""
    text = base64.b32encode(mount.encode()).decode().rstrip("=").lower()
    pieces = [text[start : start + _LETTERS] for start in range(0, len(text), _LETTERS)]
    return {f"{AT}mount-{number}": piece for number, piece in enumerate(pieces)}


def _read(labels: Mapping[str, str]) -> str:
    pieces = (labels.get(f"{AT}mount-{number}", "") for number in range(len(labels)))
    text = "".join(pieces).upper()
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
