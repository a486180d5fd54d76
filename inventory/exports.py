"""Tables of an estate as files for other tools: JSON, CSV, Parquet and xlsx."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from inventory.estate import Estate
from inventory.listing import listed
from pse.core import canonical
from pse.core.documents.snapshot import TABLES
from pse.core.errors import BadInput
from pse.core.text import csv_cell, json_safe, printable

if TYPE_CHECKING:
    import pyarrow as pa

LISTED = "list"
"""The list of servers as `pse inventory list` has it; the other tables are those of a snapshot."""
NAMES = (LISTED, *TABLES)
_MOST_ROWS = 1_048_575
"""Rows that a sheet of xlsx holds below its head. Source: Excel specifications and limits."""
_Row = Mapping[str, object]


def export(estate: Estate, path: Path, table: str) -> int:
    """Write ``table`` of ``estate`` to ``path`` in the form that its ending names; xlsx takes all tables, one a sheet.

    No cell of a CSV or xlsx file is taken for a formula, and none holds control characters. Lists are written as one
    text with semicolons between. Parquet has the snapshot's own columns and types.

    Args:
        estate: What to write.
        path: Ends in ``.json``, ``.csv``, ``.parquet`` or ``.xlsx``.
        table: One of `NAMES`.

    Returns:
        Rows written.

    Raises:
        BadInput: The ending is none of these, the file is there already, or it cannot be written.
    """
    way = _WAYS.get(path.suffix.lower())
    if way is None:
        raise BadInput("the ending of the file names no form", where=str(path), hint=f"One of {', '.join(_WAYS)}.")
    if path.exists() or path.is_symlink():
        raise BadInput("there is such a file already", where=str(path), hint="Name another, or take it away first.")
    data, rows = way(estate, table)
    canonical.write_bytes(path, data)
    return rows


def _rows(estate: Estate, table: str) -> list[_Row]:
    rows: list[_Row] = msgspec.to_builtins(listed(estate) if table == LISTED else list(getattr(estate, table)))
    return rows


def _json(estate: Estate, table: str) -> tuple[bytes, int]:
    rows = _rows(estate, table)
    text = canonical.encode({"snapshot": estate.manifest.hash, "table": table, "items": rows}).decode()
    return json_safe(text).encode(), len(rows)


def _csv(estate: Estate, table: str) -> tuple[bytes, int]:
    rows = _rows(estate, table)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_columns(table))
    for row in rows:
        cells = ("" if value is None else _text(value) for value in row.values())
        writer.writerow([csv_cell(cell) for cell in cells])
    return text.getvalue().encode(), len(rows)


def _parquet(estate: Estate, table: str) -> tuple[bytes, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from inventory.tables import arrow_table

    made = _flat(_rows(estate, table)) if table == LISTED else arrow_table(getattr(estate, table), TABLES[table])
    sink = pa.BufferOutputStream()
    pq.write_table(made, sink)
    return sink.getvalue().to_pybytes(), made.num_rows


def _xlsx(estate: Estate, _table: str) -> tuple[bytes, int]:
    import xlsxwriter

    data, total = io.BytesIO(), 0
    # No text becomes a formula, a link or a number: a sheet shows what was found, and does nothing.
    book = xlsxwriter.Workbook(data, {"constant_memory": True})
    for name in (LISTED, *TABLES):
        rows = _rows(estate, name)
        if len(rows) > _MOST_ROWS:
            raise BadInput(
                f"{len(rows):,} {name} are more than a sheet holds", hint="Export the table as CSV or Parquet."
            )
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for number, cells in enumerate(({c: c for c in _columns(name)}, *rows)):
            for column, value in enumerate(cells.values()):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    sheet.write_number(number, column, value)
                elif value is not None:
                    sheet.write_string(number, column, _text(value))
        total += len(rows)
    book.close()
    return data.getvalue(), total


def _columns(table: str) -> tuple[str, ...]:
    from inventory.listing import Listed

    return (Listed if table == LISTED else TABLES[table]).__struct_fields__


def _flat(rows: Iterable[_Row]) -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_pylist(
        [{k: _text(v) if isinstance(v, list | tuple) else v for k, v in row.items()} for row in rows]
    )


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(_text(one) for one in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={_text(one)}" for name, one in value.items() if one is not None)
    return printable(str(value))


_WAYS: Mapping[str, Callable[[Estate, str], tuple[bytes, int]]] = {
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
}
