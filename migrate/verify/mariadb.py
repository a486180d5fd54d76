"""MariaDB databases by content: rows counted and hashed table by table on each server, with what changes text pinned.

A row's hash is the first 64 bits of the MD5 of its columns' texts: strings and blobs by their own MD5, so that nothing
is longer than a packet may be (the server would say NULL for the whole row), numbers and times as text, floating point
as double. A table's is the sum of its rows', taken as an exact number in chunks of its key, so that it does not depend
on order, and a difference is named by the keys that it lies between.
"""

from collections.abc import Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec.structs import replace

from migrate.replicators.mariadb.server import Server, ident, literal
from migrate.verify import mariadb_shape
from migrate.verify import results as results_of
from pse.core.canonical import digest
from pse.core.documents.campaign import CheckResult

CHUNK = 100_000
"""Keys in a chunk."""
_SHOWN = 3
_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json")
_BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_SHAPES = ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon")
_WHOLE = ("tinyint", "smallint", "mediumint", "int", "bigint")

Contents = dict[str, dict[str, str]]
"""Table, as quoted names, to its chunks: each with row count, sum of hashes and rows that could not be hashed."""


def compare(
    subject: str,
    source: Server,
    target: Server,
    databases: Sequence[str],
    *,
    loaded: Mapping[str, Any] | None = None,
    shapes: bool = True,
    known: Contents | None = None,
    timeout_s: float = 3600.0,
) -> tuple[CheckResult, ...]:
    """Compare databases on two servers; both are read at the same time.

    Args:
        subject: Move id.
        source: Server at the source.
        target: Server at the target.
        databases: Their names on both.
        loaded: ``passed``: objects that the load left different without a change of meaning (`shape.as_loaded`);
            ``filled``: tables that held rows before anything was moved: two empty ends are not equal then.
        shapes: Compare accounts, too; not on the way back, where the new side may have changed them.
        known: Tables that were found equal before and are sure not to have been written since; they are not read.
        timeout_s: Seconds for each query.

    Returns:
        One result for the shape and one for accounts, one for the list of tables, one for each table with rows, and one
        for what sequences and automatic keys give next.

    Raises:
        SqlFailed: A query failed on a side.
    """
    with ThreadPoolExecutor(2) as pool:
        ends = [
            pool.submit(contents, server, databases, timeout_s=timeout_s, but=known or ())
            for server in (source, target)
        ]
        mine, theirs = mariadb_shape.shapes_of(source, target, databases)
        left, right = ({**end.result(), **(known or {})} for end in ends)
    noted = loaded or {"passed": {}, "filled": 0}
    about = f"{subject} {','.join(databases)}"
    if not shapes:
        mine, theirs = (
            {name: text for name, text in side.items() if not name.startswith(results_of.ABOUT_ROLES)}
            for side in (mine, theirs)
        )
    results = results_of.of_shapes(about, mine, theirs, noted["passed"])
    of_tables = results_of.of_tables(about, _totals(left, "source"), _totals(right, "target"), filled=noted["filled"])
    results += [_named(result, about, left, right, known or ()) for result in of_tables]
    counted = [mariadb_shape.counters(server, databases) for server in (source, target)]
    if any(counted):
        results.append(results_of.of_names(f"{about} counters", "what is given next", *counted))
    return tuple(results)


def filled_tables(server: Server, databases: Sequence[str]) -> int:
    """Tables that hold a row."""
    tables = server.rows(_tables(databases))
    looks = [f"(select 1 from {ident(one[0])}.{ident(one[1])} limit 1)" for one in tables]
    return len(server.rows(" union all ".join(looks))) if looks else 0


