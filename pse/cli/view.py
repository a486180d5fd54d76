"""What a verb shows: data for ``--json`` and blocks of text and tables for people, made from the same documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pse.core.text import printable

if TYPE_CHECKING:
    from pse.core.findings import Finding


class Lines(str):
    """A cell of several lines, each made safe by itself: only these line feeds are ours."""

    __slots__ = ()

    def __new__(cls, parts: Iterable[str]) -> Self:
        """Put ``parts`` under each other."""
        return super().__new__(cls, "\n".join(printable(part) for part in parts))


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        title: Line above it.
        columns: Headings; one that begins with ``>`` is a column of numbers, set to the right.
        rows: Cells as text, made safe when they are shown; `Lines` where a cell has several.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class View:
    """What a verb gives back.

    Attributes:
        data: The one object of ``--json``; documents inside are written as they are, lists stand under ``items``.
        blocks: Lines and tables for people.
        findings: Below the blocks, the worst first; counted for ``--fail-on``; part of the object under ``findings``.
        refused: Workloads that the plan refused; any makes the exit code 1.
        also: What ``refused`` counts as findings, which the blocks say in their own words: for files of findings.
        subjects: What was looked at, whether there are findings of it or not: for files of findings.
        first: Codes of findings that are shown before worse ones, because they are about what the user just did.
    """

    data: Mapping[str, object]
    blocks: tuple[str | Grid, ...] = ()
    findings: tuple["Finding", ...] = field(default=())
    refused: int = 0
    first: frozenset[str] = frozenset()
    also: tuple["Finding", ...] = ()
    subjects: tuple[str, ...] = ()


def grid(title: str, columns: str, rows: Iterable[Iterable[object]]) -> Grid:
    """A table from ``columns`` divided by ``|`` and rows of anything; None is shown as a dash."""
    return Grid(
        title,
        tuple(columns.split("|")),
        tuple(
            tuple("–" if cell is None else cell if isinstance(cell, Lines) else str(cell) for cell in row)
            for row in rows
        ),
    )
