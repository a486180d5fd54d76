"""Databases by content: rows counted and hashed table by table on each server, with whatever changes text pinned.

A row's hash is the first 64 bits of ``md5(row::text)``, its columns ordered by name, for a dump orders those of an
inherited table anew; a table's is their sum, which does not depend on order, taken
as an exact numeric. Source: measured on PostgreSQL 15 and 18, which agree.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from migrate.replicators.postgresql.psql import Admin, ident, literal
from migrate.verify import postgresql_bulk as bulk
from migrate.verify import postgresql_shape as shape
from migrate.verify import results as results_of
from pse.core.documents.campaign import CheckResult

_PINNED = """set datestyle='ISO, MDY'; set timezone='UTC'; set intervalstyle='iso_8601'; set extra_float_digits=1;
set bytea_output='hex'; set lc_monetary='C'; set search_path=pg_catalog;
"""
# Each row begins with the part that it belongs to, so that one session gives all.
_CATALOG = """
union all select 'tables', n.nspname, c.relname, (select string_agg(format('r.%I', a.attname), ', ' order by
  a.attname::text collate "C") from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), ''
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all select 'sequences', format('%I.%I', n.nspname, c.relname),
  format('select ''sequences'', %L, last_value, is_called from %I.%I;', format('%I.%I', n.nspname, c.relname),
  n.nspname, c.relname), '', ''
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all select 'blobs', oid::text, md5(lo_get(oid)), '', '' from pg_largeobject_metadata
order by 1, 2, 3"""


def compare(  # noqa: PLR0913  (two ends of one database, and what is known of them)
    subject: str,
    source: Admin,
    target: Admin,
    database: str,
    *,
    passed: Mapping[str, str] | None = None,
    filled: int = 0,
    shapes: bool = True,
    ahead: tuple[bulk.Noted, bulk.Noted] | None = None,
    timeout_s: float = 3600.0,
) -> tuple[CheckResult, ...]:
    """Compare a database on two servers; both are read at the same time.

    Args:
        subject: Move id.
        source: Server at the source.
        target: Server at the target.
        database: Its name on both.
        passed: Objects that the load left different without a change of meaning (`shape.as_loaded`).
        filled: Tables that held rows before anything was moved: two empty ends are not equal then.
        shapes: Compare what is no row, too; not on the way back, where the new side may have changed it.
        ahead: What `read_ahead` gave for source and target.
        timeout_s: Seconds for each query.

    Returns:
        One result for the shape (see `shape.query`) and one for roles, one for the list of tables, one for each
        table with rows, and one for sequences and for large objects where a side has any.

    Raises:
        SqlFailed: A query failed on a side.
    """
    salt = shape.new_salt()
    with ThreadPoolExecutor(2) as pool:
        ends = [
            pool.submit(_read, admin, database, salt, timeout_s, known)
            for admin, known in zip((source, target), ahead or (None, None), strict=True)
        ]
        (mine, mine_rows, here), (theirs, their_rows, there) = (end.result() for end in ends)
    about = f"{subject} {database}"
    results = results_of.of_shapes(about, *shape.shapes(mine_rows, their_rows), passed or {}) if shapes else []
    methods = {**there, **here}
    results += results_of.of_tables(about, mine["tables"], theirs["tables"], filled=filled, methods=methods)
    for part, method in (("sequences", "last values"), ("blobs", "md5 of each")):
        if mine[part] or theirs[part]:
            results.append(results_of.of_names(f"{about} {part}", method, mine[part], theirs[part]))
    return tuple(results)


def shapes_of(source: Admin, target: Admin, database: str) -> tuple[shape.Shape, shape.Shape]:
    """The shapes of both ends now, read at the same time."""
    salt = shape.new_salt()
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(admin.rows, database, shape.query(admin, salt)) for admin in (source, target)]
        mine, theirs = (end.result() for end in ends)
    return shape.shapes(mine, theirs)


def filled_tables(admin: Admin, database: str) -> int:
    """Tables that hold a row."""
    tables = [row[1:3] for row in admin.rows(database, _CATALOG.replace("union all", "", 1)) if row[0] == "tables"]
    looks = [f"(select 1 from only {ident(schema)}.{ident(name)} limit 1)" for schema, name in tables]
    return len(admin.rows(database, " union all ".join(looks))) if looks else 0


def read_ahead(
    admin: Admin, database: str, known: bulk.Noted | None = None, *, timeout_s: float = 3600.0
) -> bulk.Noted | None:
    """Hash the large tables of one server while writers go on; None where its version is not known to allow it.

    Args:
        admin: The server.
        database: Its database.
        known: From before: only what was written since is hashed.
        timeout_s: Seconds.

    Raises:
        SqlFailed: A query failed.
    """
    if admin.version < bulk.OLDEST:
        return None
    rows = admin.rows(database, bulk.TOKENS + _CATALOG.replace("union all", "", 1), timeout_s=timeout_s)
    reading = bulk.Reading([row for row in rows if row[0] == "token"], known)
    hashes = _hashes([row for row in rows if row[0] == "tables"], reading, only=True)
    _, found = _asked(admin, database, bulk.MARK, hashes, reading, timeout_s)
    (mark,) = (int(row[1]) for row in found if row[0] == "mark")
    xid, system = _state(found)
    if not reading.still([row for row in found if row[0] == "token"], xid, system):
        return read_ahead(admin, database, timeout_s=timeout_s) if known else None
    return reading.noted(mark, xid, system)


def _state(rows: list[list[str]]) -> tuple[int, str]:
    ((xid, system),) = (row[1:] for row in rows if row[0] == "state")
    return int(xid), system


def _asked(
    admin: Admin, database: str, before: str, hashes: str, reading: bulk.Reading | None, timeout_s: float
) -> tuple[dict[str, dict[str, str]], list[list[str]]]:
    """Run the statements in one snapshot, so that writers between two tables cannot make a false picture."""
    state = "" if reading is None else bulk.STATE + bulk.TOKENS
    after = bulk.DONE if before else ""
    asked = f"{_PINNED}{before}begin isolation level repeatable read read only;\n{state}{hashes}commit;\n{after}"
    found: dict[str, dict[str, str]] = {"tables": {}, "sequences": {}, "blobs": {}}
    ranges: dict[str, list[list[str]]] = {}
    rows = admin.rows(database, asked, timeout_s=timeout_s)
    for row in rows:
        if row[0] == "range":
            ranges.setdefault(row[1], []).append(row[2:])
        elif row[0] in found:
            found[row[0]][row[1]] = f"{row[2]} {row[3]}"
    if reading is not None:
        for table in reading.chosen:
            found["tables"][table] = reading.take(table, ranges.get(table, []))
    return found, rows


def _hashes(tables: list[list[str]], reading: bulk.Reading | None, *, only: bool = False) -> str:
    """Statements for tables; with ``only`` those that are read by ranges."""
    parts = []
    for _, schema, name, columns, *_ in tables:
        table = f"{ident(schema)}.{ident(name)}"
        row = f"('x' || left(md5(row({columns})::text), 16))::bit(64)::bigint::numeric"
        if reading is not None and table in reading.chosen:
            parts.append(reading.query(table, row))
        elif not only:
            parts.append(f"select 'tables', {literal(table)}, count(*), coalesce(sum({row}), 0) from only {table} r;\n")
    return "".join(parts)


def _read(
    admin: Admin, database: str, salt: str, timeout_s: float, known: bulk.Noted | None = None
) -> tuple[dict[str, dict[str, str]], list[list[str]], Mapping[str, str]]:
    """Tables, sequences and large objects by name, the rows of the shape, and how tables were read ahead."""
    rows = admin.rows(
        database,
        f"select 'shape', s.* from ({shape.query(admin, salt)}) s (kind, name, text, role) {_CATALOG}",
        timeout_s=timeout_s,
    )
    reading = None
    if known is not None:
        reading = bulk.Reading(admin.rows(database, bulk.TOKENS), known)
    hashes = _hashes([row for row in rows if row[0] == "tables"], reading)
    hashes += "".join(f"{row[2]}\n" for row in rows if row[0] == "sequences")
    found, asked = _asked(admin, database, "", hashes, reading, timeout_s)
    if reading is not None and not reading.still([row for row in asked if row[0] == "token"], *_state(asked)):
        return _read(admin, database, salt, timeout_s)
    found["blobs"] = {row[1]: row[2] for row in rows if row[0] == "blobs"}
    return found, [row[1:] for row in rows if row[0] == "shape"], reading.methods() if reading else {}
