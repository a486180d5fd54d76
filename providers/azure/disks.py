"""Volumes are managed disks, kept in one zone or location, and not to be exported."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.azure.account import NEW, Account, reasons
from providers.azure.names import DISK, PART, SNAPSHOT, last, owned, same, tags_of, type_of
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity, PortError
from pse.core.schema import Placement, VolumeInputs

SHUT: Mapping[str, str] = {"networkAccessPolicy": "DenyAll", "publicNetworkAccess": "Disabled"}
"""Nobody gets a link to a disk's content: by default anybody who may ask for one does, and it works from anywhere."""
LOCAL = "_LRS"
"""Ending of the classes whose copies stay together; others copy to further zones."""


class Volumes:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, so that a repeated PUT is the same."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: VolumeInputs, identity: Identity) -> str:
        """PUT of an empty disk, or of a copy of a snapshot."""
        local(self._account, inputs.storage_class)
        object_id = self._account.path(DISK, made_name(inputs.name, identity))
        speed = {"diskIOPSReadWrite": inputs.iops} if inputs.iops else {}
        body = {
            "location": self._account.location,
            **self._account.zones,
            "tags": identity_tags(identity),
            "sku": {"name": inputs.storage_class},
            "properties": {
                "creationData": self._source(inputs),
                "diskSizeGB": inputs.size_gib,
                **speed,
                **SHUT,
            },
        }
        self._account.put(object_id, body, NEW)
        return object_id

    def finish(self, object_id: str, inputs: VolumeInputs) -> None:
        """Bring size, speed and access to those wanted."""
        raw = self._account.ready(object_id, DISK)
        live = raw["properties"]
        change: dict[str, Any] = {key: value for key, value in SHUT.items() if live.get(key) != value}
        if live["diskSizeGB"] < inputs.size_gib:
            change["diskSizeGB"] = inputs.size_gib
        if inputs.iops and live.get("diskIOPSReadWrite") != inputs.iops:
            change["diskIOPSReadWrite"] = inputs.iops
        if change:
            self._account.patch(object_id, {"properties": change})
        self._account.succeeded(object_id, DISK)

    def seen(self, query: Query, known: VolumeInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group without the servers' own, which are part of them."""
        one = self._account.get(query.id, DISK) if query.id else None
        for raw in self._account.all(DISK) if not query.id else [one] if one else []:
            live = raw["properties"]
            mine = owned(raw)
            if PART in tags_of(raw) or (live.get("osType") and mine["identity"] is None):
                continue
            yield Seen(
                id=self._account.path(DISK, raw["name"]),
                **mine,
                # What the class gives by itself is not an input.
                inputs={
                    "size_gib": live["diskSizeGB"],
                    "storage_class": raw["sku"]["name"],
                    "snapshot": self._snapshot(live, known.snapshot if known else ""),
                }
                | ({"iops": live.get("diskIOPSReadWrite", 0)} if known is not None and known.iops else {}),
                placement=disk_placement(self._account, raw, "resource"),
                reasons=reasons(raw),
            )

    def remove(self, object_id: str) -> None:
        """DELETE."""
        self._account.delete(object_id, DISK)

    def _source(self, inputs: VolumeInputs) -> dict[str, str]:
        if not inputs.snapshot:
            return {"createOption": "Empty"}
        name = str(self._account.needed(inputs.snapshot, SNAPSHOT)["name"])
        return {"createOption": "Copy", "sourceResourceId": self._account.path(SNAPSHOT, name)}

    def _snapshot(self, live: Mapping[str, Any], known: str) -> str:
        """Id of the snapshot that a disk began as, written as we write ids."""
        source = str((live.get("creationData") or {}).get("sourceResourceId") or "")
        if type_of(source) != SNAPSHOT:
            return ""
        found = self._account.path(SNAPSHOT, last(source))
        return known if same(known, found) else found


def local(account: Account, storage_class: str) -> str:
    """A class whose copies stay where the disk is.

    Raises:
        PortError: It is another one.
    """
    if not storage_class.endswith(LOCAL):
        raise PortError(
            f"disks of the class {storage_class} are copied to other zones",
            reason="invalid",
            vendor_code="Redundancy",
            where=account.place,
            hint=f"Name a class that ends in {LOCAL}, for example Premium_LRS.",
        )
    return storage_class


def disk_placement(account: Account, raw: Mapping[str, Any], what: str, *, zonal: bool = True) -> tuple[Placement, ...]:
    """Where a disk rests, where its copies do, who may take it out, and the key that opens it."""
    live = raw["properties"]
    found = account.located(raw, what=what, zonal=zonal)
    sku = str((raw.get("sku") or {}).get("name", "?"))
    if not sku.endswith(LOCAL):
        found.append(Placement("replica", sku, "unknown"))
    found += [
        Placement("export", f"{key} {live.get(key, '?')}", "unknown")
        for key, value in SHUT.items()
        if live.get(key) != value
    ]
    key = (live.get("encryption") or {}).get("diskEncryptionSetId")
    if key:
        found.append(Placement("key", str(key), "unknown"))
    return tuple(found)
