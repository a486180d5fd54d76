"""Importers made of a mapping file: the table of machines is read as a stream, tables of their parts before it."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

from inventory.importers.alike import ATTRIBUTE, TAG
from inventory.importers.cells import Way
from inventory.importers.machines import MEASURES, Intake, Parts, numbered
from inventory.importers.mapping import Columns, Format, Skip, TableMap, read_mapping, shipped
from inventory.importers.measured import Points
from inventory.importers.reading import ReadFile, Source, prefix_of
from inventory.importers.values import Numbers, addresses, macs, numbers_of
from pse.core.documents.snapshot import Disk, Filesystem, Nic
from pse.core.errors import BadInput
from pse.core.tables.table import Row, Table, Tables

_SAMPLE = 2000
_NUMBER = re.compile(r"[\d.,\s]+")
_Key = tuple[str, str]


class Declared:
    """Importer of one format that a mapping file describes.

    Args:
        name: For ``--format``.
        format_: The mapping file.
    """

    def __init__(self, name: str, format_: Format) -> None:
        self.name = name
        self.title = format_.title
        self._format = format_

    @property
    def tables(self) -> tuple[TableMap, ...]:
        """Its tables, that of machines first."""
        return self._format.table

    @classmethod
    def of(cls, name: str) -> "Declared":
        """The importer of a format that comes with the project."""
        return cls(name, shipped(name))

    @classmethod
    def at(cls, path: Path) -> "Declared":
        """The importer that a site's own mapping file makes."""
        return cls("mapping", read_mapping(path))

    def knows(self, source: Source) -> bool:
        """See `inventory.importers.reading.Importer`."""
        return isinstance(source, Tables) and self._format.table[0].find(source.tables) is not None

    def read(self, source: Source) -> ReadFile:
        """See `inventory.importers.reading.Importer`."""
        found = self._format.table[0].find(source.tables) if isinstance(source, Tables) else None
        if found is None or not isinstance(source, Tables):
            needs = ", ".join(self._format.table[0].needs)
            raise BadInput(f"without a table that has columns for {needs}", where=str(source.path))
        return _Reading(self.name, self._format, source, *found).result()


class _Found:
    """What other tables say about one machine, while they are read."""

    __slots__ = ("cells", "disks", "filesystems", "nics", "peaks", "points", "rows", "tags")

    def __init__(self) -> None:
        self.cells: dict[str, str] = {}
        self.disks: list[Disk] = []
        self.filesystems: list[Filesystem] = []
        self.nics: list[Nic] = []
        self.peaks: dict[str, float] = {}
        self.points: Points | None = None
        self.tags: list[str] = []
        self.rows: list[tuple[str, str]] = []

    def parts(self) -> Parts:
        return Parts(
            disks=tuple(numbered(self.disks)),
            nics=tuple(numbered(self.nics)),
            filesystems=tuple(self.filesystems),
            tags=tuple(self.tags),
            cpu_peak=self.peaks.get("cpu_peak"),
            memory_peak=self.peaks.get("memory_peak"),
            points=self.points,
        )


