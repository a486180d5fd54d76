"""A virtual machine's properties as the cells and parts that every importer hands over."""

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from inventory.importers.alike import ATTRIBUTE, TAG
from inventory.importers.machines import Parts, numbered
from inventory.importers.rvtools import machine_findings
from inventory.importers.values import addresses, macs
from inventory.vsphere.collecting import Values, id_of
from pse.core.documents.snapshot import Disk, Nic
from pse.core.findings import Finding, Severity
from pse.core.text import few, printable

MIB = 1024 * 1024
_DEEPEST = 64
"""Folders above a machine that are followed; a circle of parents ends there."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine as it was seen, before it is held against the others.

    Attributes:
        id: Of vSphere's own: ``vm-42``.
        cells: By field, for `inventory.importers.machines.Intake`.
        disks: Its disks.
        nics: Its interfaces.
        usb: USB devices that are connected.
        snapshots: How many it has.
        luns: LUN and size of each disk that is one, with the disk's place among its disks.
        findings: What its own properties say.
    """

    id: str
    cells: dict[str, str]
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]
    usb: tuple[str, ...]
    snapshots: int
    luns: tuple[tuple[tuple[str, str], int], ...]
    findings: tuple[Finding, ...]

    def parts(self, shared: Container[tuple[str, str]], source: str) -> Parts:
        """What belongs to it; ``shared`` are the LUNs of `shared_luns`."""
        disks = list(self.disks)
        for lun, at in self.luns:
            if lun in shared:
                disks[at] = msgspec.structs.replace(disks[at], kind="shared")
        return Parts(
            disks=tuple(numbered(disks)),
            nics=tuple(numbered(self.nics)),
            findings=(*machine_findings(self.cells, disks, self.usb, self.snapshots, source), *self.findings),
        )


class Records:
    """Makes records of machines.

    Args:
        places: Kind, name and parent of hosts, clusters, folders and data centres, by id.
        attributes: Names of custom attributes by key.
        vcenter: Id of the vSphere itself.
    """

    def __init__(self, places: Mapping[str, tuple[str, str, str]], attributes: Mapping[int, str], vcenter: str) -> None:
        self._places = places
        self._attributes = attributes
        self._vcenter = vcenter

    def of(self, name: str, values: Values, source: str) -> Machine:
        """The record of the machine ``name`` with these ``values``; ``source`` stands in its findings."""
        cells = {key: text for key, text in self._cells(name, values) if text}
        devices = list(values.get("config.hardware.device") or ())
        controllers = {d.key: d for d in devices if hasattr(d, "sharedBus")}
        disks: list[Disk] = []
        luns: list[tuple[tuple[str, str], int]] = []
        for device in devices:
            if hasattr(device, "capacityInKB"):
                disk, lun = _disk(device, controllers.get(device.controllerKey))
                if lun:
                    luns.append(((lun, str(device.capacityInKB)), len(disks)))
                disks.append(disk)
        nics = [_nic(d, values.get("guest.net") or ()) for d in devices if hasattr(d, "macAddress")]
        tree = values.get("snapshot")
        usb = (_label(d) for d in devices if _kind(d) == "VirtualUSB" and d.connected is not False)
        return Machine(
            id=name,
            cells=cells,
            disks=tuple(disks),
            nics=tuple(nics),
            usb=tuple(usb),
            snapshots=_snapshots(tree.rootSnapshotList if tree is not None else ()),
            luns=tuple(luns),
            findings=tuple(_findings(values, devices, printable(cells.get("name", name)), source)),
        )

    def _cells(self, name: str, values: Values) -> Iterator[tuple[str, str]]:
        storage, managed = values.get("summary.storage"), values.get("config.managedBy")
        memory = values.get("config.hardware.memoryMB")
        yield "name", str(values.get("name", ""))
        yield "id", name
        yield "vcenter", self._vcenter
        yield "power", str(values.get("runtime.powerState", ""))
        yield "connection", str(values.get("runtime.connectionState", "connected"))
        yield "template", str(bool(values.get("config.template")))
        yield "placeholder", str(managed is not None and managed.extensionKey.startswith("com.vmware.vcDr"))
        yield "firmware", str(values.get("config.firmware") or "")
        yield "secure_boot", str(bool(values.get("config.bootOptions.efiSecureBootEnabled")))
        yield "ft_role", str(getattr(values.get("config.ftInfo"), "role", ""))
        yield "dns", str(values.get("guest.hostName") or "")
        yield "addresses", str(values.get("guest.ipAddress") or "")
        yield "vcpus", str(values.get("config.hardware.numCPU", ""))
        yield "memory", "" if memory is None else str(memory)
        yield "uuid", str(values.get("config.instanceUuid") or values.get("config.uuid") or "")
        yield "bios_uuid", str(values.get("config.uuid") or "")
        yield "os", str(values.get("guest.guestFullName") or "")
        yield "os_also", str(values.get("config.guestFullName") or "")
        if storage is not None:
            yield "disk_total", f"{(storage.committed + storage.uncommitted) / MIB:.4f}"
            yield "disk_used", f"{storage.committed / MIB:.4f}"
        yield from self._where(values)
        for value in values.get("customValue") or ():
            if (key := self._attributes.get(value.key)) and getattr(value, "value", ""):
                yield ATTRIBUTE + " ".join(key.split()), str(value.value)

    def _where(self, values: Values) -> Iterator[tuple[str, str]]:
        folders, datacenter = self._above(id_of(values.get("parent")))
        _, _, cluster = self._places.get(id_of(values.get("runtime.host")), ("", "", ""))
        if not datacenter:
            _, datacenter = self._above(cluster)
        yield TAG + "datacenter", datacenter
        yield TAG + "folder", "/".join(reversed(folders))
        if cluster.startswith("domain-c"):
            yield TAG + "cluster", self._places[cluster][1] if cluster in self._places else ""

    def _above(self, start: str) -> tuple[list[str], str]:
        """Names of the folders from ``start`` up to its data centre, without the one that holds all machines."""
        folders: list[str] = []
        for _ in range(_DEEPEST):
            kind, name, parent = self._places.get(start, ("", "", ""))
            if kind == "datacenter":
                return folders[:-1], name
            if not kind:
                break
            folders.append(name)
            start = parent
        return folders, ""


