"""Machines: cells of one row become a sighting, and every row of a file is counted once."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from inventory.importers.alike import Shape, shape_of, system_of
from inventory.importers.reading import ReadFile, Totals
from inventory.importers.values import Numbers, addresses, flag, hypervisor, macs, power, share
from inventory.readiness import os_findings
from pse.core.documents.snapshot import Disk, Filesystem, Nic, Server, Sighting
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.text import printable
from pse.core.time import now

MOST_ROWS = 1_048_576
"""Machines of one file; a spreadsheet has no more rows either."""
_TAG_BYTES = 256 * 1024 * 1024
"""Characters of the tags of all machines of a file: a long column name would be repeated in every row."""
P = TypeVar("P", Disk, Nic)

WHOLE = "all disks"
"""Name of the one disk that stands for all of them where a file has their sum only."""
_SIZES = ("memory", "disk_total", "disk_capacity", "disk_used")
_IDENTITY = ("uuid", "machine_id", "serial", "dns")
MEASURES = ("vcpus", "sockets", "cores", "memory", "disk_total", "disk_capacity", "disk_used", "capacity")
"""Cells that hold numbers."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What other rows and sheets say about one machine.

    Attributes:
        disks: Its disks.
        nics: Its interfaces.
        filesystems: Its file systems.
        findings: What stops or delays its move.
        tags: More tags as ``name=value``.
        cpu_peak: Peak share of CPU; None when not measured.
        memory_peak: Peak share of memory; None when not measured.
    """

    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    findings: tuple[Finding, ...] = ()
    tags: tuple[str, ...] = ()
    cpu_peak: float | None = None
    memory_peak: float | None = None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one table are to be read.

    Attributes:
        numbers: How it writes numbers.
        units: Key of `inventory.importers.values.UNITS` by field, for sizes.
        virtual: What its machines run on where a row says nothing.
        key: Fields that together tell its machines apart.
        named_by: Fields that may give a machine its name, the best first.
        ran: A share of CPU above zero proves that the machine runs.
    """

    numbers: Numbers
    units: dict[str, str]
    virtual: str = ""
    key: tuple[str, ...] = ("vcenter", "id", "name")
    named_by: tuple[str, ...] = ("name", "dns", "addresses")
    ran: bool = False