class _Reading:
    """One file while it is read."""

    def __init__(self, name: str, format_: Format, source: Tables, table: Table, columns: Columns) -> None:
        self._format = format_
        self._main = table
        self._map = format_.table[0]
        self._columns = columns
        self._intake = Intake(prefix_of(name, table))
        self._found: dict[_Key, _Found] = defaultdict(_Found)
        self._units = dict(columns.units)
        others = [other for other in source.tables if other is not table]
        for part in format_.table[1:]:
            if (there := part.find(others)) is not None:
                self._read_parts(part, *there)

    def result(self) -> ReadFile:
        rows = self._main.rows(self._columns.header, self._columns.wanted)
        first = list(islice(rows, _SAMPLE))
        numbers = _numbers(first, self._main)
        format_, alone = self._format, self._twice()
        way = Way(
            numbers=numbers,
            units=self._units,
            virtual=format_.virtual,
            key=format_.key,
            named_by=format_.named_by,
            ran=format_.ran,
        )
        tidy = _Tidy(self._columns)
        skips = [(skip, re.compile(skip.matches, re.IGNORECASE)) for skip in self._map.skip]
        for row in chain(first, rows):
            cells = tidy.cells(row.cells)
            where = f"{self._main.name}:{row.number}"
            for skip, pattern in skips:
                if _is_skipped(skip, pattern, cells, alone):
                    self._intake.skip(cells, where, skip.why)
                    self._parts_of(cells)
                    break
            else:
                self._take(cells, where, way)
        self._tell(tidy)
        return self._intake.result()

    def _take(self, cells: dict[str, str], where: str, way: Way) -> None:
        found = self._parts_of(cells)
        if found is None:
            self._intake.take(cells, where, way, _NO_PARTS)
        else:
            self._intake.take({**found.cells, **cells}, where, way, found.parts())

    def _parts_of(self, cells: dict[str, str]) -> _Found | None:
        """What the other tables have of a machine; each of it is given out once."""
        if not self._found:
            return None
        gathered = None
        for field in ("id", "name", "dns", "uuid"):
            if field in cells and (found := self._found.pop((field, cells[field]), None)) is not None:
                gathered = found if gathered is None else _both(gathered, found)
        return gathered

    def _read_parts(self, part: TableMap, table: Table, columns: Columns) -> None:
        rows = table.rows(columns.header, columns.wanted)
        first = list(islice(rows, _SAMPLE))
        numbers, tidy = _numbers(first, table), _Tidy(columns)
        self._units.update({k: v for k, v in columns.units.items() if part.rows == "more" and "~" not in k})
        for row in chain(first, rows):
            cells = tidy.cells(row.cells)
            field = next((field for field in part.join if field in cells), "")
            where = f"{table.name}:{row.number}"
            if not field:
                self._intake.orphan(f"row {row.number}", where, self._main.name)
                continue
            found = self._found[field, cells[field]]
            if not found.rows or part.rows in {"disks", "filesystems", "interfaces"}:
                found.rows.append((where, cells[field]))
            try:
                _TAKE[part.rows](found, cells, numbers, columns.units)
            except ValueError as exc:
                self._intake.part_left_out(cells[field], where, str(exc))
        for remark in table.remarks():
            self._intake.remark("PSE-I022", table.name, remark, _LOOK)

    def _twice(self) -> dict[str, set[str]]:
        """By field: the values of rows that no rule skips, where a rule asks for them."""
        fields = {skip.unless_alone for skip in self._map.skip if skip.unless_alone}
        found: dict[str, set[str]] = {field: set() for field in fields}
        if not fields:
            return found
        patterns = [(skip, re.compile(skip.matches, re.IGNORECASE)) for skip in self._map.skip]
        for row in self._main.rows(self._columns.header, self._columns.wanted):
            if not any(p.fullmatch(row.cells.get(s.field, "")) for s, p in patterns):
                for field in fields & row.cells.keys():
                    found[field].add(row.cells[field].casefold())
        return found

    def _tell(self, tidy: "_Tidy") -> None:
        for found in self._found.values():
            for where, subject in found.rows:
                self._intake.orphan(subject, where, self._main.name)
        main = self._main.name
        for remark in self._main.remarks():
            self._intake.remark("PSE-I022", main, remark, _LOOK)
        for field in self._columns.assumed:
            unit = self._map.units[field]
            if field in tidy.used:
                self._intake.remark("PSE-I023", main, f"{field} was taken for {unit}: nothing says its unit", _SAY)
        for field, count in tidy.without.items():
            self._intake.remark("PSE-I023", main, f"{field} of {count:,} rows has no unit, and was left blank", _SAY)


_NO_PARTS = Parts()
_LOOK = "Look at the file, and export it again if that matters."
_SAY = "Say the unit in a mapping file (docs/importing.md), and import again."


