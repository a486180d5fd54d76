"""Volumes of Cinder."""

from typing import Any

from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import STEP_S, Account, Seen, is_id
from providers.openstack.client import part
from providers.openstack.network import delete
from providers.ports import Identity, PortError
from pse.core.schema import Placement, VolumeInputs

USABLE = frozenset({"available", "in-use"})
_NO_REPLICA = frozenset({None, "", "disabled", "not-capable"})
_SORT = "storage"


class VolumeWork:
    """A volume; see `providers.openstack.account.Work`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: VolumeInputs, identity: Identity, /) -> Any:
        """Ask for it and wait; one that the back end could not make is deleted again."""
        body = {
            "name": inputs.name,
            "size": inputs.size_gib,
            "volume_type": self._account.alias(_SORT, inputs.storage_class),
            "availability_zone": self._account.volume_zone,
            "metadata": marks.metadata(identity, workload=inputs.workload),
            **({"snapshot_id": inputs.snapshot} if inputs.snapshot else {}),
        }
        made = self._client.call("volume", "POST", "/volumes", body={"volume": body})["volume"]
        raw = self.settled(made["id"])
        if raw is None or not str(raw["status"]).startswith("error"):
            return raw or made
        self.drop(made["id"])
        raise PortError(
            "the cloud accepted the volume and no back end could make it",
            reason="capacity",
            vendor_code=str(raw["status"]),
            where=inputs.name,
        )

    def get(self, object_id: str, /) -> Any | None:
        """The volume."""
        return self._client.get("volume", f"/volumes/{part(object_id)}", "volume") if is_id(object_id) else None

    def all(self, urn: str, /) -> list[Any]:
        """The project's volumes."""
        query = {"metadata": str({marks.URN: urn})} if urn else {}
        return list(self._client.pages("volume", "/volumes/detail", "volumes", query))

    def see(self, raw: Any, given: VolumeInputs | None, /) -> Seen:
        """Everything is told; a volume that is copied elsewhere says so."""
        volume_type = str(raw["volume_type"] or "")
        storage = self._account.unalias(_SORT, volume_type)
        if given is not None and self._account.alias(_SORT, given.storage_class) == volume_type:
            storage = given.storage_class
        placement = [self._account.zonal("disk", self._account.volume_zone, raw["availability_zone"])]
        if raw.get("replication_status") not in _NO_REPLICA:
            placement.append(Placement("replica", f"replication {raw['replication_status']}", "unknown"))
        status = str(raw["status"])
        passing = status in {"attaching", "detaching", "reserved", "extending", "maintenance"}
        return Seen(
            raw["id"],
            marks.of_metadata(raw["metadata"]),
            {
                "name": raw["name"] or "",
                "size_gib": raw["size"],
                "storage_class": storage,
                "snapshot": raw["snapshot_id"] or "",
            },
            tuple(placement),
            reasons=() if status in USABLE or passing else (f"the volume is {status}",),
        )

    def change(self, raw: Any, new: VolumeInputs, /) -> Any:
        """Let it grow, attached or not."""
        current = self.settled(raw["id"]) or raw
        if current["size"] < new.size_gib and current["status"] in USABLE:
            body = {"os-extend": {"new_size": new.size_gib}}
            self._client.call("volume", "POST", f"/volumes/{part(raw['id'])}/action", body=body)
            current = patiently(
                lambda: self._grown(raw["id"], new.size_gib), closed=self._account.closed, within_s=STEP_S
            ) or self.get(raw["id"])
            if current is None or current["size"] < new.size_gib:
                raise PortError("the volume did not grow", vendor_code="os-extend", where=new.name)
        return current

    def drop(self, object_id: str, /) -> None:
        """Delete it, once it is not on its way from a server any more."""
        raw = self.settled(object_id) if is_id(object_id) else None
        if raw is None:
            return
        if raw["status"] == "in-use":
            servers = ", ".join(found["server_id"] for found in raw["attachments"])
            raise PortError(f"the volume is attached to server {servers}", reason="in-use", where=object_id)
        delete(self._account, "volume", f"/volumes/{part(object_id)}", "volume")

    def settled(self, object_id: str) -> Any | None:
        """The volume once its status is one that stays, or whatever it is when that takes too long; None: gone."""

        def look() -> tuple[Any | None] | None:
            raw = self.get(object_id)
            passing = raw is not None and str(raw["status"]).endswith("ing") and raw["status"] != "deleting"
            return None if passing or (raw is not None and raw["status"] == "reserved") else (raw,)

        found = patiently(look, closed=self._account.closed, within_s=STEP_S)
        return found[0] if found else self.get(object_id)

    def _grown(self, object_id: str, size: int) -> Any | None:
        raw = self.settled(object_id)
        done = raw is None or raw["size"] >= size or str(raw["status"]).startswith("error")
        return raw if done else None
