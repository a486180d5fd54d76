"""Tables: what a workbook, a CSV file and a folder or zip of CSV files have in common for an importer."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

HEAD_ROWS = 20
"""Rows at the top of a table in which its column names may stand: titles, dates and remarks come before them."""

_OPTIONAL = re.compile(r"\(\s*optional\s*\)", re.IGNORECASE)
_NO_WORD = re.compile(r"[^\w%]+|_+")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its number as a spreadsheet shows it, and its cells that are not blank, by column."""

    number: int
    cells: dict[str, str]


class RawRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it stands: its number and its cells that are not blank, by index of the column from 0."""

    number: int
    cells: dict[int, str]


class Table(Protocol):
    """One sheet or one CSV file."""

    name: str
    """As the workbook or the file calls it."""
    file: str
    """Name of the file that it is in."""
    continental: bool | None
    """Numbers may be written ``1.024,5``; None when nothing says so."""

    def head(self) -> tuple[RawRow, ...]:
        """The first `HEAD_ROWS` rows that are not blank."""

    def rows(self, after: int, wanted: Mapping[int, str]) -> Iterator[Row]:
        """Rows below row ``after`` that are not blank in the ``wanted`` columns: index of the column to its name.

        Of two columns with one name the first one that is not blank counts.

        Raises:
            BadInput: The table is damaged.
        """

    def remarks(self) -> tuple[str, ...]:
        """What about the cells is worth saying once `rows` was read to its end."""


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """What one import reads.

    Attributes:
        path: The file or folder that was named.
        kind: ``workbook`` or ``csv``.
        tables: In the order of the workbook, or by name.
        files: The files that were opened.
    """

    path: Path
    kind: str
    tables: tuple[Table, ...]
    files: tuple[Path, ...]

    def named(self, name: str) -> Table | None:
        """The table of that name, capitals and blanks around it aside."""
        return next((t for t in self.tables if t.name.strip().casefold() == name.casefold()), None)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The row of column names: its number, and the names as written by index of the column."""

    number: int
    names: dict[int, str]


def heading(name: str) -> str:
    """A column name for comparing: case-folded words, without ``*``, ``(optional)``, dots, brackets and blanks."""
    return _NO_WORD.sub(" ", _OPTIONAL.sub(" ", name)).strip().casefold()


def header_of(table: Table, fits: Callable[[frozenset[str]], bool]) -> Header | None:
    """The first row of the head whose names, ready for comparing, ``fits`` says yes to."""
    for row in table.head():
        if fits(frozenset(heading(name) for name in row.cells.values())):
            return Header(number=row.number, names=row.cells)
    return None


def unique(names: Iterable[str]) -> frozenset[str]:
    """Names ready for comparing."""
    return frozenset(heading(name) for name in names)
