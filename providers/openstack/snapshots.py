"""Snapshots of Cinder's volumes; they rest with the back end of their volume."""

from typing import Any

from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import STEP_S, Account, Seen, is_id
from providers.openstack.client import part
from providers.openstack.network import delete
from providers.openstack.volumes import VolumeWork
from providers.ports import Identity, PortError
from pse.core.schema import SnapshotInputs


class SnapshotWork:
    """A snapshot; see `providers.openstack.account.Work`. Raw is ``{"snapshot", "zone"}``."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client
        self._volumes = VolumeWork(account)

    def make(self, inputs: SnapshotInputs, identity: Identity, /) -> Any:
        """Ask for it, also of a volume in use, and wait; one that failed is deleted again."""
        if self._volumes.get(inputs.volume) is None:
            raise PortError(f"no volume {inputs.volume!r} here", reason="not-found", where=inputs.name)
        body = {
            "name": inputs.name,
            "volume_id": inputs.volume,
            "force": True,
            "metadata": marks.metadata(identity, workload=inputs.workload),
        }
        made = self._client.call("volume", "POST", "/snapshots", body={"snapshot": body})["snapshot"]
        raw = self._settled(made["id"])
        if raw is not None and str(raw["snapshot"]["status"]).startswith("error"):
            self.drop(made["id"])
            raise PortError("the back end could not make the snapshot", reason="capacity", where=inputs.name)
        return raw or self._whole(made)

    def get(self, object_id: str, /) -> Any | None:
        """The snapshot and its volume's zone."""
        path = f"/snapshots/{part(object_id)}"
        found = self._client.get("volume", path, "snapshot") if is_id(object_id) else None
        return None if found is None else self._whole(found)

    def all(self, urn: str, /) -> list[Any]:
        """The project's snapshots."""
        query = {"metadata": str({marks.URN: urn})} if urn else {}
        return [self._whole(found) for found in self._client.pages("volume", "/snapshots/detail", "snapshots", query)]

    def see(self, raw: Any, _given: SnapshotInputs | None, /) -> Seen:
        """Everything is told."""
        found = raw["snapshot"]
        status = str(found["status"])
        return Seen(
            found["id"],
            marks.of_metadata(found["metadata"]),
            {"name": found["name"] or "", "volume": found["volume_id"]},
            (self._account.zonal("disk", self._account.volume_zone, raw["zone"]),),
            {"size_gib": found["size"]},
            () if status in {"available", "creating", "backing-up"} else (f"the snapshot is {status}",),
        )

    def change(self, raw: Any, _new: SnapshotInputs, /) -> Any:
        """Wait for one that is under way; nothing changes in place."""
        return self._settled(raw["snapshot"]["id"]) or raw

    def drop(self, object_id: str, /) -> None:
        """Delete it and wait until it is gone."""
        if is_id(object_id) and self._settled(object_id) is not None:
            delete(self._account, "volume", f"/snapshots/{part(object_id)}", "snapshot")

    def _settled(self, object_id: str) -> Any | None:
        def look() -> tuple[Any | None] | None:
            raw = self.get(object_id)
            return None if raw is not None and raw["snapshot"]["status"] == "creating" else (raw,)

        found = patiently(look, closed=self._account.closed, within_s=STEP_S)
        return found[0] if found else self.get(object_id)

    def _whole(self, snapshot: Any) -> Any:
        volume = self._volumes.get(snapshot["volume_id"])
        return {"snapshot": snapshot, "zone": volume["availability_zone"] if volume else None}
