"""Machines: cells of one row become a sighting, and every row of a file is counted once."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from inventory.importers.alike import Shape, shape_of, system_of
from inventory.importers.cells import (
    WHOLE,
    Way,
    count_in,
    cpus_in,
    disks_in,
    key_of,
    memory_peak_in,
    other_name,
    runs_on,
    share_in,
    sizes_in,
    tags_in,
)
from inventory.importers.measured import Points, in_row
from inventory.importers.reading import ReadFile, Totals
from inventory.importers.values import addresses, flag, macs, power
from inventory.use import IMPORTED
from pse.core.documents.snapshot import Disk, Filesystem, Nic, Server, Sighting
from pse.core.documents.usage import Usage
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.text import printable
from pse.core.time import now

MOST_ROWS = 1_048_576
"""Machines of one file; a spreadsheet has no more rows either."""
_TAG_BYTES = 256 * 1024 * 1024
"""Characters of the tags of all machines of a file: a long column name would be repeated in every row."""
P = TypeVar("P", Disk, Nic)

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
        points: Points in time of its use.
    """

    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    findings: tuple[Finding, ...] = ()
    tags: tuple[str, ...] = ()
    cpu_peak: float | None = None
    memory_peak: float | None = None
    points: Points | None = None


class Intake:
    """Counts the machine rows of one file: each is taken as a server or template, or skipped with a finding.

    Args:
        prefix: What the sources of all its sightings start with.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._usages: list[tuple[str, Usage]] = []
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
        if sighting.server.tags:
            self._tags += sum(map(len, sighting.server.tags))
        if self._tags > _TAG_BYTES:
            why = "the columns that are kept as tags take more than 256 MiB"
            raise BadInput(why, where=self.prefix, hint="Name those to ignore in a mapping file (docs/importing.md).")
        self._seen[key] = where
        self._sightings.append(sighting)

    def _measure(self, cells: Mapping[str, str], names: tuple[str, ...], seen: str, way: Way, parts: Parts) -> None:
        """Keep what is known of its use: points in time before figures of a window that nobody tells."""
        day, source = self._when.date(), f"{IMPORTED}{printable(self.prefix.rstrip('#'))}"
        found = parts.points.usage(day=day, source=source) if parts.points else None
        found = found or in_row(cells, names, way.numbers, day=day, source=source)
        if found is not None:
            self._usages.append((seen, found))

    def skip(self, cells: Mapping[str, str], where: str, why: str, *, severity: Severity = Severity.INFO) -> None:
        """Skip one row that is no server, or, as an error, one that cannot be understood; with its reason."""
        self._rows += 1
        self._left_out(cells.get("name") or where, where, why, severity=severity)

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
            usages=tuple(self._usages),
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
        known = _addresses(cells, shape, parts)
        name = cells.get(way.named_by[0]) or other_name(cells, way, known)
        if not name:
            raise ValueError("it has no name")
        get = cells.get
        system = system_of(get("os") or get("os_also", ""), get("os_version", ""), get("architecture", ""))
        vcpus = cpus_in(cells, way.numbers)
        sizes = sizes_in(cells, shape.sizes, way)
        memory = sizes.get("memory")
        state = power(cells["power"]) if "power" in cells else "unknown"
        cpu_peak, memory_peak = parts.cpu_peak, parts.memory_peak
        if shape.use:
            if state == "unknown" and way.ran and share_in(cells, "cpu_p95", way.numbers):
                state = "on"
            cpu_peak = cpu_peak if cpu_peak is not None else share_in(cells, "cpu_peak", way.numbers)
            memory_peak = memory_peak if memory_peak is not None else memory_peak_in(cells, memory, way)
        template = "template" in cells and flag(cells["template"])
        disks = parts.disks or disks_in(cells, shape.disks, sizes, way)
        server = Server(
            id="",
            hostname=name,
            addresses=known,
            os_family=system.family,
            os_version=system.version,
            os_name=system.name,
            kernel=get("kernel", ""),
            architecture=system.architecture,
            virtual=runs_on(cells, way),
            vcpus=None if vcpus is None else math.ceil(vcpus),
            memory_mib=None if memory is None else round(memory),
            cpu_peak=cpu_peak,
            memory_peak=memory_peak,
            power_state=state,
            is_template=template,
            sources=(source,),
            tags=tags_in(cells, shape, parts.tags),
        )
        findings = parts.findings
        if system.told:
            subject, said = printable(name), printable(source)
            told = [
                msgspec.structs.replace(finding, subject=subject, source=said + finding.source)
                for finding in system.told
            ]
            findings = (*findings, *told)
        counted = count_in(cells, "disks_known", way.numbers) if "disks_known" in cells else None
        self._add(vcpus, sizes, state, disks, counted)
        if (shape.measured or parts.points) and not template:
            self._measure(cells, shape.measured, source, way, parts)
        return Sighting(
            source=source,
            seen=self._when,
            identity=_identity(cells, shape, parts, key),
            server=server,
            disks=disks,
            filesystems=parts.filesystems,
            nics=parts.nics,
            findings=() if template or not findings else tuple(sorted(findings)),
        )

    def _add(
        self,
        vcpus: float | None,
        sizes: Mapping[str, float],
        state: str,
        disks: tuple[Disk, ...],
        counted: float | None,
    ) -> None:
        """Disks are those that are listed, else the number of them that is given."""
        sums = self._sums
        if vcpus:
            sums["vcpus"] += vcpus
        if sizes:
            sums["memory_mib"] += sizes.get("memory", 0.0)
            sums["provisioned_mib"] += sizes["disk_total"] if "disk_total" in sizes else sizes.get("disk_capacity", 0.0)
            sums["in_use_mib"] += sizes.get("disk_used", 0.0)
        if state != "unknown":
            sums[state] += 1
        listed = [disk.size_mib for disk in disks if disk.name != WHOLE]
        if listed:
            sums["disks"] += len(listed)
            sums["disk_mib"] += sum(listed)
        elif counted:
            sums["disks"] += counted


def _addresses(cells: Mapping[str, str], shape: Shape, parts: Parts) -> tuple[str, ...]:
    if len(shape.addresses) == 1 and not parts.nics:
        found = addresses(cells[shape.addresses[0]])
        return tuple(found) if len(found) < 2 else tuple(sorted(found))
    known = {address for nic in parts.nics for address in nic.addresses}
    for field in shape.addresses:
        known |= addresses(cells[field])
    return tuple(sorted(known))


def _identity(cells: Mapping[str, str], shape: Shape, parts: Parts, key: tuple[str, ...]) -> dict[str, str]:
    identity = {field: cells[field] for field in shape.identity}
    if "bios_uuid" in cells:
        if "uuid" in cells:  # other exports have this one alone
            identity["vm_uuid"] = cells["uuid"]
        identity["uuid"] = cells["bios_uuid"]
    if parts.nics or shape.macs:
        cards = {nic.mac for nic in parts.nics if nic.mac}
        for field in shape.macs:
            cards |= macs(cells[field])
        if cards:
            identity["macs"] = ",".join(sorted(cards))
    identity["vm"] = "/".join(key)
    if "id" in cells:
        identity["listed"] = f"{cells.get('vcenter', '')}/{cells['id']}"
    return identity


_TOGETHER = "Export all sheets at one time."


def _row(where: str) -> str:
    """Where a row stands, in words: sheet and row of ``vInfo:7``."""
    table, _, row = where.rpartition(":")
    return f"sheet {table}, row {row}" if table else f"row {row}"


def numbered(items: Iterable[P]) -> Iterator[P]:
    """``items`` as they are, with a number behind a name that was there before."""
    used: dict[str, int] = {}
    for item in items:
        used[item.name] = used.get(item.name, 0) + 1
        again = used[item.name]
        yield item if again == 1 else msgspec.structs.replace(item, name=f"{item.name} ({again})")
