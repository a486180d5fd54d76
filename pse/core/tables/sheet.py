"""One sheet of a workbook as a stream of rows: only the cells of wanted columns become text.

Cells as every common program writes them are found by a regular expression that is linear in the bytes; rows that are
written in another way (other attributes first, comments, CDATA) go to a real XML parser, one row at a time.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

from pse.core.errors import BadInput
from pse.core.tables.table import HEAD_ROWS, RawRow, Row
from pse.core.text import counted, printable

BLOCK = 1024 * 1024
_ROW_BYTES = 16 * BLOCK

_ROOT = re.compile(rb"<(?:(\w+):)?worksheet([^>]*)>")
_NUMBER = re.compile(rb"""\br=["'](\d{1,9})["']""")
_TYPE = re.compile(rb"""\bt=["'](\w+)["']""")
_TEXT = re.compile(rb"<(?:\w+:)?t(?:\s[^>]*)?>([^<]*)</(?:\w+:)?t>")
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]*)</(?:\w+:)?v>")
_PHONETIC = re.compile(rb"<(?:\w+:)?rPh[ >].*?</(?:\w+:)?rPh>", re.DOTALL)
_CDATA = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(\w+));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


class Sheet:
    """See `pse.core.tables.table.Table`.

    Args:
        name: As the workbook calls it.
        opened: Opens its XML.
        strings: The workbook's texts, by number.
        where: The file, for errors.
    """

    continental: bool | None = None

    def __init__(self, name: str, opened: Opener, strings: Callable[[], list[str]], where: Path) -> None:
        self.name = name
        self.file = where.name
        self._open = opened
        self._strings = strings
        self._where = str(where)
        self._head: tuple[RawRow, ...] | None = None
        self._formulas = 0
        self._outside: list[int] = []

    def head(self) -> tuple[RawRow, ...]:
        """See `pse.core.tables.table.Table`."""
        if self._head is None:
            found: list[RawRow] = []
            for number, cells in self._cells(None, 0):
                if cells:
                    found.append(RawRow(number=number, cells={_index(column): text for column, text in cells.items()}))
                if len(found) == HEAD_ROWS:
                    break
            self._head = tuple(found)
        return self._head

    def rows(self, after: int, wanted: Mapping[int, str]) -> Iterator[Row]:
        """See `pse.core.tables.table.Table`."""
        names = {_letters(index): name for index, name in wanted.items()}
        for number, cells in self._cells(names, after):
            if cells:
                yield Row(number=number, cells=cells)

    def remarks(self) -> tuple[str, ...]:
        """See `pse.core.tables.table.Table`."""
        found = []
        if self._formulas:
            found.append(f"{counted(self._formulas, 'formula')} without a stored value: taken for blank")
        if self._outside:
            rows = f"row {self._outside[0]:,}" if len(self._outside) == 1 else f"{len(self._outside):,} rows"
            found.append(f"{rows} with cells outside the columns that have a name: not read")
        return tuple(found)

    def _cells(self, names: Mapping[bytes, str] | None, after: int) -> Iterator[tuple[int, dict[str, str]]]:
        """Number and cells of each row below row ``after``, by name; by letters of the column without ``names``."""
        self._formulas, self._outside = 0, []
        if names is not None and not names:
            return
        with self._open() as file:
            prefix, spaces = self._root(file)
            pattern = _cell_pattern(prefix + b"c", names)
            reader = _Reader(names, self._strings())
            number = 0
            for rows, plain in self._rows(file, prefix):
                if plain and b"%sv" % prefix not in rows and b"is>" not in rows:  # formatted, and blank
                    number = self._last(rows, number, prefix)
                    continue
                for chunk in rows.split(b"<%srow" % prefix)[1:]:
                    attributes, _, body = chunk.partition(b">")
                    said = _NUMBER.search(attributes)
                    number = max(int(said[1]) if said else 0, number + 1)  # no two rows have one number
                    if number <= after:
                        continue
                    if plain:
                        cells = reader.plain(pattern.findall(body))
                    else:
                        cells = reader.odd(self._parsed(chunk, prefix, spaces, number))
                    if not cells and (b"v>" in body or b"is>" in body):
                        self._outside.append(number)
                    yield number, cells
            self._formulas = reader.formulas

    def _root(self, file: IO[bytes]) -> tuple[bytes, bytes]:
        """The prefix of element names, and the name spaces that the root declares."""
        start = file.read(64 * 1024)
        file.seek(0)
        if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"<!DOCTYPE" in start or b"<!ENTITY" in start:
            raise BadInput(f"the sheet {self.name} is not plain UTF-8 XML", where=self._where)
        root = _ROOT.search(start)
        if root is None:
            raise BadInput(f"the sheet {self.name} is no worksheet", where=self._where)
        return (root[1] + b":" if root[1] else b""), b" ".join(re.findall(rb"""xmlns[^\s=]*=["'][^"']*["']""", root[2]))

    def _rows(self, file: IO[bytes], prefix: bytes) -> Iterator[tuple[bytes, bool]]:
        """Whole rows, some at a time, and whether they are written in the common way."""
        start, cell, common = b"<%srow" % prefix, b"<%sc" % prefix, b'<%sc r="' % prefix
        end = b"</%ssheetData>" % prefix
        tail = b""
        while True:
            block = file.read(BLOCK)
            data = tail + block
            done = data.find(end, max(0, len(tail) - len(end))) if data else 0
            cut = done if done >= 0 else data.rfind(start)
            if not block:
                if done < 0 and data.strip():
                    raise BadInput(f"the sheet {self.name} is cut off", where=self._where)
                cut = len(data) if done < 0 else cut
            if cut > 0:
                first = max(data.find(start, 0, cut), 0)
                rows = data[first:cut]
                yield rows, rows.count(cell) == rows.count(common)
            if done >= 0 or not block:
                return
            tail = data[max(cut, 0) :]
            if len(tail) > _ROW_BYTES:
                raise BadInput(f"one row of the sheet {self.name} takes more than 16 MiB", where=self._where)

    def _last(self, rows: bytes, number: int, prefix: bytes) -> int:
        """The number of the last of ``rows``, all of them blank."""
        last = rows[rows.rfind(b"<%srow" % prefix) :].partition(b">")[0]
        said = _NUMBER.search(last)
        return max(int(said[1]) if said else 0, number + rows.count(b"<%srow" % prefix))

    def _parsed(self, chunk: bytes, prefix: bytes, spaces: bytes, number: int) -> ET.Element:
        whole = b"<%srow" % prefix + chunk
        cut = whole.rfind(b"</%srow>" % prefix)
        if cut >= 0:
            whole = whole[: cut + len(prefix) + 6]
        try:
            return ET.fromstring(b"<r %s>%s</r>" % (spaces, whole))  # noqa: S314 - no DTD can be in there
        except (ET.ParseError, ValueError) as exc:
            raise BadInput(
                f"row {number} of the sheet {self.name} is no XML: {printable(str(exc))}", where=self._where
            ) from exc


