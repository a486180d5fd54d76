"""Opens what was named: a workbook, a CSV file and those exported with it, a folder or zip of them, or JSON."""

import re
import shutil
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from inventory.importers.documents import is_json, read_documents
from inventory.importers.reading import Source
from pse.core.errors import BadInput
from pse.core.tables.archive import check_directory
from pse.core.tables.csvfile import CSVTable, csv_file, encoding_of
from pse.core.tables.opening import MOST_BYTES, head_of
from pse.core.tables.table import Table, Tables
from pse.core.tables.workbook import Workbook
from pse.core.text import printable

_MIB = 1024**2
_FILES = 5000
_RATIO = 500
_GOOGLE = "vmInfo|diskInfo|tagInfo|perfInfo"
_TABS = (
    "vInfo|vCPU|vMemory|vDisk|vPartition|vNetwork|vUSB|vCD|vFloppy|vSnapshot|vTools|vSource|vRP|vCluster|vHost|vHBA|vNIC"
    "|vSwitch|vPort|dvSwitch|dvPort|vSC_VMK|vDatastore|vMultiPath|vLicense|vFileInfo|vHealth|vMetaData|vPerformance"
)
_PARTED = re.compile(rf"(?P<before>.*?)(?:tab)?(?P<table>(?P<google>{_GOOGLE})|{_TABS})", re.DOTALL | re.IGNORECASE)
"""Names of files that stand beside others of the same export: ``RVTools_tabvInfo.csv``, ``vmInfo.csv``."""


def open_source(path: Path) -> Source:
    """Open ``path`` by what it holds.

    Raises:
        BadInput: It is nothing that can be read, or no kind of file that any importer takes.
    """
    if path.is_dir():
        return _folder(path)
    raw = head_of(path)
    if raw.startswith(b"PK\x03\x04"):
        return _zip(path)
    if is_json(raw):
        return read_documents(path, (path,))
    if encoding_of(raw):
        return _csv(path)
    raise BadInput(
        "empty" if not raw else "no workbook, no CSV and no JSON: nothing that can be imported",
        where=str(path),
        hint="Export it again as .xlsx, CSV or JSON.",
    )


def _zip(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            check_directory(file, str(path))
        with zipfile.ZipFile(path) as archive:
            names = [entry for entry in archive.namelist() if not entry.endswith("/")]
            sizes = sum(entry.file_size for entry in archive.infolist())
            packed = sum(entry.compress_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, EOFError) as exc:
        raise BadInput(
            "a zip file that cannot be read: it is damaged or cut off",
            where=str(path),
            hint="Export it again, and see that it was copied whole.",
        ) from exc
    if "[Content_Types].xml" in names or any(name.startswith("xl/") for name in names):
        return Tables(path=path, kind="workbook", tables=Workbook(path).sheets, files=(path,))
    members = sorted(name for name in names if name.lower().endswith((".csv", ".txt", ".tsv")))
    if sizes > MOST_BYTES or sizes > _MIB + _RATIO * packed:
        raise BadInput(
            f"it unpacks to more than {MOST_BYTES // _MIB:,} MiB, or is packed absurdly tight", where=str(path)
        )
    books = sorted(name for name in names if name.lower().endswith((".xlsx", ".xlsm")))
    if len(books) + bool(members) > 1 and books:
        shown = ", ".join(printable(name) for name in [*books, *members][:5])
        raise BadInput(
            f"a zip file of several things to import: {shown}",
            where=str(path),
            hint="Unpack it, and import each by itself: of two it would not be said which one counts.",
        )
    if books:
        return _packed_workbook(path, books[0])
    if not members or len(members) > _FILES:
        raise BadInput(
            "a zip file without a workbook or CSV files that can be read",
            where=str(path),
            hint="Unpack it, and import the file of the servers.",
        )
    tables: list[Table] = []
    for member in members:
        opened = _member(path, member)
        try:
            tables.append(
                CSVTable(_table_name(Path(member).stem), opened, f"{path}: {printable(member)}", file=path.name)
            )
        except BadInput:
            continue
    return Tables(path=path, kind="csv", tables=tuple(tables), files=(path,))


def _packed_workbook(path: Path, member: str) -> Source:
    """The one workbook in a zip file, unpacked for as long as somebody reads it.

    What it may unpack to was looked at before; what is inside is held to the bounds of any workbook.
    """
    where = f"{path}: {printable(member)}"
    folder = Path(tempfile.mkdtemp(prefix="pse-import-"))
    book = folder / (PurePosixPath(member.replace("\\", "/")).name or "workbook.xlsx")
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as packed, book.open("xb") as file:
            shutil.copyfileobj(packed, file, _MIB)
        workbook = Workbook(book)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, zlib.error) as exc:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadInput(f"cannot be unpacked: {printable(str(exc))[:200]}", where=where) from exc
    except BadInput as exc:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadInput(exc.message, where=where, hint=exc.hint) from exc
    weakref.finalize(workbook, shutil.rmtree, folder, ignore_errors=True)  # its sheets hold it for as long as they live
    return Tables(path=path, kind="workbook", tables=workbook.sheets, files=(path,))


def _member(path: Path, member: str) -> Callable[[], IO[bytes]]:
    return lambda: zipfile.ZipFile(path).open(member)


def _csv(path: Path) -> Tables:
    """The file, and those beside it that the same export wrote."""
    tables: list[Table] = []
    files = []
    for file in (path, *_beside(path)):
        if file == path or encoding_of(_quiet_head(file)):
            tables.append(csv_file(file, _table_name(file.stem)))
            files.append(file)
    return Tables(path=path, kind="csv", tables=tuple(tables), files=tuple(files))


def _beside(path: Path) -> Iterable[Path]:
    said = _PARTED.fullmatch(path.stem)
    if said is None:
        return ()
    found = []
    try:
        others = sorted(path.parent.iterdir())
    except OSError:
        return ()
    for other in others:
        if other == path or other.suffix.lower() != path.suffix.lower() or not other.is_file():
            continue
        its = _PARTED.fullmatch(other.stem)
        same = its is not None and its["before"].casefold() == said["before"].casefold()
        if its is not None and same and (its["google"] is None) == (said["google"] is None):
            found.append(other)
    return found[:_FILES]


def _quiet_head(path: Path) -> bytes:
    try:
        return head_of(path)
    except BadInput:
        return b""


def _table_name(stem: str) -> str:
    said = _PARTED.fullmatch(stem)
    return said["table"] if said else stem


def _folder(path: Path) -> Source:
    try:
        files = sorted(f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))[: _FILES * 20]
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror}", where=str(path)) from exc
    tables = [f for f in files if f.suffix.lower() == ".csv"]
    if tables:
        read = tuple(csv_file(f, _table_name(f.stem)) for f in tables[:_FILES] if encoding_of(_quiet_head(f)))
        return Tables(path=path, kind="csv", tables=read, files=tuple(tables))
    facts = tuple(f for f in files if is_json(_quiet_head(f)))
    if not facts:
        raise BadInput(
            "a folder without CSV or JSON files", where=str(path), hint="Name the exported file, or its folder."
        )
    return read_documents(path, facts)
