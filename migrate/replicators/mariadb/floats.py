"""FLOAT columns, which a dump rounds: the server writes six digits of them, and a float needs nine.

The rows that lose by it are told to the taker once more, by their key, with their value as a double. That may be done
at any time between the load and the first change that replication brings: a row that was changed since will come again
whole. Triggers of such a table are put away meanwhile, because to them it would be an update like any other.
"""

import shlex
from collections.abc import Sequence

from migrate.replicators.mariadb.server import Server, ident, literal, reason
from migrate.replicators.ports import Task
from migrate.replicators.stream import stream

_COLUMNS = """select c.table_schema, c.table_name, c.column_name, lower(c.data_type), c.column_key = 'PRI', c.extra
from information_schema.columns c join information_schema.tables t on t.table_schema = c.table_schema and
t.table_name = c.table_name and t.table_type = 'BASE TABLE' where c.table_schema in ({names}) and exists (select 1 from
information_schema.columns f where f.table_schema = c.table_schema and f.table_name = c.table_name and f.data_type =
'float' and f.generation_expression is null) order by c.table_schema, c.table_name, c.ordinal_position"""
_BYTES = ("binary", "varbinary", "tinyblob", "blob")
_TAKE = """set -o pipefail; kept=$({dump}) || exit 1
{{ printf %s {drop}; cat; printf '\\n%s\\n' "$kept"; }} | {load}"""


class Rounded:
    """One table with FLOAT columns.

    Attributes:
        database: Its database.
        name: Its name.
        floats: Its FLOAT columns.
        keys: Columns of its primary key, with their types.
        kept: Columns that would change by themselves with an update.
    """

    def __init__(self, database: str, name: str) -> None:
        """Columns are added afterwards."""
        self.database, self.name = database, name
        self.floats: list[str] = []
        self.keys: list[tuple[str, str]] = []
        self.kept: list[str] = []

    @property
    def exact(self) -> bool:
        """It can be carried exactly: a row is known by something else than a float."""
        return bool(self.keys) and all(kind not in ("float", "double") for _, kind in self.keys)

    @property
    def telling(self) -> str:
        """SQL that gives an update for each row that loses."""
        parts = [literal(f"update {ident(self.database)}.{ident(self.name)} set ")]
        for number, column in enumerate(self.floats):
            parts += [literal(f"{', ' if number else ''}{ident(column)} = "), f"ifnull({ident(column)} + 0e0, 'null')"]
        parts.append(literal("".join(f", {ident(column)} = {ident(column)}" for column in self.kept) + " where "))
        for number, (column, kind) in enumerate(self.keys):
            value = f"concat('x''', hex({ident(column)}), '''')" if kind in _BYTES else f"quote({ident(column)})"
            parts += [literal(f"{' and ' if number else ''}{ident(column)} = "), value]
        losing = " or ".join(f"{ident(c)} <> cast(cast({ident(c)} as char) as float)" for c in self.floats)
        table = f"{ident(self.database)}.{ident(self.name)}"
        return f"select concat({', '.join(parts)}, ';') from {table} where {losing};\n"


def rounded(server: Server, databases: Sequence[str]) -> list[Rounded]:
    """All tables with FLOAT columns."""
    found: dict[tuple[str, str], Rounded] = {}
    for database, table, column, kind, key, extra in server.rows(
        _COLUMNS.format(names=", ".join(map(literal, databases)))
    ):
        one = found.setdefault((database, table), Rounded(database, table))
        if key == "1":
            one.keys.append((column, kind))
        elif kind == "float" and "GENERATED" not in extra.upper():
            one.floats.append(column)
        if "on update" in extra.lower():
            one.kept.append(column)
    return list(found.values())


def carry(task: Task, giver: Server, taker: Server, tables: Sequence[Rounded], *, back: bool = False) -> None:
    """Tell the taker of these tables' rows what the dump has rounded; quiet where nothing has lost."""
    for number, table in enumerate(tables):
        if not table.exact:
            continue
        place = f"{shlex.quote(table.database)} {shlex.quote(table.name)}"
        options = "--no-create-info --no-data --skip-opt --triggers --default-character-set=utf8mb4"
        triggers = taker.column(
            "select trigger_name from information_schema.triggers where event_object_schema = "
            f"{literal(table.database)} and event_object_table = {literal(table.name)}"
        )
        use = f"use {ident(table.database)};\n"
        take = _TAKE.format(
            dump=taker.program("mariadb-dump", f"{options} {place}"),
            drop=shlex.quote(use + "".join(f"drop trigger {ident(name)};\n" for name in triggers)),
            load=taker.loader,
        )
        give = f"printf %s {shlex.quote(table.telling)} | {giver.client.replace(' -BN ', ' -BNr ')}"
        stream(task, f"floats-{number}", give, f"bash -c {shlex.quote(take)}", reason=reason, back=back)
