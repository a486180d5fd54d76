"""Databases by content: rows counted and hashed table by table on each server, with whatever changes text pinned.

A row's hash is the first 64 bits of ``md5(row::text)``; a table's is their sum, which does not depend on order, taken
as an exact numeric. Source: measured on PostgreSQL 15 and 18, which agree.
"""

from concurrent.futures import ThreadPoolExecutor

from migrate.replicators.psql import Admin, ident, literal
from pse.core.canonical import digest
from pse.core.documents.campaign import CheckResult
from pse.core.text import printable

_PINNED = """set datestyle='ISO, MDY'; set timezone='UTC'; set intervalstyle='iso_8601'; set extra_float_digits=1;
set bytea_output='hex'; set lc_monetary='C'; set search_path=pg_catalog;
"""
_TABLES = """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2"""
_SEQUENCES = """select format('%I.%I', n.nspname, c.relname),
  format('select %L, last_value, is_called from %I.%I;', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1"""
_SHAPE = """select 'column', format('%I.%I.%I', n.nspname, c.relname, a.attname),
  format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all select 'constraint', format('%s.%I', k.conrelid::regclass, k.conname), pg_get_constraintdef(k.oid)
from pg_constraint k join pg_namespace n on n.oid = k.connamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
union all select 'index', format('%I.%I', schemaname, indexname), indexdef from pg_indexes
where schemaname !~ '^pg_' and schemaname <> 'information_schema'
union all select 'extension', extname, extversion from pg_extension where extname <> 'plpgsql'
order by 1, 2, 3"""
_BLOBS = """select oid, md5(lo_get(oid)) from pg_largeobject_metadata order by oid"""


def compare(
    subject: str, source: Admin, target: Admin, database: str, *, timeout_s: float = 3600.0
) -> tuple[CheckResult, ...]:
    """Compare a database on two servers; both are read at the same time.

    Returns:
        One result for the shape (columns, constraints, indexes, extensions), one for the list of tables, one for each
        table with rows, and one for sequences and for large objects where a side has any.

    Raises:
        SqlFailed: A query failed on a side.
    """
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(_read, admin, database, timeout_s) for admin in (source, target)]
        mine, theirs = (end.result() for end in ends)
    results = [
        _result(f"{subject} {database} shape", "catalog", mine["shape"], theirs["shape"]),
        _result(
            f"{subject} {database} tables",
            "names and row counts",
            {name: count for name, (count, _) in _pairs(mine["tables"])},
            {name: count for name, (count, _) in _pairs(theirs["tables"])},
        ),
    ]
    for name in sorted(mine["tables"].keys() | theirs["tables"].keys()):
        left, right = mine["tables"].get(name, "0 0"), theirs["tables"].get(name, "0 0")
        if left == right == "0 0":
            continue  # an empty table is held by the list of tables; here nothing would be compared
        results.append(
            CheckResult(
                subject=f"{subject} {database} {printable(name)}",
                method="row count and md5 sum",
                source=left,
                target=right,
                items=min(int(left.split()[0]), int(right.split()[0])),
                equal=left == right and int(left.split()[0]) > 0,
                detail="" if left == right else "rows differ",
            )
        )
    for part, method in (("sequences", "last values"), ("blobs", "md5 of each")):
        if mine[part] or theirs[part]:
            results.append(_result(f"{subject} {database} {part}", method, mine[part], theirs[part]))
    return tuple(results)


def _pairs(tables: dict[str, str]) -> list[tuple[str, tuple[str, str]]]:
    return [(name, (text.split()[0], text.split()[1])) for name, text in sorted(tables.items())]


def _read(admin: Admin, database: str, timeout_s: float) -> dict[str, dict[str, str]]:
    tables = admin.rows(database, _TABLES)
    sequences = admin.rows(database, _SEQUENCES)
    # One transaction with one snapshot, so that writers between two tables cannot make a false picture.
    hashes = "".join(
        f"select {literal(f'{ident(schema)}.{ident(name)}')}, count(*), coalesce(sum(('x' || "
        f"left(md5(row(r.*)::text), 16))::bit(64)::bigint::numeric), 0) from only {ident(schema)}.{ident(name)} r;\n"
        for schema, name in tables
    )
    found = admin.rows(
        database, f"{_PINNED}begin isolation level repeatable read read only;\n{hashes}commit;", timeout_s=timeout_s
    )
    values = admin.rows(database, "".join(query for _, query in sequences)) if sequences else []
    return {
        "shape": {f"{kind} {name}": text for kind, name, text in admin.rows(database, _SHAPE)},
        "tables": {name: f"{count} {total}" for name, count, total in found},
        "sequences": {name: f"{last} {called}" for name, last, called in values},
        "blobs": {row[0]: row[1] for row in admin.rows(database, _BLOBS, timeout_s=timeout_s)},
    }


def _result(subject: str, method: str, mine: dict[str, str], theirs: dict[str, str]) -> CheckResult:
    unlike = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    shown = "; ".join(
        " and ".join(f"{printable(name)}: {printable(side.get(name, 'missing'))[:80]}" for side in (mine, theirs))
        for name in unlike[:5]
    )
    return CheckResult(
        subject=subject,
        method=method,
        source=_hash(mine),
        target=_hash(theirs),
        items=min(len(mine), len(theirs)),
        equal=not unlike and len(mine) > 0,
        detail=shown or ("there is nothing to compare" if not mine else ""),
    )


def _hash(found: dict[str, str]) -> str:
    return digest("".join(f"{name}\n{found[name]}\n" for name in sorted(found)).encode())
