"""CSV files: encoding, delimiter and quotes found out from the first bytes, rows read as a stream."""

import codecs
import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from pse.core.errors import BadInput
from pse.core.tables.table import HEAD_ROWS, RawRow, Row
from pse.core.text import printable

_SAMPLE = 256 * 1024
_CELL = 1024 * 1024
"""Characters of one cell; a lost quote would take the rest of the file for one cell."""
_LINE = 4 * _CELL
_COLUMNS = 16_384
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = ",;\t|"
_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*$", re.IGNORECASE)


class CSVTable:
    """One CSV file, opened anew for each reading. See `pse.core.tables.table.Table`.

    Args:
        name: How findings call it.
        opened: Opens its bytes.
        where: The file, for errors.
        file: Name of the file that it is in.

    Raises:
        BadInput: It cannot be read, or is no text.
    """

    def __init__(self, name: str, opened: Callable[[], IO[bytes]], where: str, *, file: str) -> None:
        self.name = name
        self.file = file
        self._open = opened
        self._where = where
        try:
            with opened() as stream:
                raw = stream.read(_SAMPLE)
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as exc:
            raise BadInput(f"cannot be read: {printable(str(exc))[:200]}", where=where) from exc
        self._encoding = encoding_of(raw)
        if not self._encoding:
            raise BadInput("no text: it has control characters of a program's own format", where=where)
        text = raw.decode(self._encoding, "replace")
        self._delimiter = _delimiter(text)
        self.continental = True if self._delimiter == ";" else None
        self._replaced = 0
        self._head: tuple[RawRow, ...] | None = None

    def head(self) -> tuple[RawRow, ...]:
        """See `pse.core.tables.table.Table`."""
        if self._head is not None:
            return self._head
        found: list[RawRow] = []
        for number, cells in self._records():
            kept = {index: text for index, cell in enumerate(cells) if (text := cell.strip())}
            if kept:
                found.append(RawRow(number=number, cells=kept))
            if len(found) == HEAD_ROWS or number > 50 * HEAD_ROWS:
                break
        self._head = tuple(found)
        return self._head

    def rows(self, after: int, wanted: Mapping[int, str]) -> Iterator[Row]:
        """See `pse.core.tables.table.Table`."""
        columns = tuple(sorted(wanted.items()))
        again = len(set(wanted.values())) < len(columns)
        for number, cells in self._records():
            if number <= after or not cells:
                continue
            width = len(cells)
            found = {name: text for at, name in columns if at < width and (text := cells[at].strip())}
            if again:  # of two columns with one name the first one that is not blank counts
                for at, name in reversed(columns):
                    if at < width and (text := cells[at].strip()):
                        found[name] = text
            if found:
                yield Row(number=number, cells=found)

    def remarks(self) -> tuple[str, ...]:
        """See `pse.core.tables.table.Table`."""
        return (f"{self._replaced:,} lines have bytes that are no {self._encoding}",) if self._replaced else ()

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Records with their numbers; a row that cannot be read as CSV ends the file with an error."""
        csv.field_size_limit(_CELL)
        self._replaced = 0
        try:
            with self._open() as raw, io.TextIOWrapper(raw, self._encoding, "replace", newline="") as text:
                reader = csv.reader(self._clean(text), delimiter=self._delimiter)
                for number, cells in enumerate(reader, start=1):
                    if number == 1 and len(cells) <= 2 and _SEP_LINE.match(self._delimiter.join(cells)):
                        continue
                    if len(cells) > _COLUMNS:
                        raise BadInput(f"row {number} has more than {_COLUMNS:,} columns", where=self._where)
                    yield number, cells
        except csv.Error as exc:
            raise BadInput(
                f"no CSV that can be read: {printable(str(exc))}",
                where=self._where,
                hint="A quote that is never closed takes the rest of the file for one cell; export it again.",
            ) from exc
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, UnicodeError) as exc:
            raise BadInput(f"cannot be read: {printable(str(exc))[:200]}", where=self._where) from exc

    def _clean(self, text: io.TextIOWrapper) -> Iterator[str]:
        """Lines without NUL bytes, which no cell may hold; those with bytes of another encoding are counted."""
        while line := text.readline(_LINE + 1):
            if len(line) > _LINE:
                raise csv.Error("a line of more than 4 MiB")
            if "\ufffd" in line:
                self._replaced += 1
            yield line.replace("\0", "") if "\0" in line else line


def encoding_of(raw: bytes) -> str:
    """The encoding that the first bytes of a text file are in; empty when they are those of no text."""
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return name
    head = raw[:4096]
    if b"\0" in head:
        zeros = Counter(at % 2 for at, byte in enumerate(head) if byte == 0)
        if max(zeros.values()) > len(head) // 3:
            return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    if not raw or sum(byte < 9 or 13 < byte < 32 for byte in head) * 20 > len(head):
        return ""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(text: str) -> str:
    """The delimiter that splits most rows alike, quotes heeded; a line ``sep=;`` decides by itself."""
    lines = text.splitlines()[:200]
    if lines and (said := _SEP_LINE.match(lines[0])):
        return said[1]
    best, chosen = (0, 0), ","
    csv.field_size_limit(_CELL)
    for delimiter in _DELIMITERS:
        try:
            rows = [len(row) for row in csv.reader(io.StringIO(text[:65536].replace("\0", "")), delimiter=delimiter)]
        except csv.Error:
            continue
        widths = Counter(width for width in rows if width > 1)
        if widths:
            score, often = max(((width - 1) * often, often) for width, often in widths.items())
            if (score, often) > best:
                best, chosen = (score, often), delimiter
    return chosen


def csv_file(path: Path, name: str) -> CSVTable:
    """The CSV file at ``path``."""
    return CSVTable(name, lambda: path.open("rb"), str(path), file=path.name)
