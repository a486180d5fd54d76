"""Attachments: a disk in the list of a machine. It is no object at Azure; its tags are on the disk."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.azure.account import Account
from providers.azure.disks import disk_placement
from providers.azure.names import DISK, MACHINE, last, same, tags_of
from providers.kit.noun import Query, Seen
from providers.kit.tags import identity_of
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity, PortError
from pse.core.schema import AttachmentInputs

AT = "pse-attachment-"
"""Beginning of an attachment's tags on its disk."""
_DEVICE = "/dev/disk/azure/scsi1/lun"
"""How Azure's agent calls a data disk, whatever the kernel does."""


class Attachments:
    """See `providers.kit.noun.Noun`. The id is the machine's, ``/dataDisks/`` and the disk's name."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: AttachmentInputs, identity: Identity) -> str:
        """The disk's tags, then attachDetachDataDisks: whatever dies in between, what is attached has an owner."""
        disk = self._account.needed(inputs.volume, DISK)
        machine = self._account.needed(inputs.server, MACHINE)
        object_id = self._id(machine["name"], disk["name"])
        holder = str(disk.get("managedBy") or "")
        if holder:
            if same(last(holder), machine["name"]) and tags_of(disk).get(f"{AT}op") == identity.op:
                return object_id
            raise PortError(f"{disk['name']} is attached to {last(holder)}", reason="in-use", where=self._account.place)
        tags = {
            **identity_tags(identity, prefix=AT),
            f"{AT}name": inputs.name,
            f"{AT}server": machine["name"],
            f"{AT}mount": inputs.mount,
        }
        self._account.tag(self._account.path(DISK, disk["name"]), tags)
        wanted = {"diskId": self._account.path(DISK, disk["name"]), "caching": "None", "deleteOption": "Detach"}
        path = self._account.path(MACHINE, machine["name"])
        self._account.post(path, "attach_detach_data_disks", {"dataDisksToAttach": [wanted]})
        return object_id

    def finish(self, object_id: str, inputs: AttachmentInputs) -> None:  # noqa: ARG002  (nothing of it is changed)
        """Wait until the machine has it."""
        self._account.until(
            lambda: next((True for _ in self.seen(Query(id=object_id), None)), None), what=f"{last(object_id)} attached"
        )

    def seen(self, query: Query, known: AttachmentInputs | None) -> Iterator[Seen]:
        """Data disks of machines, with the tags of the disks."""
        machines = list(self._machines(query))
        wanted = last(query.id) if query.id else ""
        raws = {raw["name"].lower(): raw for raw in self._disks(wanted)} if machines else {}
        for machine in machines:
            for entry in machine["properties"]["storageProfile"].get("dataDisks") or ():
                raw = raws.get(str(entry["name"]).lower())
                if raw is not None and not entry.get("toBeDetached"):
                    yield self._seen(machine, entry, raw, known)

    def remove(self, object_id: str) -> None:
        """Detach; a disk that is not attached is as good."""
        machine_id, _, name = object_id.rpartition("/dataDisks/")
        disk_id = self._account.path(DISK, name)
        disk = self._account.get(disk_id, DISK)
        if disk is None or not self._account.is_mine(machine_id, MACHINE):
            return
        if same(last(str(disk.get("managedBy") or "")), last(machine_id)):
            self._account.post(machine_id, "attach_detach_data_disks", {"dataDisksToDetach": [{"diskId": disk_id}]})
        tags = {key: value for key, value in (disk.get("tags") or {}).items() if key.lower().startswith(AT)}
        if same(tags_of(disk).get(f"{AT}server", ""), last(machine_id)):
            self._account.tag(disk_id, tags, operation="Delete")

    def _seen(
        self,
        machine: Mapping[str, Any],
        entry: Mapping[str, Any],
        disk: Mapping[str, Any],
        known: AttachmentInputs | None,
    ) -> Seen:
        tags = tags_of(disk)
        is_ours = same(tags.get(f"{AT}server", ""), machine["name"])
        server, volume = self._account.path(MACHINE, machine["name"]), self._account.path(DISK, disk["name"])
        given = known.mount if known is not None else ""
        return Seen(
            id=self._id(machine["name"], disk["name"]),
            name=tags.get(f"{AT}name", "") if is_ours else "",
            identity=identity_of(tags, prefix=AT) if is_ours else None,
            inputs={
                "server": known.server if known and same(known.server, server) else server,
                "volume": known.volume if known and same(known.volume, volume) else volume,
                "mount": tags.get(f"{AT}mount", given) if is_ours else given,
            },
            outputs={"device": f"{_DEVICE}{entry['lun']}"},
            placement=disk_placement(self._account, disk, "resource"),
        )

    def _machines(self, query: Query) -> Iterator[dict[str, Any]]:
        if not query.id:
            yield from self._account.all(MACHINE)
            return
        machine_id, found, _ = query.id.rpartition("/dataDisks/")
        machine = self._account.get(machine_id, MACHINE) if found else None
        if machine is not None:
            yield machine

    def _disks(self, name: str) -> Iterator[dict[str, Any]]:
        if not name:
            yield from self._account.all(DISK)
        elif (disk := self._account.get(self._account.path(DISK, name), DISK)) is not None:
            yield disk

    def _id(self, machine: str, disk: str) -> str:
        return f"{self._account.path(MACHINE, machine)}/dataDisks/{disk}"
