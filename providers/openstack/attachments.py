"""Volumes at servers.

Nova keeps nothing with an attachment but a device tag, and a tagged volume cannot be detached again where the
hypervisor's driver tells no devices. So the marks stand in the volume's metadata, written before the volume is attached
and with the server that it is for; they count only while it is at that very server, and go when it leaves.
"""

from typing import Any

from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import STEP_S, Account, Seen, Stuck, is_id
from providers.openstack.client import part
from providers.openstack.volumes import USABLE, VolumeWork
from providers.ports import Identity, PortError
from pse.core.schema import AttachmentInputs

_PREFIX = "pse-at-"
_JOINT = ":"


class AttachmentWork:
    """An attachment; see `providers.openstack.account.Work`. Its id is the server's and the volume's."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client
        self._volumes = VolumeWork(account)

    def make(self, inputs: AttachmentInputs, identity: Identity, /) -> Any:
        """Write the marks, attach, wait."""
        volume = self._volumes.settled(inputs.volume) if is_id(inputs.volume) else None
        if volume is None or not is_id(inputs.server):
            raise PortError("no such volume or server here", reason="not-found", where=inputs.name)
        server = self._client.get("compute", f"/servers/{part(inputs.server)}", "server")
        if server is None:
            raise PortError(f"no server {inputs.server} here", reason="not-found", where=inputs.name)
        notes = {"name": inputs.name, "workload": inputs.workload, "mount": inputs.mount, "server": inputs.server}
        own = marks.metadata(identity, _PREFIX, **notes)
        object_id = f"{inputs.server}{_JOINT}{inputs.volume}"
        there = self.get(object_id) if volume["status"] == "in-use" else None
        if there is not None and _marks(there) == marks.of_metadata(own, _PREFIX):
            # The answer to an earlier try of this very intent was lost while the volume was on its way.
            return there
        if volume["status"] != "available":
            raise PortError(f"the volume is {volume['status']}", reason="in-use", where=inputs.volume)
        self._client.call("volume", "POST", f"/volumes/{part(inputs.volume)}/metadata", body={"metadata": own})
        body = {"volumeAttachment": {"volumeId": inputs.volume}}
        path = f"/servers/{part(inputs.server)}/os-volume_attachments"
        self._client.call("compute", "POST", path, body=body)
        volume = self._volumes.settled(inputs.volume)
        if volume is None or volume["status"] != "in-use":
            raise Stuck(object_id, f"the volume is {volume['status'] if volume else 'gone'} after it was attached")
        raw = self.get(object_id)
        if raw is None:
            raise Stuck(object_id, "the attachment is not there")
        return raw

    def get(self, object_id: str, /) -> Any | None:
        """The attachment with its volume."""
        server, _, volume = object_id.partition(_JOINT)
        if not (is_id(server) and is_id(volume)):
            return None
        found = self._client.get(
            "compute", f"/servers/{part(server)}/os-volume_attachments/{part(volume)}", "volumeAttachment"
        )
        disk = self._volumes.get(volume) if found else None
        return None if disk is None else {"attachment": found, "volume": disk}

    def all(self, urn: str, /) -> list[Any]:
        """The attachments of the project's volumes."""
        query = {"metadata": str({f"{_PREFIX}urn": urn})} if urn else {}
        found = []
        for listed in self._client.pages("volume", "/volumes/detail", "volumes", query):
            volume = listed
            if urn and listed["metadata"].get(f"{_PREFIX}urn") == urn and listed["status"] not in USABLE:
                # One on its way names no server yet.
                volume = self._volumes.settled(listed["id"]) or listed
            for at in volume["attachments"]:
                raw = self.get(f"{at['server_id']}{_JOINT}{volume['id']}")
                found += [raw] if raw is not None else []
        return found

    def see(self, raw: Any, _given: AttachmentInputs | None, /) -> Seen:
        """Everything is told when it is ours; a stranger's has no name."""
        at, volume = raw["attachment"], raw["volume"]
        found = _marks(raw)
        told = {name: found[name] for name in ("name", "mount") if found[name]}
        status = str(volume["status"])
        return Seen(
            f"{at['serverId']}{_JOINT}{at['volumeId']}",
            found,
            {"server": at["serverId"], "volume": at["volumeId"], **told},
            (self._account.zonal("resource", self._account.volume_zone, volume["availability_zone"]),),
            {"device": at["device"] or ""},
            () if status == "in-use" else (f"the volume is {status}",),
        )

    def change(self, raw: Any, _new: AttachmentInputs, /) -> Any:
        """Wait for one that is under way; nothing changes in place."""
        self._volumes.settled(raw["volume"]["id"])
        return self.get(f"{raw['attachment']['serverId']}{_JOINT}{raw['attachment']['volumeId']}") or raw

    def drop(self, object_id: str, /) -> None:
        """Detach, wait until the volume is free, and take the mark off it that makes the others count."""
        server, _, volume = object_id.partition(_JOINT)
        if not (is_id(server) and is_id(volume)):
            return
        try:
            path = f"/servers/{part(server)}/os-volume_attachments/{part(volume)}"
            self._client.call("compute", "DELETE", path)
        except PortError as exc:
            # Nova says the same of a server that is gone and of a volume that is not at it; and it goes on naming a
            # volume for a moment that Cinder has taken back already.
            if exc.reason != "not-found" and not (exc.reason == "in-use" and self._given_back(server, volume)):
                raise
        if not patiently(lambda: self._free(server, volume) or None, closed=self._account.closed, within_s=STEP_S):
            raise PortError("the volume is still attached", vendor_code="not-gone", where=object_id)
        raw = self._volumes.get(volume)
        if raw is not None and raw["metadata"].get(f"{_PREFIX}server") == server and f"{_PREFIX}op" in raw["metadata"]:
            try:
                self._client.call("volume", "DELETE", f"/volumes/{part(volume)}/metadata/{_PREFIX}op")
            except PortError as exc:
                if exc.reason != "not-found":
                    raise

    def _free(self, server: str, volume: str) -> bool:
        """Whether both services say so."""
        return self._given_back(server, volume) and self.get(f"{server}{_JOINT}{volume}") is None

    def _given_back(self, server: str, volume: str) -> bool:
        raw = self._volumes.settled(volume)
        return raw is None or all(at["server_id"] != server for at in raw["attachments"])


def _marks(raw: Any) -> marks.Marks:
    """The marks that count for a live attachment."""
    found = marks.of_metadata(raw["volume"]["metadata"], _PREFIX)
    return found if found["server"] == raw["attachment"]["serverId"] else marks.Marks()
