"""RVTools: the export of vSphere's inventory (3.x and 4.x), as a workbook or as one CSV file a tab."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing

from inventory.importers.cells import Way
from inventory.importers.machines import MEASURES, Intake, Parts, numbered
from inventory.importers.reading import ReadFile, Source, prefix_of
from inventory.importers.rvtools_columns import BY_HEADING, UNITS, column, detail
from inventory.importers.values import addresses, flag, macs, numbers_of
from pse.core.documents.snapshot import Disk, Nic
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.tables.ahead import LEAST_BYTES, Ahead
from pse.core.tables.table import Header, Row, Table, Tables, header_of
from pse.core.text import counted, printable

_NEEDED = frozenset({"name", "power", "vcpus", "memory"})
_SAMPLE = 2000
_TABS = ("vDisk", "vNetwork", "vUSB", "vPartition", "vSnapshot")
"""Tabs about parts of machines."""


class RVTools:
    """Importer of RVTools' exports. Only vInfo is needed; other tabs add disks, interfaces and devices."""

    name = "rvtools"
    title = "RVTools (xlsx, or CSV by tab)"

    def knows(self, source: Source) -> bool:
        """See `inventory.importers.reading.Importer`; Nutanix' collector has a vInfo, too, with other columns."""
        return isinstance(source, Tables) and _vinfo(source) is not None

    def read(self, source: Source) -> ReadFile:
        """See `inventory.importers.reading.Importer`."""
        found = _vinfo(source) if isinstance(source, Tables) else None
        if found is None or not isinstance(source, Tables):
            raise BadInput(
                "without a table vInfo and its columns VM, Powerstate, CPUs and Memory", where=str(source.path)
            )
        return _Reading(source, *found).result()


def _vinfo(source: Tables) -> tuple[Table, Header] | None:
    """The table of machines: the one called vInfo, else any with its columns."""
    for table in sorted(source.tables, key=lambda t: t.name.strip().casefold() != "vinfo"):
        header = header_of(table, lambda names: {BY_HEADING.get(name) for name in names} >= _NEEDED)
        if header is not None:
            return table, header
    return None


class _Found:
    """What other tabs say about one machine, while they are read."""

    __slots__ = ("devices", "disks", "nics", "snapshots")

    def __init__(self) -> None:
        self.disks: list[Disk] = []
        self.nics: list[Nic] = []
        self.devices: list[str] = []
        self.snapshots = 0


class _Reading:
    """One export while it is read."""

    def __init__(self, source: Tables, table: Table, header: Header) -> None:
        self._main = table.name
        self._intake = Intake(prefix_of("rvtools", table))
        tabs = [(name, other) for name in _TABS if (other := source.named(name)) is not None and other.head()]
        heads = [Header(number=other.head()[0].number, names=other.head()[0].cells) for _, other in tabs]
        jobs = [(tab, head.number, _wanted(head, main=False)) for (_, tab), head in zip(tabs, heads, strict=True)]
        with closing(Ahead(jobs, apart=_is_large(source))) as ahead:
            self._rows = list(table.rows(header.number, _wanted(header, main=True)))
            self._remarks(table.name, table.remarks())
            measured = (row.cells[name] for row in self._rows[:_SAMPLE] for name in MEASURES if name in row.cells)
            self._numbers = numbers_of(measured, continental=table.continental)
            self._index = _Index(self._rows)
            self._found: dict[int, _Found] = defaultdict(_Found)
            self._raw: list[tuple[tuple[str, str], _Found, int]] = []
            take = {"vDisk": self._disk, "vNetwork": self._nic, "vUSB": self._device, "vSnapshot": self._snapshot}
            for number, (name, other) in enumerate(tabs):
                for row, owner in self._joined(other, ahead.rows(number)):
                    if name in take:
                        take[name](row, self._found[owner], other)
                self._remarks(other.name, ahead.remarks(number))
        self._share()

    def result(self) -> ReadFile:
        way = Way(numbers=self._numbers, units=dict(UNITS), virtual="vmware", named_by=("name",))
        for row in self._rows:
            found = self._found.pop(row.number, None) or _Found()
            where = f"{self._main}:{row.number}"
            source = printable(f"{self._intake.prefix}{where}")
            parts = Parts(
                disks=tuple(numbered(found.disks)),
                nics=tuple(numbered(found.nics)),
                findings=tuple(machine_findings(row.cells, found.disks, found.devices, found.snapshots, source)),
            )
            self._intake.take(row.cells, where, way, parts, key=_key(row))
        return self._intake.result()

    def _joined(self, table: Table, rows: Iterable[Row]) -> Iterator[tuple[Row, int]]:
        """Rows of another tab, each with the number of its machine's row; one without is a finding."""
        for row in rows:
            owner = self._index.find(row)
            if owner is None:
                subject = row.cells.get("name", f"row {row.number}")
                self._intake.orphan(subject, f"{table.name}:{row.number}", self._main)
            else:
                yield row, owner

    def _remarks(self, name: str, remarks: Iterable[str]) -> None:
        for remark in remarks:
            self._intake.remark("PSE-I022", name, remark, "Look at the file, and export it again if that matters.")

    def _disk(self, row: Row, found: _Found, table: Table) -> None:
        cells = row.cells
        try:
            size = self._numbers.mib(cells.get("capacity", ""), "m")
        except ValueError:
            why = "its capacity is not a number"
            self._intake.part_left_out(cells.get("name", f"row {row.number}"), f"{table.name}:{row.number}", why)
            return
        shared = cells.get("sharing", "sharingNone") not in {"sharingNone", "0"} or cells.get(
            "shared_bus", "noSharing"
        ) not in {"noSharing", "0"}
        kind = "shared" if shared else "rdm" if flag(cells.get("raw", "")) else "disk"
        if "raw_lun" in cells:
            # Hosts number LUNs alike, so the size belongs to it.
            self._raw.append(((cells["raw_lun"], cells.get("capacity", "")), found, len(found.disks)))
        label = cells.get("disk") or "Disk"
        found.disks.append(Disk(server="", name=label, size_mib=math.ceil(size), kind=kind))

    def _share(self) -> None:
        """One LUN of one size in two rows is a shared disk, whatever the rows call it."""
        luns = Counter(lun for lun, _, _ in self._raw)
        for lun, found, at in self._raw:
            if luns[lun] > 1:
                disk = found.disks[at]
                found.disks[at] = Disk(server="", name=disk.name, size_mib=disk.size_mib, kind="shared")

    def _nic(self, row: Row, found: _Found, _table: Table) -> None:
        cells = row.cells
        known = {a for key in ("ipv4", "ipv6") for a in addresses(cells.get(key, ""))}
        label = cells.get("nic") or "Network adapter"
        mac = next(iter(macs(cells.get("mac", ""))), "")
        found.nics.append(Nic(server="", name=label, mac=mac, addresses=tuple(sorted(known))))

    def _device(self, row: Row, found: _Found, _table: Table) -> None:
        if flag(row.cells.get("connected", "")):
            found.devices.append(row.cells.get("usb_type", "a USB device"))

    def _snapshot(self, _row: Row, found: _Found, _table: Table) -> None:
        found.snapshots += 1


