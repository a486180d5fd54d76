"""xlsx workbooks, read by sheet and column name with bounds on what they may claim."""

import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from pse.core.errors import BadInput
from pse.core.text import printable

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""First bytes of an OLE file: an encrypted workbook, or one from before 2007."""

_MOST_BYTES = 4 * 1024**3
_RATIO = 1000
_FAR = re.compile(rb"""\sr=["'](?:[A-Z]{3}\d+|[A-Z]{1,2}\d{7,})["']""")
"""A cell beyond column ZZ or row 999,999: readers reserve the whole rectangle up to it, terabytes of it."""
_BLOCK = 1024 * 1024


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its number as the spreadsheet shows it, and its cells that are not blank, by column."""

    number: int
    cells: dict[str, str]


def sheets_of(path: Path) -> tuple[str, ...] | None:
    """Names of the sheets; None when it is no workbook that can be read."""
    try:
        return Workbook(path).sheets
    except BadInput:
        return None


class Workbook:
    """An open workbook.

    Args:
        path: The file.

    Raises:
        BadInput: Encrypted, no workbook, damaged, or claiming absurd sizes.
    """

    def __init__(self, path: Path) -> None:
        """Check the file's claims, then open it."""
        import fastexcel

        self._where = str(path)
        _check(path)
        try:
            self._reader = fastexcel.read_excel(path)
        except fastexcel.FastExcelError as exc:
            raise BadInput(f"not a workbook that can be read: {_words(exc)}", where=self._where) from exc
        self.sheets: tuple[str, ...] = tuple(self._reader.sheet_names)

    def headers(self, sheet: str) -> tuple[str, ...]:
        """Column names of ``sheet`` as written; empty for a blank sheet.

        Raises:
            BadInput: No such sheet, or it is damaged.
        """
        import fastexcel

        try:
            names = self._reader.load_sheet(sheet, n_rows=0, dtypes="string").available_columns()
        except fastexcel.FastExcelError as exc:
            if "empty" in str(exc).lower() or "no data" in str(exc).lower():
                return ()
            raise BadInput(f"the sheet {sheet} cannot be read: {_words(exc)}", where=self._where) from exc
        return tuple(column.name for column in names)

    def rows(self, sheet: str, wanted: Callable[[str], str | None]) -> list[Row]:
        """Rows of ``sheet`` that are not blank.

        Args:
            sheet: Name of the sheet; its first row holds the column names.
            wanted: Column name as written to the name to use; None leaves the column out. Of two columns with one
                name the first one that is not blank counts.

        Raises:
            BadInput: The sheet is damaged.
        """
        import fastexcel

        names = {name: used for name in self.headers(sheet) if (used := wanted(name)) is not None}
        if not names:
            return []
        try:
            loaded = self._reader.load_sheet(sheet, dtypes="string", use_columns=list(names))
            columns: Mapping[str, list[str | None]] = loaded.to_arrow().to_pydict()
        except fastexcel.FastExcelError as exc:
            raise BadInput(f"the sheet {sheet} cannot be read: {_words(exc)}", where=self._where) from exc
        rows = []
        for index in range(max((len(values) for values in columns.values()), default=0)):
            cells: dict[str, str] = {}
            for name, values in columns.items():
                value = (values[index] or "").strip()
                if value and names[name] not in cells:
                    cells[names[name]] = value
            if cells:
                rows.append(Row(number=index + 2, cells=cells))
        return rows


def heading(name: str) -> str:
    """A column name for comparing: trimmed, case-folded, doubled blanks collapsed."""
    return " ".join(name.split()).casefold()


def _check(path: Path) -> None:
    where = str(path)
    try:
        with path.open("rb") as file:
            if file.read(8) == OLE:
                raise BadInput(
                    "the workbook is encrypted, or of the old binary kind (.xls)",
                    where=where,
                    hint="Open it with its password and save it as a plain .xlsx.",
                )
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(p.file_size for p in parts) > _MOST_BYTES:
                raise BadInput("it unpacks to more than 4 GiB", where=where, hint="Split the export.")
            for part in parts:
                if part.file_size > _BLOCK and part.file_size > _RATIO * max(1, part.compress_size):
                    raise BadInput(f"{printable(part.filename)} is packed absurdly tight", where=where)
                if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                    _scan(archive, part, where)
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror or exc}", where=where) from exc
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError, zlib.error) as exc:
        raise BadInput(f"not a workbook that can be read: {_words(exc)}", where=where) from exc


def _scan(archive: zipfile.ZipFile, part: zipfile.ZipInfo, where: str) -> None:
    with archive.open(part) as file:
        tail = b""
        while block := file.read(_BLOCK):
            if match := _FAR.search(tail + block):
                cell = match[0].decode("ascii", "replace").strip()
                raise BadInput(
                    f"{printable(part.filename)} has a cell far outside any table ({cell})",
                    where=where,
                    hint="Delete the empty rows and columns behind the data and save it again.",
                )
            tail = block[-32:]


def _words(exc: BaseException) -> str:
    return printable(str(exc).split("\n", maxsplit=1)[0])[:200]
