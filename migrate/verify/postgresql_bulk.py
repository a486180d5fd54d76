"""Large PostgreSQL tables by ranges of their blocks: hashed before the freeze, and in it only what was written since.

Each server is asked about itself only. A range counts as unwritten when it has no row version that is newer than the
mark, and as many rows as before:

- What is inserted or updated is a new version, whose ``xmin`` is at the mark or after it: the mark is the oldest
  transaction at work when the range was hashed, and not younger than one whose end was on the disk by then, so that a
  crash does not give its number away again. Freezing a row leaves its ``xmin`` to be seen (PostgreSQL 9.4 and later).
- What is deleted, or moved elsewhere by an update, is missing in the count; only new versions come into a range.
- A table that was written anew (VACUUM FULL, TRUNCATE, ALTER TABLE) has another file, and one with other columns has
  another token; another system, another timeline, or more than a thousand million transactions make the mark
  worthless. Then all is read.
"""

from collections.abc import Mapping

import msgspec

from migrate.replicators.postgresql.psql import ident, literal

SMALL = 128
"""Blocks below which a table is read as a whole: 1 MiB, some milliseconds."""
RANGES = 40_000
"""Ranges of all tables together, about."""
_LEAST = 8
_OLD = 10**9
"""Transactions; numbers come again after two thousand million."""
_WRAP = 2**32
OLDEST = 130000
"""Server version from which on what is asked here is known to be there."""

TOKENS = """select 'token', n.nspname, c.relname, concat_ws(' ', c.oid, pg_relation_filenode(c.oid), (select md5(
  string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attmissingval), ',' order by a.attnum))
  from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)),
  pg_relation_size(c.oid) / current_setting('block_size')::bigint
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_am m on m.oid = c.relam
where c.relkind = 'r' and m.amname = 'heap' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by 1, 2, 3;
"""
# The message is there to have the transaction's end written to the disk; nobody listens to it.
MARK = "set synchronous_commit = local;\nselect 'mark', txid_current(), pg_logical_emit_message(true, 'pse', '');\n"
STATE = """select 'state', txid_snapshot_xmin(txid_current_snapshot()), concat_ws(' ', (select system_identifier from
  pg_control_system()), left(pg_walfile_name(pg_current_wal_lsn()), 8));
"""
# Once more after the reading, so that what it saw, ended without waiting for the disk, is there after a crash.
DONE = "select 'done' from pg_logical_emit_message(true, 'pse', '');\n"


class Ranges(msgspec.Struct, frozen=True, kw_only=True):
    """A table's sums.

    Attributes:
        token: Of the table's file and columns.
        blocks: That it had when ranges were chosen.
        step: Blocks of a range; the last one is open.
        sums: By number of the range from 1: rows, and the sum of their hashes as text.
    """

    token: str
    blocks: int
    step: int
    sums: dict[int, tuple[int, str]]

    def total(self) -> str:
        """Rows and sum of all, as the whole table has them."""
        return f"{sum(c for c, _ in self.sums.values())} {sum(int(h) for _, h in self.sums.values())}"


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """What one server said, and when.

    Attributes:
        xid: The mark, 64 bits.
        system: Identifier and timeline.
        tables: By quoted name.
    """

    xid: int
    system: str
    tables: dict[str, Ranges]

    def counts(self, xid: int, system: str) -> bool:
        """Whether the mark says something to that system at that transaction."""
        return self.system == system and 0 <= xid - self.xid < _OLD


class Reading:
    """What is asked of one server's large tables, and what came of it.

    Args:
        tokens: Rows of `TOKENS`.
        known: From before; what it has is hashed again only where it was written since.
    """

    def __init__(self, tokens: list[list[str]], known: Noted | None) -> None:
        """Choose the ranges."""
        self.known = known
        self.chosen: dict[str, Ranges] = {}
        self.reused: dict[str, tuple[int, int]] = {}
        large = {
            f"{ident(schema)}.{ident(name)}": (token, int(blocks))
            for _, schema, name, token, blocks in tokens
            if int(blocks) >= SMALL
        }
        step = max(_LEAST, -(-sum(blocks for _, blocks in large.values()) // RANGES))
        for table, (token, blocks) in large.items():
            before = known.tables.get(table) if known else None
            if before is not None and before.token == token and blocks <= 2 * before.blocks:
                self.chosen[table] = before
            else:
                self.chosen[table] = Ranges(token=token, blocks=blocks, step=step, sums={})

    def query(self, table: str, row: str) -> str:
        """The statement for one of the tables that were chosen; ``row`` is the hash of a row of ``r``."""
        ranges = self.chosen[table]
        series = f"generate_series(0, {ranges.blocks}, {ranges.step})"
        number = f"width_bucket(r.ctid, (select array_agg(format('(%s,0)', b)::tid order by b) from {series} b))"
        name = literal(table)
        if not ranges.sums or self.known is None:
            return f"select 'range', {name}, {number}, count(*), sum({row}) from only {table} r group by 3;\n"
        numbers = ",".join(str(n) for n in ranges.sums)
        rows = ",".join(str(c) for c, _ in ranges.sums.values())
        newer = f"age(r.xmin) <= age('{self.known.xid % _WRAP}'::xid)"
        return f"""with known (i, c) as (select * from unnest(array[{numbers}]::int[], array[{rows}]::bigint[])),
seen as materialized (select {number} as i, count(*) as c, count(*) filter (where {newer}) as n from only {table} r
  group by 1),
written as materialized (select s.i from seen s left join known k using (i) where s.n > 0 or k.c is distinct from s.c),
fresh as (select {number} as i, sum({row}) as h from only {table} r where {number} in (select i from written)
  group by 1)
select 'range', {name}, s.i, s.c, f.h from seen s left join fresh f using (i);
"""

    def take(self, table: str, rows: list[list[str]]) -> str:
        """What the statement gave, rows of number, count and hash; an empty hash is the one from before."""
        before = self.chosen[table]
        sums = {int(n): (int(c), h or before.sums[int(n)][1]) for n, c, h in rows}
        self.reused[table] = (sum(not h for _, _, h in rows), len(rows))
        self.chosen[table] = msgspec.structs.replace(before, sums=sums)
        return self.chosen[table].total()

    def still(self, tokens: list[list[str]], xid: int, system: str) -> bool:
        """Whether what was taken from before may be: tables are the same within the snapshot, and the mark counts."""
        if self.known is not None and not self.known.counts(xid, system):
            return False
        now = {f"{ident(schema)}.{ident(name)}": token for _, schema, name, token, _ in tokens}
        return all(now.get(table) == ranges.token for table, ranges in self.chosen.items())

    def noted(self, mark: int, xid: int, system: str) -> Noted:
        """For the next reading."""
        return Noted(xid=min(mark, xid), system=system, tables=dict(self.chosen))

    def methods(self) -> Mapping[str, str]:
        """By table of which something was hashed before: what the evidence says of it."""
        return {
            table: f"row count and md5 sum, {old} of {of} ranges hashed before the freeze and not written since"
            for table, (old, of) in self.reused.items()
            if old
        }
