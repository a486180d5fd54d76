"""Rows of documents as Parquet tables, and back.

A table of a whole estate has a million rows and few distinct texts. It is read column by column and a few rows at a
time, so that a text that stands in many rows is in memory once, and the rows as Arrow has them never all at once.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T", bound=msgspec.Struct)
_ROW = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_WRITTEN = 10_000
_READ = 50_000
"""Rows that are in memory twice while they are written or read."""


def arrow_table(rows: Iterable[msgspec.Struct], kind: type[msgspec.Struct]) -> "pa.Table":
    """``rows`` of ``kind`` with its fields as columns.

    By way of JSON, because Arrow looks at lists of Python's own objects with pandas where that is installed, whose
    import alone takes longer than all the rest.
    """
    import pyarrow as pa
    import pyarrow.json as pj

    hints = get_type_hints(kind)
    schema = pa.schema([pa.field(name, _column(hints[name])) for name in kind.__struct_fields__])
    wanted = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    tables, every = [], list(rows)
    for start in range(0, len(every), _WRITTEN):
        text = _ROW.encode_lines(every[start : start + _WRITTEN])
        whole = pj.ReadOptions(use_threads=False, block_size=len(text) + 1)
        tables.append(pj.read_json(pa.BufferReader(text), read_options=whole, parse_options=wanted))
    return pa.concat_tables(tables) if tables else pa.Table.from_batches([], schema)


def read_rows(path: Path, kind: type[T]) -> Iterator[T]:
    """The rows of ``kind`` in the Parquet file at ``path``, in its order.

    Raises:
        OSError: It cannot be read.
        pyarrow.ArrowException: It is no Parquet file.
        msgspec.ValidationError: A row is not a ``kind``.
    """
    import pyarrow as pa
    from pyarrow import parquet as pq

    with pq.ParquetFile(path) as file:
        texts = [field.name for field in file.schema_arrow if field.type == pa.string()]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        for batch in file.iter_batches(_READ):
            names = batch.schema.names
            rows = zip(*(_values(column) for column in batch.columns), strict=True)
            yield from msgspec.convert([dict(zip(names, row, strict=True)) for row in rows], list[kind])  # type: ignore[valid-type]  # the type is data here


def _values(column: "pa.Array") -> list[Any]:
    """What is in ``column``; equal texts are one object."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        texts = [*column.dictionary.to_pylist(), None]
        return [texts[at] for at in _numbers(column.indices.fill_null(len(texts) - 1), "i")]
    if column.type == pa.int64() and not column.null_count:
        return _numbers(column, "q")
    values: list[Any] = column.to_pylist()
    return values


def _numbers(column: "pa.Array", code: str) -> list[int]:
    """The numbers of ``column``, which lacks none, straight from its memory; ``code`` is their kind in `struct`."""
    data = memoryview(column.buffers()[1]).cast("b").cast(code)  # type: ignore[call-overload]  # a code of `struct`
    numbers: list[int] = data[column.offset : column.offset + len(column)].tolist()
    return numbers


def _column(hint: Any) -> "pa.DataType":
    import pyarrow as pa

    if get_origin(hint) in {Union, UnionType}:
        return _column(next(arg for arg in get_args(hint) if arg is not type(None)))
    if get_origin(hint) is tuple:
        return pa.list_(pa.string())
    return {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}[hint]
