"""Databases by content: rows counted and hashed table by table on each server, with whatever changes text pinned.

A row's hash is the first 64 bits of ``md5(row::text)``, its columns ordered by name, for a dump orders those of an
inherited table anew; a table's is their sum, which does not depend on order, taken
as an exact numeric. Source: measured on PostgreSQL 15 and 18, which agree.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from migrate.replicators.postgresql.psql import Admin, ident, literal
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


def compare(
    subject: str,
    source: Admin,
    target: Admin,
    database: str,
    *,
    passed: Mapping[str, str] | None = None,
    filled: int = 0,
    shapes: bool = True,
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
        timeout_s: Seconds for each query.

    Returns:
        One result for the shape (see `shape.query`) and one for roles, one for the list of tables, one for each
        table with rows, and one for sequences and for large objects where a side has any.

    Raises:
        SqlFailed: A query failed on a side.
    """
    salt = shape.new_salt()
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(_read, admin, database, salt, timeout_s) for admin in (source, target)]
        (mine, mine_rows), (theirs, their_rows) = (end.result() for end in ends)
    about = f"{subject} {database}"
    results = results_of.of_shapes(about, *shape.shapes(mine_rows, their_rows), passed or {}) if shapes else []
    results += results_of.of_tables(about, mine["tables"], theirs["tables"], filled=filled)
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


def _read(
    admin: Admin, database: str, salt: str, timeout_s: float
) -> tuple[dict[str, dict[str, str]], list[list[str]]]:
    """Tables, sequences and large objects by name, and the rows of the shape."""
    rows = admin.rows(
        database,
        f"select 'shape', s.* from ({shape.query(admin, salt)}) s (kind, name, text, role) {_CATALOG}",
        timeout_s=timeout_s,
    )
    # One transaction with one snapshot, so that writers between two tables cannot make a false picture.
    hashes = "".join(
        f"select 'tables', {literal(f'{ident(row[1])}.{ident(row[2])}')}, count(*), coalesce(sum(('x' || left(md5("
        f"row({row[3]})::text), 16))::bit(64)::bigint::numeric), 0) from only {ident(row[1])}.{ident(row[2])} r;\n"
        for row in rows
        if row[0] == "tables"
    )
    hashes += "".join(f"{row[2]}\n" for row in rows if row[0] == "sequences")
    found: dict[str, dict[str, str]] = {"tables": {}, "sequences": {}, "blobs": {}}
    for part, name, first, second in admin.rows(
        database, f"{_PINNED}begin isolation level repeatable read read only;\n{hashes}commit;", timeout_s=timeout_s
    ):
        found[part][name] = f"{first} {second}"
    found["blobs"] = {row[1]: row[2] for row in rows if row[0] == "blobs"}
    return found, [row[1:] for row in rows if row[0] == "shape"]
