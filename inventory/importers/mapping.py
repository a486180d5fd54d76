"""Mapping files: which column of which table is what, as data. All formats but RVTools and JSON are such files.

The same document describes a format that comes with the project (`inventory/importers/formats/`) and a site's own list
(`pse import FILE --mapping MAPPING`); `docs/importing.md` explains it.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

import msgspec

from inventory.importers.alike import ATTRIBUTE, TAG
from inventory.importers.measured import FIELDS, SUMS
from inventory.importers.values import unit_of
from pse.core.errors import BadInput
from pse.core.tables.table import Header, Table, header_of, heading, unique
from pse.core.text import printable

SIZES = frozenset({"memory", "disk_total", "disk_capacity", "disk_used", "capacity", "used", "memory_used_peak"})
"""Fields that hold a size; so do ``disk#1``, ``disk#2`` …"""
MANY = frozenset({"addresses", "macs", "tags"}) | SUMS
"""Fields of which every column counts; of the others the first alias that is not blank."""
_FIELDS = frozenset(
    (
        *SIZES,
        *(
            "name",
            "dns",
            "id",
            "external",
            "vcenter",
            "uuid",
            "bios_uuid",
            "serial",
            "addresses",
            "macs",
            "os",
            "os_also",
        ),
        *("os_version", "kernel", "architecture", "vcpus", "sockets", "cores", "power", "template", "virtual"),
        *("physical", "is_virtual", "disks_known", "tags", "class"),
        *("disk", "mount", "nic", "key", "value", "time"),
        *FIELDS,
    )
)
_UNIT = re.compile(r"^(.*?)(?: ?\bin)? ?((?:[kmgtp]i?b|bytes))$")
_UNITS = r"(?: ?\bin)?(?: ?(?:[kmgtp]i?b|bytes))?"
_TABLES = {"machines", "disks", "interfaces", "filesystems", "tags", "usage", "more"}


class Skip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that are no servers.

    Attributes:
        field: Field to look at.
        matches: Regular expression that has to match all of the cell, capitals aside.
        why: The reason that the finding gives.
        unless_alone: Skip such a row only when another row has the same value in this field.
    """

    field: str
    matches: str
    why: str
    unless_alone: str = ""


class TableMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One table of a format.

    Attributes:
        columns: Column name, or several of which the first that is not blank counts, by field. A ``*`` in both stands
            for a number.
        rows: What a row is: ``machines``, or a part of one: ``disks``, ``interfaces``, ``filesystems``, ``tags``,
            ``usage`` (its highest value counts) or ``more`` (more fields of the machine).
        sheet: Name of the sheet, ``*`` for any letters; empty for any.
        header_row: Number of the row with the names; 0 to look for it.
        needs: Fields that have to be there.
        any_of: Of each list one field has to be there.
        never: Columns that only tables of another kind have.
        units: Unit of a size whose column and cells name none.
        assumed: Fields whose unit in ``units`` is a guess that has to be said.
        join: For parts: fields that find the machine, the surest first.
        ignore: Columns that are not kept as attributes, ``*`` for any letters.
        skip: Rows that are no servers.
    """

    columns: dict[str, str | tuple[str, ...]]
    rows: str = "machines"
    sheet: str = "*"
    header_row: int = 0
    needs: tuple[str, ...] = ("name",)
    any_of: tuple[tuple[str, ...], ...] = ()
    never: tuple[str, ...] = ()
    units: dict[str, str] = {}
    assumed: tuple[str, ...] = ()
    join: tuple[str, ...] = ("id", "name")
    ignore: tuple[str, ...] = ()
    skip: tuple[Skip, ...] = ()

    def find(self, tables: Iterable[Table]) -> "tuple[Table, Columns] | None":
        """The first of ``tables`` that is this one, with its columns."""
        for table in tables:
            if not fnmatchcase(table.name.strip().casefold(), self.sheet.casefold()):
                continue
            header = self._header(table)
            if header is not None:
                return table, self.columns_of(header)
        return None

    def columns_of(self, header: Header) -> "Columns":
        """What the columns under ``header`` are."""
        wanted: dict[int, str] = {}
        units: dict[str, str] = {}
        assumed = []
        count = dict.fromkeys(MANY, 0)
        for index, written in sorted(header.names.items()):
            field, rank = self.field_of(heading(written))
            if not field:
                if self.rows in {"machines", "more"} and not self._ignored(heading(written)):
                    wanted[index] = ATTRIBUTE + " ".join(written.split())
                continue
            if field in MANY:
                count[field] += 1
                wanted[index] = f"{field}#{count[field]}"
                continue
            wanted[index] = f"{field}~{rank}" if rank and not field.startswith(TAG) else field
            if field in SIZES or field.startswith("disk#"):
                said = _unit_in(heading(written))
                units[wanted[index]] = said or self._default_unit(field)
                if field in self.assumed and not said:
                    assumed.append(field)
        return Columns(header=header.number, wanted=wanted, units=units, assumed=tuple(assumed))

    def field_of(self, name: str) -> tuple[str, int]:
        """The field that a column name, ready for comparing, stands for, and the rank of the alias."""
        exact, bare, patterns = self._aliases
        if name in exact:
            return exact[name]
        if (without := _UNIT.fullmatch(name)) and without[1] in bare:
            return bare[without[1]]
        for pattern, field in patterns:
            if said := pattern.fullmatch(name):
                return field.replace("*", said[1].lstrip("0") or "0"), 0
        return "", 0

    def _header(self, table: Table) -> Header | None:
        if self.header_row:
            return next(
                (Header(number=r.number, names=r.cells) for r in table.head() if r.number == self.header_row), None
            )
        return header_of(table, self._fits)

    def _fits(self, names: frozenset[str]) -> bool:
        if not names.isdisjoint(unique(self.never)):
            return False
        fields = {self.field_of(name)[0] for name in names}
        return fields.issuperset(self.needs) and all(fields.intersection(some) for some in self.any_of)

    def _ignored(self, name: str) -> bool:
        return any(pattern.fullmatch(name) for pattern in self._ignore)

    def _default_unit(self, field: str) -> str:
        return unit_of(self.units.get("disk#*" if field.startswith("disk#") else field, ""))

    @cached_property
    def _ignore(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(".*".join(re.escape(heading(p)) for p in name.split("*"))) for name in self.ignore)

    @cached_property
    def _aliases(
        self,
    ) -> tuple[dict[str, tuple[str, int]], dict[str, tuple[str, int]], list[tuple[re.Pattern[str], str]]]:
        exact: dict[str, tuple[str, int]] = {}
        bare: dict[str, tuple[str, int]] = {}
        patterns = []
        for field, said in self.columns.items():
            for rank, alias in enumerate((said,) if isinstance(said, str) else said):
                if "*" in field:
                    before, _, after = alias.partition("*")
                    without = _UNIT.fullmatch(heading(after))
                    after = re.escape(without[1] if without else heading(after))
                    patterns.append((re.compile(rf"{re.escape(heading(before))} ?(\d{{1,3}}) ?{after}{_UNITS}"), field))
                    continue
                name = heading(alias)
                exact.setdefault(name, (field, rank))
                if field in SIZES:
                    without = _UNIT.fullmatch(name)
                    bare.setdefault(without[1] if without else name, (field, rank))
        return exact, bare, patterns


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What the columns of one table are.

    Attributes:
        header: Number of the row with their names.
        wanted: Field by index of the column; ``FIELD~2`` for one that counts where those before it are blank.
        units: Key of `inventory.importers.values.UNITS` by field, empty for none.
        assumed: Fields whose unit is a guess that has to be said.
    """

    header: int
    wanted: dict[int, str]
    units: dict[str, str]
    assumed: tuple[str, ...] = ()


class Format(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file.

    Attributes:
        title: The kind of file in words.
        table: Its tables; the first is the one of machines.
        virtual: What the machines run on where a row says nothing.
        key: Fields that together tell the machines of a file apart.
        named_by: Fields that may give a machine its name, the best first.
        ran: A share of CPU above zero proves that the machine runs.
        hint: What to tell when the file has machines but something every such file lacks.
    """

    title: str
    table: tuple[TableMap, ...]
    virtual: str = ""
    key: tuple[str, ...] = ("vcenter", "id", "name", "dns", "addresses#1")
    named_by: tuple[str, ...] = ("name", "dns", "addresses")
    ran: bool = False
    hint: str = ""