class _Tidy:
    """Cells of a row by field alone, and what is to be said about them in the end."""

    def __init__(self, columns: Columns) -> None:
        self._units = units = columns.units
        self._bare = {field for field, unit in units.items() if not unit}
        named = (ATTRIBUTE, TAG)
        self._also = {name for name in columns.wanted.values() if "~" in name and not name.startswith(named)}
        self.used: set[str] = set()
        self.without: dict[str, int] = defaultdict(int)
        self._unused = {field.partition("~")[0] for field in units}

    def cells(self, cells: dict[str, str]) -> dict[str, str]:
        for name in sorted(self._also & cells.keys()) if self._also else ():
            field = name.partition("~")[0]
            text = cells.pop(name)
            if field not in cells:
                unit = self._units.get(name, "")
                cells[field] = f"{text} {unit}b".replace(" bb", " b") if unit and _NUMBER.fullmatch(text) else text
        for field in self._bare & cells.keys() if self._bare else ():
            if _NUMBER.fullmatch(cells[field]):
                del cells[field]
                self.without[field] += 1
        if self._unused:
            self.used |= self._unused & cells.keys()
            self._unused -= self.used
        return cells


def _is_skipped(skip: Skip, pattern: re.Pattern[str], cells: dict[str, str], alone: dict[str, set[str]]) -> bool:
    if not pattern.fullmatch(cells.get(skip.field, "")):
        return False
    field = skip.unless_alone
    return not field or cells.get(field, "").casefold() in alone[field]


def _numbers(rows: Iterable[Row], table: Table) -> Numbers:
    measured = (
        text for row in rows for name, text in row.cells.items() if name in MEASURES or name.startswith("disk#")
    )
    return numbers_of(measured, continental=table.continental)


def _both(one: _Found, two: _Found) -> _Found:
    for field in ("disks", "filesystems", "nics", "tags", "rows"):
        getattr(one, field).extend(getattr(two, field))
    one.cells = {**two.cells, **one.cells}
    one.peaks = {**two.peaks, **one.peaks}
    one.points = one.points or two.points
    return one


def _size(cells: dict[str, str], field: str, numbers: Numbers, units: dict[str, str]) -> int | None:
    return math.ceil(numbers.mib(cells[field], units.get(field, ""))) if field in cells else None


def _disk(found: _Found, cells: dict[str, str], numbers: Numbers, units: dict[str, str]) -> None:
    size = _size(cells, "capacity", numbers, units)
    if size is None:
        raise ValueError("it has no capacity")
    used = _size(cells, "used", numbers, units)
    found.disks.append(Disk(server="", name=cells.get("disk", "disk"), size_mib=size, used_mib=used))


def _filesystem(found: _Found, cells: dict[str, str], numbers: Numbers, units: dict[str, str]) -> None:
    size, used = _size(cells, "capacity", numbers, units), _size(cells, "used", numbers, units)
    known = {one.mount for one in found.filesystems}
    if (mount := cells.get("mount", "/")) not in known:
        found.filesystems.append(Filesystem(server="", mount=mount, fstype="", size_mib=size, used_mib=used))


def _interface(found: _Found, cells: dict[str, str], _numbers: Numbers, _units: dict[str, str]) -> None:
    mac = next((mac for name, text in cells.items() if name.startswith("macs") for mac in macs(text)), "")
    known = {a for name, text in cells.items() if name.startswith("addresses") for a in addresses(text)}
    found.nics.append(Nic(server="", name=cells.get("nic", "interface"), mac=mac, addresses=tuple(sorted(known))))


def _tag(found: _Found, cells: dict[str, str], _numbers: Numbers, _units: dict[str, str]) -> None:
    if "key" in cells:
        found.tags.append(f"{cells['key']}={cells.get('value', '')}")


def _usage(found: _Found, cells: dict[str, str], numbers: Numbers, _units: dict[str, str]) -> None:
    found.points = found.points or Points()
    found.points.add(cells, numbers)
    for field in ("cpu_peak", "memory_peak"):
        if field in cells:
            value = numbers.number(cells[field].rstrip("% ")) / 100
            found.peaks[field] = min(max(value, found.peaks.get(field, 0.0)), 1.0)


def _more(found: _Found, cells: dict[str, str], _numbers: Numbers, _units: dict[str, str]) -> None:
    found.cells = {**cells, **found.cells}


_TAKE = {
    "disks": _disk,
    "filesystems": _filesystem,
    "interfaces": _interface,
    "tags": _tag,
    "usage": _usage,
    "more": _more,
}