class _Kinds(dict[bytes, bytes]):
    """The kind of a cell by its attributes, of which a sheet has a few."""

    def __missing__(self, attributes: bytes) -> bytes:
        said = _TYPE.search(attributes)
        kind = said[1] if said else b"n"
        if len(self) < 10_000:
            self[attributes] = kind
        return kind


class _Reader:
    """Turns cells into text, and counts what is worth a remark."""

    def __init__(self, names: Mapping[bytes, str] | None, strings: list[str]) -> None:
        self._names = names
        self._strings = strings
        self._kinds = _Kinds()
        self.formulas = 0

    def plain(self, found: list[tuple[bytes, bytes, bytes, bytes]]) -> dict[str, str]:
        """Cells as the pattern finds them: column, attributes, plain value, other content."""
        cells: dict[str, str] = {}
        names, strings, kinds = self._names, self._strings, self._kinds
        for column, attributes, value, body in found:
            if value:
                kind = kinds[attributes]
                if kind == b"s":
                    text = strings[int(value)]
                elif kind == b"n":
                    text = value.decode("ascii", "replace")
                else:
                    text = self._text(kind, b"<v>%s</v>" % value)
            elif body:
                text = self._text(kinds[attributes], body)
            else:
                continue
            if text:
                name = column.decode() if names is None else names[column]
                if name not in cells:
                    cells[name] = text
        return cells

    def odd(self, parsed: ET.Element) -> dict[str, str]:
        """Cells of a row that a real parser read: any order of attributes, cells without a reference."""
        cells: dict[str, str] = {}
        at = -1
        for cell in parsed.iter():
            if cell.tag.rpartition("}")[2] != "c":
                continue
            letters = re.match(r"[A-Z]{1,3}", cell.attrib.get("r", ""))
            at = _index(letters[0]) if letters else at + 1
            raw = "".join(ET.tostring(child, "unicode") for child in cell).encode()
            text = self._text(cell.attrib.get("t", "n").encode(), re.sub(rb"\sxmlns:?\w*=\"[^\"]*\"", b"", raw))
            name = _letters(at).decode() if self._names is None else self._names.get(_letters(at), "")
            if text and name and name not in cells:
                cells[name] = text
        return cells

    def _text(self, kind: bytes, body: bytes) -> str:
        if b"<!" in body:
            body = _CDATA.sub(_escaped, body)
        if kind == b"inlineStr":
            return rich_text(body).strip()
        value = _VALUE.search(body)
        if value is None or not value[1]:
            self.formulas += body.startswith(b"<f") or b":f" in body
            return ""
        if kind == b"s":
            return self._strings[int(value[1])]
        text = unescaped(value[1]).strip()
        return ({"1": "True", "0": "False"}.get(text, text)) if kind == b"b" else text


def _cell_pattern(tag: bytes, names: Mapping[bytes, str] | None) -> re.Pattern[bytes]:
    """Matches cells of the wanted columns: column, attributes, plain value, or any other content."""
    grouped: dict[bytes, bytes] = {}
    for letters in names or ():
        grouped[letters[:-1]] = grouped.get(letters[:-1], b"") + letters[-1:]
    columns = b"|".join(b"%s[%s]" % item for item in grouped.items()) or b"[A-Z]{1,3}"
    other = b"[^<]*(?:<(?!/?%s[ >/])[^<]*)*" % tag
    return re.compile(b'<%s r="(%s)\\d+"([^>]*)>(?:<v>([^<]*)</v>|(%s))</%s>' % (tag, columns, other, tag))


def unescaped(raw: bytes) -> str:
    """The text of an XML element without children."""
    text = raw.decode("utf-8", "replace")
    return _ENTITY.sub(_character, text) if "&" in text else text


def rich_text(raw: bytes) -> str:
    """The text of an element with runs of text in it, readings for Japanese left out."""
    return "".join(unescaped(text) for text in _TEXT.findall(_PHONETIC.sub(b"", raw) if b"rPh" in raw else raw))


def _escaped(match: re.Match[bytes]) -> bytes:
    return match[1].replace(b"&", b"&amp;").replace(b"<", b"&lt;")


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED.get(match[3], match[0])
    code = int(match[1]) if match[1] else int(match[2], 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _index(letters: str) -> int:
    """The index of a column from 0."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def _letters(index: int) -> bytes:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters.encode()
