"""Snapshots are incremental ones of managed disks, kept once, in the disk's location, and not to be exported."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.azure.account import NEW, Account, reasons
from providers.azure.disks import SHUT, disk_placement
from providers.azure.names import DISK, SNAPSHOT, last, owned, type_of
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name, tags_of
from providers.ports import Identity
from pse.core.schema import SnapshotInputs


class Snapshots:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, so that a repeated PUT is the same."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: SnapshotInputs, identity: Identity) -> str:
        """PUT of a copy, unless this intent made one: the disk may be another by now."""
        disk = self._account.needed(inputs.volume, DISK)
        object_id = self._account.path(SNAPSHOT, made_name(inputs.name, identity))
        body = {
            "location": self._account.location,
            "tags": tags_of(identity),
            "sku": {"name": "Standard_LRS"},
            "properties": {
                "creationData": {
                    "createOption": "Copy",
                    "sourceResourceId": self._account.path(DISK, str(disk["name"])),
                },
                "incremental": True,
                **SHUT,
            },
        }
        self._account.put(object_id, body, NEW)
        return object_id

    def finish(self, object_id: str, inputs: SnapshotInputs) -> None:  # noqa: ARG002  (nothing of it is changed)
        """Wait until all is copied, and see that nobody may take it out."""
        raw = self._account.succeeded(object_id, SNAPSHOT)
        change = {key: value for key, value in SHUT.items() if raw["properties"].get(key) != value}
        if change:
            self._account.patch(object_id, {"properties": change})
        self._account.until(
            lambda: True if _is_whole(self._account.get(object_id, SNAPSHOT)) else None,
            what=f"{last(object_id)} to be copied",
        )

    def seen(self, query: Query, known: SnapshotInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """One, or all of the resource group."""
        one = self._account.get(query.id, SNAPSHOT) if query.id else None
        for raw in self._account.all(SNAPSHOT) if not query.id else [one] if one else []:
            live = raw["properties"]
            source = str((live.get("creationData") or {}).get("sourceResourceId") or "")
            yield Seen(
                id=self._account.path(SNAPSHOT, raw["name"]),
                **owned(raw),
                inputs={"volume": self._account.path(DISK, last(source)) if type_of(source) == DISK else source},
                outputs={"size_gib": live.get("diskSizeGB", 0)},
                placement=disk_placement(self._account, raw, "resource", zonal=False),
                reasons=(*reasons(raw), *(() if _is_whole(raw) else ("it is not copied yet",))),
            )

    def remove(self, object_id: str) -> None:
        """DELETE."""
        self._account.delete(object_id, SNAPSHOT)


def _is_whole(raw: Mapping[str, Any] | None) -> bool:
    percent = ((raw or {}).get("properties") or {}).get("completionPercent")
    return raw is not None and (percent is None or float(percent) >= 100)
