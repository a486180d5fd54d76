"""Importers: files of other tools, recognised by content, found by the entry point group ``pse.importers``."""

import os
import stat
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import msgspec

from inventory.estate import Estate
from pse.core.documents.snapshot import Sighting
from pse.core.errors import BadInput
from pse.core.findings import Finding
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace
from pse.core.text import printable

GROUP = "pse.importers"
_MIB = 1024**2
MOST_BYTES = 512 * _MIB
"""Bytes of a file; a workbook of 100,000 servers has some 30 MiB."""


class ReadFile(msgspec.Struct, frozen=True, kw_only=True):
    """What an importer read: ``rows`` = ``servers`` + ``templates`` + ``skipped``.

    Attributes:
        prefix: What the sources of all its sightings start with; an earlier import of the same file is replaced.
        rows: Rows of machines in the file; blank ones do not count.
        servers: Rows taken as servers.
        templates: Rows taken as templates.
        skipped: Rows left out; each has a finding with sheet and row.
        sightings: One a row taken.
        findings: About the file; those about a machine are in its sighting.
    """

    prefix: str
    rows: int
    servers: int
    templates: int
    skipped: int
    sightings: tuple[Sighting, ...]
    findings: tuple[Finding, ...] = ()


class Importer(Protocol):
    """Reads one kind of file."""

    def sniff(self, path: Path) -> bool:
        """Whether the content of ``path`` is of this kind; False, never an error, for anything else."""

    def read(self, path: Path) -> ReadFile:
        """Read ``path``.

        Raises:
            BadInput: The file as a whole cannot be used; what is wrong with one row is a finding.
        """


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did: ``rows`` = ``servers`` + ``templates`` + ``skipped``.

    Attributes:
        estate: All that is known now.
        importer: Name of the importer that knew the file.
        rows: Rows of machines in the file.
        servers: Rows taken as servers.
        templates: Rows taken as templates.
        skipped: Rows left out; each has a finding with sheet and row.
        findings: What was found out while reading, and about workloads by `inventory.groups.propose`.
    """

    estate: Estate
    importer: str
    rows: int
    servers: int
    templates: int
    skipped: int
    findings: tuple[Finding, ...] = ()


def import_file(workspace: Workspace, path: Path, *, progress: Progress = silent) -> Import:
    """Read ``path`` and write a new snapshot.

    Raises:
        BadInput: No importer knows the file, or it cannot be used; nothing was changed.
    """
    from inventory.groups import SAID
    from inventory.losses import TOLD
    from inventory.store import record

    progress(Event(step="import", state="start", subject=printable(path.name)))
    head = _head_of(path)
    name, importer = _importer_of(path, head)
    found = importer.read(path)
    progress(Event(step="import", state="update", subject=printable(path.name), done=found.rows, unit="rows"))
    estate = record(workspace, found.sightings, replaces=found.prefix, said=found.findings)
    progress(Event(step="import", state="done", subject=printable(path.name), done=found.rows, unit="rows"))
    own = tuple(f for s in found.sightings for f in s.findings)
    said = (f for f in estate.manifest.findings if f.code in SAID | TOLD)
    return Import(
        estate=estate,
        importer=name,
        rows=found.rows,
        servers=found.servers,
        templates=found.templates,
        skipped=found.skipped,
        findings=tuple(sorted({*found.findings, *own, *said})),
    )


def _head_of(path: Path) -> bytes:
    """The first bytes of a plain file of a sensible size; a pipe or a device would keep its reader for ever.

    Raises:
        BadInput: Anything else.
    """
    try:
        # Looked at through the open file; opening a pipe without this flag waits for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror}", where=str(path)) from exc
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
            raise BadInput(f"not a plain file but {what}", where=str(path), hint="Name the exported file itself.")
        if status.st_size > MOST_BYTES:
            raise BadInput(
                f"{status.st_size // _MIB:,} MiB are more than the {MOST_BYTES // _MIB:,} MiB that a file may have",
                where=str(path),
                hint="Export fewer columns or sheets, or one file for each vCenter.",
            )
        return os.read(handle, 8)
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror}", where=str(path)) from exc
    finally:
        os.close(handle)


def _importer_of(path: Path, head: bytes) -> tuple[str, Importer]:
    known = sorted(entry_points(group=GROUP), key=lambda e: e.name)
    for entry in known:
        importer: Importer = entry.load()()
        if importer.sniff(path):
            return entry.name, importer
    why, hint = _why_not(path, head)
    raise BadInput(
        why, where=str(path), hint=hint or f"Known kinds of files: {', '.join(entry.name for entry in known)}."
    )


def _why_not(path: Path, head: bytes) -> tuple[str, str]:
    """What the file is instead, and what to do when that is more than to name a known kind."""
    from inventory.importers.workbook import OLE, sheets_of

    if head == OLE:
        return "the workbook is encrypted, or of the old binary kind (.xls)", "Save it as a plain .xlsx."
    if not head.startswith(b"PK\x03\x04"):
        return "not a workbook, and no other kind of file that is known here", ""
    sheets = sheets_of(path)
    if sheets is None:
        return (
            "a zip file, but no workbook that can be read: it is damaged or cut off, or of another program",
            "Export it again, and see that it was copied whole.",
        )
    shown = ", ".join(printable(s) for s in sheets[:10])
    return f"a workbook without the sheet vInfo and its columns; its sheets are: {shown}", ""