class Intake:
    """Counts the machine rows of one file: each is taken as a server or template, or skipped with a finding.

    Args:
        prefix: What the sources of all its sightings start with.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._seen: dict[tuple[str, ...], str] = {}
        self._sightings: list[Sighting] = []
        self._findings: list[Finding] = []
        self._rows = 0
        self._tags = 0
        self._when: datetime = now()
        self._sums = dict.fromkeys(Totals.__struct_fields__, 0.0)

    def take(self, cells: Mapping[str, str], where: str, way: Way, parts: Parts, *, key: tuple[str, ...] = ()) -> None:
        """Take one row, or skip it with its reason.

        Args:
            cells: By field.
            where: ``SHEET:ROW``.
            way: How to read them.
            parts: What belongs to it.
            key: What tells it from the others, where that is not ``way.key``.

        Raises:
            BadInput: The file as a whole holds too much.
        """
        if self._rows >= MOST_ROWS:
            raise BadInput(f"more than {MOST_ROWS:,} rows of machines", where=self.prefix, hint="Split the file.")
        self._rows += 1
        name = cells.get("name") or cells.get("dns") or ""
        try:
            key = key or key_of(cells, way)
            if earlier := self._seen.get(key):
                raise ValueError(f"the same machine stands in {earlier}")  # noqa: TRY301 - one way to skip a row
            sighting = self._made(cells, f"{self.prefix}{where}", way, parts, key)
        except ValueError as exc:
            self._left_out(name or where, where, str(exc))
            return
        self._tags += sum(map(len, sighting.server.tags))
        if self._tags > _TAG_BYTES:
            why = "the columns that are kept as tags take more than 256 MiB"
            raise BadInput(why, where=self.prefix, hint="Name those to ignore in a mapping file (docs/importing.md).")
        self._seen[key] = where
        self._sightings.append(sighting)

    def skip(self, cells: Mapping[str, str], where: str, why: str) -> None:
        """Skip one row that is no server, with its reason."""
        self._rows += 1
        self._left_out(cells.get("name") or where, where, why, severity=Severity.INFO)

    def part_left_out(self, subject: str, where: str, why: str) -> None:
        """A row about a part of a machine that cannot be read."""
        self._left_out(subject, where, why)

    def orphan(self, subject: str, where: str, main: str) -> None:
        """A row about a part of a machine that is not there."""
        self._say("PSE-I021", subject, where, f"{_row(where)} belongs to no machine of {main}", _TOGETHER)

    def remark(self, code: str, where: str, message: str, remedy: str) -> None:
        """Something about a table that the user has to know."""
        self._say(code, where, where, message, remedy)

    def result(self) -> ReadFile:
        """What was read."""
        templates = sum(s.server.is_template for s in self._sightings)
        taken = len(self._sightings)
        return ReadFile(
            prefix=self.prefix,
            rows=self._rows,
            servers=taken - templates,
            templates=templates,
            skipped=self._rows - taken,
            totals=Totals(**{name: round(value, 4) for name, value in self._sums.items()}),
            sightings=tuple(self._sightings),
            findings=tuple(sorted(set(self._findings))),
        )

    def _left_out(self, subject: str, where: str, why: str, *, severity: Severity = Severity.ERROR) -> None:
        message, remedy = f"{_row(where)} was left out: {why}", "Correct the cell, or export again."
        self._say("PSE-I020", subject, where, message, remedy if severity is Severity.ERROR else "", severity)

    def _say(
        self, code: str, subject: str, where: str, message: str, remedy: str, severity: Severity = Severity.WARNING
    ) -> None:
        self._findings.append(
            Finding(
                code=code,
                severity=severity,
                subject=printable(subject[:200]),
                message=printable(message),
                remedy=remedy,
                source=printable(f"{self.prefix}{where}"),
            )
        )

    def _made(self, cells: Mapping[str, str], source: str, way: Way, parts: Parts, key: tuple[str, ...]) -> Sighting:
        shape = shape_of(tuple(cells))
        known = {address for nic in parts.nics for address in nic.addresses}
        for field in shape.addresses:
            known |= addresses(cells[field])
        name = cells.get(way.named_by[0], "") or _other_name(cells, way, known)
        if not name:
            raise ValueError("it has no name")
        system = system_of(
            cells.get("os") or cells.get("os_also", ""), cells.get("os_version", ""), cells.get("architecture", "")
        )
        vcpus = _vcpus(cells, way.numbers)
        sizes = {field: _size(cells, field, way) for field in _SIZES if field in cells}
        state = power(cells.get("power", ""))
        if state == "unknown" and way.ran and _share(cells, "cpu_used", way.numbers):
            state = "on"
        cards = {nic.mac for nic in parts.nics if nic.mac}
        for field in shape.macs:
            cards |= macs(cells[field])
        template = flag(cells.get("template", ""))
        disks = parts.disks or tuple(_own_disks(cells, shape.disks, sizes, way))
        identity = {field: cells[field] for field in _IDENTITY if field in cells}
        if "bios_uuid" in cells:
            if "uuid" in cells:  # other exports have this one alone
                identity["vm_uuid"] = cells["uuid"]
            identity["uuid"] = cells["bios_uuid"]
        if cards:
            identity["macs"] = ",".join(sorted(cards))
        identity["vm"] = "/".join(key)
        if "id" in cells:
            identity["listed"] = f"{cells.get('vcenter', '')}/{cells['id']}"
        memory = sizes.get("memory")
        server = Server(
            id="",
            hostname=name,
            addresses=tuple(sorted(known)),
            os_family=system.family,
            os_version=system.version,
            os_name=system.name,
            kernel=cells.get("kernel", ""),
            architecture=system.architecture,
            virtual=_virtual(cells, way),
            vcpus=None if vcpus is None else math.ceil(vcpus),
            memory_mib=None if memory is None else round(memory),
            cpu_peak=parts.cpu_peak if parts.cpu_peak is not None else _share(cells, "cpu_peak", way.numbers),
            memory_peak=parts.memory_peak if parts.memory_peak is not None else _memory_peak(cells, memory, way),
            power_state=state,
            is_template=template,
            sources=(source,),
            tags=tuple(sorted({*_tags(cells, shape), *parts.tags})),
        )
        findings = list(parts.findings)
        if system.told:
            findings += os_findings(subject=printable(name), source=printable(source), name=system.told)
        counted = _number(cells, "disks_known", way.numbers)
        self._add(vcpus, sizes, state)
        self._add_disks(disks, counted)
        return Sighting(
            source=source,
            seen=self._when,
            identity=identity,
            server=server,
            disks=disks,
            filesystems=parts.filesystems,
            nics=parts.nics,
            findings=() if template else tuple(sorted(findings)),
        )

    def _add(self, vcpus: float | None, sizes: Mapping[str, float | None], state: str) -> None:
        sums = self._sums
        sums["vcpus"] += vcpus or 0.0
        sums["memory_mib"] += sizes.get("memory") or 0.0
        sums["provisioned_mib"] += sizes.get("disk_total", sizes.get("disk_capacity")) or 0.0
        sums["in_use_mib"] += sizes.get("disk_used") or 0.0
        if state != "unknown":
            sums[state] += 1

    def _add_disks(self, disks: tuple[Disk, ...], known: float | None) -> None:
        """Disks that are listed, else the number of them that is given."""
        listed = [disk.size_mib for disk in disks if disk.name != WHOLE]
        self._sums["disks"] += len(listed) or known or 0.0
        self._sums["disk_mib"] += sum(listed)


_TOGETHER = "Export all sheets at one time."


def _row(where: str) -> str:
    """Where a row stands, in words: sheet and row of ``vInfo:7``."""
    table, _, row = where.rpartition(":")
    return f"sheet {table}, row {row}" if table else f"row {row}"


def _other_name(cells: Mapping[str, str], way: Way, known: set[str]) -> str:
    """What names a machine that has no name: a less sure field, or its first address; empty for nothing."""
    said = (min(known, default="") if field == "addresses" else cells.get(field) for field in way.named_by)
    return next(filter(None, said), "")


def key_of(cells: Mapping[str, str], way: Way) -> tuple[str, ...]:
    """What tells one machine of a file from the others."""
    return tuple([cells.get(field, "") for field in way.key])  # a list is quicker than a generator


def _number(cells: Mapping[str, str], field: str, numbers: Numbers) -> float | None:
    if field not in cells:
        return None
    try:
        return numbers.count(cells[field])
    except ValueError as exc:
        raise ValueError(f"{field} is {exc}") from None


def _vcpus(cells: Mapping[str, str], numbers: Numbers) -> float | None:
    vcpus = _number(cells, "vcpus", numbers)
    if vcpus is not None:
        return vcpus
    sockets, cores = _number(cells, "sockets", numbers), _number(cells, "cores", numbers)
    if sockets is None and cores is None:
        return None
    return (1.0 if sockets is None else sockets) * (1.0 if cores is None else cores)


def _size(cells: Mapping[str, str], field: str, way: Way) -> float | None:
    if field not in cells:
        return None
    try:
        return way.numbers.mib(cells[field], way.units.get(field, ""))
    except ValueError as exc:
        raise ValueError(f"{field} is {exc}") from None


def _own_disks(
    cells: Mapping[str, str], names: Iterable[str], sizes: Mapping[str, float | None], way: Way
) -> Iterator[Disk]:
    """Disks that stand in the row itself; where it has their sum only, one disk of that size."""
    used, whole = sizes.get("disk_used"), sizes.get("disk_capacity") or sizes.get("disk_total")
    found = False
    for name in names:
        if size := _size(cells, name, way):
            found = True
            yield Disk(server="", name=f"disk {name.removeprefix('disk#')}", size_mib=math.ceil(size))
    if not found and whole:
        yield Disk(
            server="",
            name=WHOLE,
            size_mib=math.ceil(whole),
            used_mib=None if used is None else math.ceil(used),
            kind="unknown",
        )


def _share(cells: Mapping[str, str], field: str, numbers: Numbers) -> float | None:
    """Use is a hint for sizing: what cannot be read is not known, and costs no row."""
    try:
        return share(numbers.number(cells[field].rstrip("% "))) if field in cells else None
    except ValueError:
        return None


def _memory_peak(cells: Mapping[str, str], memory: float | None, way: Way) -> float | None:
    if "memory_used_peak" in cells and memory:
        try:
            used = way.numbers.mib(cells["memory_used_peak"], way.units.get("memory_used_peak", "m"))
        except ValueError:
            return None
        return round(min(used / memory, 1.0), 4)
    return _share(cells, "memory_peak", way.numbers)


def _virtual(cells: Mapping[str, str], way: Way) -> str:
    if "physical" in cells:
        if flag(cells["physical"]) or cells["physical"].casefold() == "physical":
            return "physical"
    elif "is_virtual" in cells and cells["is_virtual"].casefold() in {"false", "0", "no", "n"}:
        return "physical"
    return hypervisor(cells.get("virtual", "")) or way.virtual


def _tags(cells: Mapping[str, str], shape: Shape) -> Iterator[str]:
    for name, tag in shape.named:
        yield f"{tag}={cells[name]}"
    for name in shape.tags:
        yield from pairs(cells[name])


def pairs(text: str) -> Iterator[str]:
    """Tags of one cell: ``owner:finance, tier:1`` or names alone."""
    for part in text.replace(";", ",").split(","):
        if word := part.strip():
            name, sign, value = word.partition(":")
            yield f"{name.strip()}={value.strip()}" if sign else f"tag={word}"


def numbered(items: Iterable[P]) -> Iterator[P]:
    """``items`` as they are, with a number behind a name that was there before."""
    used: dict[str, int] = {}
    for item in items:
        used[item.name] = used.get(item.name, 0) + 1
        again = used[item.name]
        yield item if again == 1 else msgspec.structs.replace(item, name=f"{item.name} ({again})")