def parse_format(text: str, *, where: str) -> Format:
    """A mapping file of ``text``.

    Raises:
        BadInput: It is no such file; the key that is wrong is named.
    """
    try:
        found = msgspec.convert(tomllib.loads(text), Format)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as exc:
        raise BadInput(f"no mapping file: {printable(str(exc))}", where=where, hint="See docs/importing.md.") from exc
    wrong = next(_wrong(found), "")
    if wrong:
        raise BadInput(f"no mapping file: {printable(wrong)}", where=where, hint="See docs/importing.md.")
    return found


def _wrong(found: Format) -> Iterator[str]:
    if not found.table or found.table[0].rows != "machines":
        yield "its first [[table]] has to be the one whose rows are machines"
    for table in found.table:
        if table.rows not in _TABLES:
            yield f"rows = {table.rows!r} is none of {', '.join(sorted(_TABLES))}"
        for field in table.columns:
            if field not in _FIELDS and not field.startswith((TAG, "disk#")):
                yield f"{field!r} is no field; fields are {', '.join(sorted(_FIELDS))}, disk#* and tag:NAME"
        for field, unit in table.units.items():
            if not unit_of(unit):
                yield f"the unit {unit!r} of {field} is none of KiB, MiB, GiB, TiB and bytes"
        for skip in table.skip:
            try:
                re.compile(skip.matches)
            except re.error as exc:
                yield f"{skip.matches!r} is no regular expression: {exc}"


@cache  # the file is part of the program and never changes while it runs
def shipped(name: str) -> Format:
    """The mapping file of a format that comes with the project."""
    path = resources.files("inventory.importers") / "formats" / f"{name}.toml"
    return parse_format(path.read_text("utf-8"), where=f"formats/{name}.toml")


def read_mapping(path: Path) -> Format:
    """The mapping file at ``path``.

    Raises:
        BadInput: It cannot be read, or is no such file.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(f"cannot be read: {printable(str(exc))}", where=str(path)) from exc
    return parse_format(text, where=str(path))


def _unit_in(name: str) -> str:
    said = _UNIT.fullmatch(name)
    return unit_of(said[2]) if said else ""