def shared_luns(machines: Iterable[Machine]) -> set[tuple[str, str]]:
    """LUNs of one size that several disks are: shared, whatever each disk calls itself."""
    counts = Counter(lun for machine in machines for lun, _ in machine.luns)
    return {lun for lun, times in counts.items() if times > 1}


def _disk(device: Any, controller: Any) -> tuple[Disk, str]:
    """A disk, and the LUN that it is, if it is one."""
    backing = device.backing
    lun = str(getattr(backing, "lunUuid", "") or "")
    sharing = str(getattr(backing, "sharing", "") or "sharingNone")
    bus = str(getattr(controller, "sharedBus", "") or "noSharing")
    shared = sharing != "sharingNone" or bus != "noSharing"
    kind = "shared" if shared else "rdm" if lun else "disk"
    capacity = getattr(device, "capacityInBytes", None) or device.capacityInKB * 1024
    return Disk(server="", name=_label(device), size_mib=math.ceil(capacity / MIB), kind=kind), lun


def _nic(device: Any, nets: Iterable[Any]) -> Nic:
    mac = next(iter(macs(str(device.macAddress or ""))), "")
    known: set[str] = set()
    for net in nets:
        if net.deviceConfigId == device.key or (net.macAddress and {mac} == macs(str(net.macAddress))):
            known.update(a for text in net.ipAddress or () for a in addresses(str(text)))
    return Nic(server="", name=_label(device), mac=mac, addresses=tuple(sorted(known)))


def _kind(device: Any) -> str:
    return type(device).__name__.rpartition(".")[2]


def _label(device: Any) -> str:
    return str(device.deviceInfo.label if device.deviceInfo is not None else type(device).__name__)


def _findings(values: Values, devices: list[Any], name: str, source: str) -> Iterator[Finding]:
    def say(code: str, severity: Severity, message: str, remedy: str) -> Finding:
        return Finding(code=code, severity=severity, subject=name, message=message, remedy=remedy, source=source)

    kinds = [_kind(device) for device in devices]
    if values.get("config.keyId") is not None or "VirtualTPM" in kinds:
        yield say(
            "PSE-I120",
            Severity.WARNING,
            "the machine is encrypted, or has a TPM whose keys stay behind",
            "Have the recovery keys of what is sealed by it at hand, and plan for new ones.",
        )
    passed = [_label(d) for d, kind in zip(devices, kinds, strict=True) if kind == "VirtualPCIPassthrough"]
    if passed:
        yield say(
            "PSE-I140",
            Severity.WARNING,
            f"devices of the hypervisor's own hardware are passed through: {printable(few(passed, 3))}",
            "Find out what they are for, and whether the new place has the like.",
        )


def _snapshots(trees: Iterable[Any]) -> int:
    waiting, found = list(trees or ()), 0
    while waiting:
        one = waiting.pop()
        found += 1
        waiting += list(one.childSnapshotList or ())
    return found
