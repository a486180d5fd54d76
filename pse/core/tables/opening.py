"""Opens one file of tables by what it holds, whatever its name says."""

import os
import stat
from pathlib import Path

from pse.core.errors import BadInput
from pse.core.tables.csvfile import csv_file, encoding_of
from pse.core.tables.table import Table
from pse.core.tables.workbook import OLE, Workbook

_MIB = 1024**2
MOST_BYTES = 1024 * _MIB
"""Bytes of a file; a workbook of 100,000 servers has some 80 MiB."""
_HEAD = 4096


def opened(path: Path) -> tuple[Table, ...]:
    """The sheets of the workbook, or the one table of the CSV file, at ``path``.

    Raises:
        BadInput: It is neither, or cannot be read.
    """
    raw = head_of(path)
    if raw.startswith(b"PK\x03\x04"):
        return Workbook(path).sheets
    if encoding_of(raw):
        return (csv_file(path, path.stem),)
    raise BadInput(
        "empty" if not raw else "neither a workbook nor CSV", where=str(path), hint="Save it as .xlsx or CSV."
    )


def head_of(path: Path) -> bytes:
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
            raise BadInput(
                "not a plain file but a pipe, socket or device", where=str(path), hint="Name the exported file itself."
            )
        if status.st_size > MOST_BYTES:
            raise BadInput(
                f"{status.st_size // _MIB:,} MiB are more than the {MOST_BYTES // _MIB:,} MiB that a file may have",
                where=str(path),
                hint="Export fewer columns or sheets, or one file for each vCenter.",
            )
        raw = os.read(handle, _HEAD)
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror}", where=str(path)) from exc
    finally:
        os.close(handle)
    if raw.startswith(OLE):
        raise BadInput(
            "the workbook is encrypted, or of the old binary kind (.xls)",
            where=str(path),
            hint="Open it with its password and save it as a plain .xlsx.",
        )
    return raw