def _is_large(source: Tables) -> bool:
    return source.kind == "workbook" and source.path.stat().st_size >= LEAST_BYTES


def _wanted(header: Header, *, main: bool) -> dict[int, str]:
    named = {index: (column if main else detail)(name) for index, name in header.names.items()}
    return {index: name for index, name in named.items() if name is not None}


def machine_findings(
    cells: Mapping[str, str], disks: Iterable[Disk], devices: Iterable[str], snapshots: int, source: str
) -> Iterator[Finding]:
    """What stands in the way of a virtual machine's move.

    Args:
        cells: By field.
        disks: Its disks.
        devices: USB devices that are connected.
        snapshots: How many it has.
        source: Where it was seen.
    """
    name = cells.get("name", "")

    def say(code: str, message: str, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
        return Finding(
            code=code, severity=severity, subject=printable(name), message=message, remedy=remedy, source=source
        )

    for disk in disks:
        if disk.kind in {"shared", "rdm"}:
            kind = "is shared with another server" if disk.kind == "shared" else "is a raw LUN (RDM)"
            yield say("PSE-I106", f"{printable(disk.name)} {kind}", "Move its data as files or as a database.")
    for device in devices:
        remedy = "Ask the vendor for a licence without hardware, or retain the server."
        yield say("PSE-I105", f"a USB device is connected: {printable(device)}", remedy)
    if flag(cells.get("placeholder", "")):
        yield say("PSE-I107", "it is a placeholder of a server recovered here", "Move the server itself.")
    if name.startswith("vCLS"):
        yield say("PSE-I107", "it is an agent of the cluster and no server", "Leave it where it is.")
    if cells.get("ft_role", "").isdecimal() and int(cells["ft_role"]) > 1:
        yield say("PSE-I107", "it is the secondary of a fault-tolerant pair", "Move the primary.")
    if cells.get("connection", "connected").casefold() != "connected":
        yield say("PSE-I108", f"the hypervisor calls it {printable(cells['connection'])}", "Repair or retire it.")
    yield from _conditions(cells, snapshots, say)


def _conditions(cells: Mapping[str, str], snapshots: int, say: Callable[..., Finding]) -> Iterator[Finding]:
    if snapshots:
        remedy = "Delete them before its disks are copied: what they hold is copied as it was, or not at all."
        yield say("PSE-I129", f"it has {counted(snapshots, 'snapshot')}, which do not move", remedy, Severity.WARNING)
    if cells.get("firmware", "").casefold() == "efi":
        secure = " with secure boot" if flag(cells.get("secure_boot", "")) else ""
        remedy = "For a move of its system disk let the new server boot by UEFI, too; a fresh image boots as it likes."
        yield say("PSE-I126", f"it boots by UEFI{secure}", remedy, Severity.INFO)


class _Index:
    """Finds the row of vInfo that a row of another tab belongs to: by vCenter and VM id, then less sure ones."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._maps: list[dict[tuple[str, ...], int | None]] = [{}, {}, {}, {}]
        for row in rows:
            for known, key in zip(self._maps, self._keys(row), strict=True):
                if key:
                    known[key] = None if key in known else row.number

    def find(self, row: Row) -> int | None:
        for known, key in zip(self._maps, self._keys(row), strict=True):
            if key and (at := known.get(key)) is not None:
                return at
        return None

    @staticmethod
    def _keys(row: Row) -> tuple[tuple[str, ...], ...]:
        cells = row.cells
        machine, vcenter = cells.get("id", ""), cells.get("vcenter", "")
        return (
            (vcenter, machine) if machine else (),
            (machine,) if machine and not vcenter else (),
            (cells["uuid"].lower(),) if "uuid" in cells else (),
            (cells["name"],) if "name" in cells else (),
        )


def _key(row: Row) -> tuple[str, ...]:
    cells = row.cells
    if "id" in cells:
        return (cells.get("vcenter", ""), cells["id"])
    return ("uuid", cells["uuid"].lower()) if "uuid" in cells else ("name", cells.get("name", str(row.number)))
