"""xlsx workbooks, read as a stream: what a sheet claims reserves nothing, and a far cell costs what its bytes cost."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from posixpath import join, normpath
from typing import IO
from xml.etree import ElementTree as ET

from pse.core.errors import BadInput
from pse.core.tables.archive import check_directory
from pse.core.tables.sheet import BLOCK, Opener, Sheet, rich_text, unescaped
from pse.core.text import printable

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""First bytes of an OLE file: an encrypted workbook, or one from before 2007."""

_MOST_BYTES = 4 * 1024**3
_RATIO = 1000
_SMALL = 8 * 1024 * 1024
"""Bytes of a part that only names things: the list of sheets and their files."""
_STRING_BYTES = 384 * 1024 * 1024
_STRINGS = 6_000_000
_SHEETS = 1000
_ITEM = re.compile(rb"<(?:\w+:)?si(?:\s[^>]*)?(?:/>|>(.*?)</(?:\w+:)?si>)", re.DOTALL)


class Workbook:
    """An open workbook.

    Args:
        path: The file.

    Raises:
        BadInput: Encrypted, no workbook, damaged, or claiming absurd sizes.
    """

    def __init__(self, path: Path) -> None:
        """Check what the file claims, and read the names of its sheets."""
        self._path = path
        self._strings: list[str] | None = None
        self._strings_part = ""
        with _readable(path) as archive:
            _check(archive, str(path))
            parts = set(archive.namelist())
            main = self._related(archive, "", "officeDocument")
            book = main[0] if main else "xl/workbook.xml"
            if book.endswith(".bin"):
                raise BadInput(
                    "a workbook of the binary kind (.xlsb)", where=str(path), hint="Save it as a plain .xlsx."
                )
            if book not in parts:
                raise BadInput("a zip file, but no workbook", where=str(path))
            strings = self._related(archive, book, "sharedStrings")
            self._strings_part = strings[0] if strings and strings[0] in parts else ""
            targets = {rid: part for rid, kind, part in self._relations(archive, book) if kind == "worksheet"}
            found = []
            for element in self._xml(archive, book).iter():
                if element.tag.rpartition("}")[2] == "sheet":
                    rid = next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == "id"), "")
                    if targets.get(rid) in parts:
                        found.append((element.attrib.get("name", ""), targets[rid]))
        if len(found) > _SHEETS:
            raise BadInput(f"more than {_SHEETS:,} sheets", where=str(path))
        self.sheets = tuple(Sheet(name, self._opener(part), self._texts, path) for name, part in found)

    def _opener(self, part: str) -> Opener:
        @contextmanager
        def opened() -> Iterator[IO[bytes]]:
            with _readable(self._path) as archive, archive.open(part) as file:
                yield file

        return opened

    def _texts(self) -> list[str]:
        if self._strings is None:
            self._strings = self._load_strings()
        return self._strings

    def _load_strings(self) -> list[str]:
        found: list[str] = []
        if not self._strings_part:
            return found
        with _readable(self._path) as archive, archive.open(self._strings_part) as file:
            tail, total = b"", 0
            while block := file.read(BLOCK):
                total += len(block)
                if total > _STRING_BYTES:
                    raise BadInput("the workbook's texts take more than 384 MiB", where=str(self._path))
                data = tail + block
                cut = data.rfind(b"</si>") + 5
                if cut == 4:
                    cut = max(data.rfind(b":si>") + 4, 0) if data.rfind(b":si>") >= 0 else 0
                tail = data[cut:]
                if len(tail) > 16 * BLOCK:
                    raise BadInput("one text of the workbook takes more than 16 MiB", where=str(self._path))
                found += _items(data[:cut])
                if len(found) > _STRINGS:
                    raise BadInput(f"the workbook has more than {_STRINGS:,} texts", where=str(self._path))
        return found

    def _relations(self, archive: zipfile.ZipFile, part: str) -> list[tuple[str, str, str]]:
        folder, _, name = part.rpartition("/")
        path = join(folder, "_rels", f"{name}.rels")
        if path not in archive.namelist():
            return []
        found = []
        for element in self._xml(archive, path).iter():
            target, kind = element.attrib.get("Target", ""), element.attrib.get("Type", "").rpartition("/")[2]
            if target and element.attrib.get("TargetMode") != "External":
                full = target.lstrip("/") if target.startswith("/") else normpath(join(folder, target))
                found.append((element.attrib.get("Id", ""), kind, full))
        return found

    def _related(self, archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
        return [target for _, name, target in self._relations(archive, part) if name == kind]

    def _xml(self, archive: zipfile.ZipFile, part: str) -> ET.Element:
        if archive.getinfo(part).file_size > _SMALL:
            raise BadInput(f"{printable(part)} is larger than any list of sheets", where=str(self._path))
        raw = archive.read(part)
        if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
            raise BadInput(f"{printable(part)} defines entities of its own", where=str(self._path))
        try:
            return ET.fromstring(raw)  # noqa: S314 - bounded, and without entities
        except (ET.ParseError, ValueError, LookupError) as exc:
            raise BadInput(f"not a workbook that can be read: {words(exc)}", where=str(self._path)) from exc


def _items(data: bytes) -> list[str]:
    """The texts in whole ``<si>`` elements; where each is one plain run, they are found by cutting alone."""
    start, end = data.find(b"<si><t>"), data.rfind(b"</t></si>")
    if 0 <= start < end:
        whole = data[start + 7 : end]
        texts = whole.split(b"</t></si><si><t>")
        if whole.count(b"<") == 4 * (len(texts) - 1) and b"<si" not in data[:start]:
            return [text.strip() for text in map(unescaped, texts)]
    return [_item(item).strip() for item in _ITEM.findall(data)]


def _item(raw: bytes) -> str:
    if raw.startswith(b"<t>") and raw.find(b"<", 3) == len(raw) - 4:
        return unescaped(raw[3:-4])
    return rich_text(raw)


@contextmanager
def _readable(path: Path) -> Iterator[zipfile.ZipFile]:
    """The open archive; what is wrong with it is bad input, whenever it shows.

    Raises:
        BadInput: Encrypted, damaged or cut off.
    """
    try:
        with path.open("rb") as file:
            if file.read(8) == OLE:
                raise BadInput(
                    "the workbook is encrypted, or of the old binary kind (.xls)",
                    where=str(path),
                    hint="Open it with its password and save it as a plain .xlsx.",
                )
            check_directory(file, str(path))
            with zipfile.ZipFile(file) as archive:
                yield archive
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror or exc}", where=str(path)) from exc
    except IndexError as exc:
        raise BadInput("a cell names a text that the workbook lacks", where=str(path)) from exc
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        RuntimeError,
        KeyError,
        UnicodeError,
        ValueError,
        zlib.error,
    ) as exc:
        raise BadInput(f"not a workbook that can be read: {words(exc)}", where=str(path)) from exc


def _check(archive: zipfile.ZipFile, where: str) -> None:
    parts = archive.infolist()
    if sum(p.file_size for p in parts) > _MOST_BYTES:
        raise BadInput("it unpacks to more than 4 GiB", where=where, hint="Split the export.")
    for part in parts:
        if part.file_size > BLOCK and part.file_size > _RATIO * max(1, part.compress_size):
            raise BadInput(f"{printable(part.filename)} is packed absurdly tight", where=where)


def words(exc: BaseException) -> str:
    """What a library says, for a message."""
    return printable(str(exc).split("\n", maxsplit=1)[0])[:200]