def contents(
    server: Server,
    databases: Sequence[str],
    *,
    timeout_s: float,
    but: Container[str] = (),
    place: list[str] | None = None,
) -> Contents:
    """Row counts and hashes of tables, in one snapshot: writers between two tables make no false picture.

    Args:
        server: Where.
        databases: Their names.
        timeout_s: Seconds for each query.
        but: Tables, as quoted names, that are not read.
        place: Takes the snapshot's place in the server's binary log: file and position.
    """
    columns: dict[tuple[str, str], list[str]] = {}
    keys: dict[tuple[str, str], str] = {}
    for database, table, column, kind, key in server.rows(_columns(databases), timeout_s=timeout_s):
        if f"{ident(database)}.{ident(table)}" in but:
            continue
        columns.setdefault((database, table), []).append(_text_of(ident(column), kind))
        if key == "1" and kind in _WHOLE:
            keys[database, table] = ident(column)
    found: Contents = {}
    asked = "set transaction isolation level repeatable read;\nstart transaction with consistent snapshot;\n"
    if place is not None:
        asked += "show status where variable_name in ('Binlog_snapshot_file', 'Binlog_snapshot_position');\n"
    for number, (name, texts) in enumerate(columns.items()):
        database, table = name
        found[f"{ident(database)}.{ident(table)}"] = {}
        chunk = f"{keys[name]} div {CHUNK}" if name in keys else "0"
        asked += (
            f"select {number}, chunk, count(*), coalesce(sum(cast(conv(left(h, 16), 16, 10) as decimal(20))), 0), "
            f"coalesce(sum(h is null), 0) from (select {chunk} as chunk, md5(concat_ws(',', {', '.join(texts)})) as h "
            f"from {ident(database)}.{ident(table)}) r group by chunk;\n"
        )
    names = list(found)
    for index, chunk, *words in server.rows(f"{asked}commit;\n", timeout_s=timeout_s) if names else []:
        if words:
            found[names[int(index)]][chunk] = " ".join(words)
        elif place is not None:
            place.append(chunk)
    return found


def _totals(found: Contents, end: str) -> dict[str, str]:
    """Row count and one digest a table; a row that could not be hashed makes it unlike everything."""
    totals = {}
    for table, chunks in found.items():
        count = sum(int(text.split()[0]) for text in chunks.values())
        blind = sum(int(text.split()[2]) for text in chunks.values())
        whole = digest("".join(f"{chunk} {chunks[chunk]}\n" for chunk in sorted(chunks)).encode())[:32]
        totals[table] = f"{count} {f'unhashed-at-{end}' if blind else whole if count else 0}"
    return totals


def _named(result: CheckResult, about: str, left: Contents, right: Contents, known: Container[str]) -> CheckResult:
    """Say between which keys two tables differ, or that they were read before the freeze."""
    table = result.subject.removeprefix(f"{about} ")
    if table in known:
        return replace(result, method=f"{result.method}, read before the freeze; not written since")
    mine, theirs = left.get(table, {}), right.get(table, {})
    if result.equal or len(mine.keys() | theirs.keys()) < 2:
        return result
    unlike = sorted(int(c) for c in mine.keys() | theirs.keys() if mine.get(c) != theirs.get(c))
    if not unlike:
        return result
    ranges = ", ".join(f"{chunk * CHUNK} to {(chunk + 1) * CHUNK - 1}" for chunk in unlike[:_SHOWN])
    more = f" and {len(unlike) - _SHOWN} more" if len(unlike) > _SHOWN else ""
    return replace(result, detail=f"rows differ, with keys {ranges}{more}")


def _tables(databases: Sequence[str]) -> str:
    return (
        "select table_schema, table_name from information_schema.tables where table_schema in "
        f"({', '.join(map(literal, databases))}) and table_type in ('BASE TABLE', 'SYSTEM VERSIONED') order by 1, 2"
    )


def _columns(databases: Sequence[str]) -> str:
    return f"""select c.table_schema, c.table_name, c.column_name, lower(c.data_type), coalesce(k.ordinal_position, 0)
from information_schema.columns c join ({_tables(databases)}) t on t.table_schema = c.table_schema and t.table_name =
c.table_name left join information_schema.key_column_usage k on k.table_schema = c.table_schema and k.table_name =
c.table_name and k.column_name = c.column_name and k.constraint_name = 'PRIMARY'
order by c.table_schema, c.table_name, binary c.column_name"""


def _text_of(column: str, kind: str) -> str:
    """SQL of a column's text in a row's; none of a type is like the mark of NULL."""
    if kind in _TEXTS or kind in _BYTES:
        text = f"md5({column})"
    elif kind in _SHAPES:
        text = f"concat(st_srid({column}), md5(st_aswkb({column})))"
    elif kind in ("enum", "set"):
        text = f"cast({column} + 0 as char)"
    elif kind in ("float", "double"):
        # A float's own text has six digits.
        text = f"cast({column} + 0e0 as char)"
    elif kind == "bit":
        text = f"hex({column})"
    else:
        text = f"cast({column} as char)"
    return f"ifnull({text}, '~')"
