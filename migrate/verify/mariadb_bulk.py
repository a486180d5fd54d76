"""Comparing the bulk of MariaDB databases while writers go on, so that only what changed since is read in the freeze.

The replica is halted, the source read in one snapshot whose place in its log is known, the replica let go on up to
exactly that place, and read there: so both are compared at the same moment of the source's history. What may have
changed since is what either log names, or what InnoDB remembers to have been written, whether a log was told or not. A
server that was started anew remembers nothing, and a change of the schema makes everything unsure: then all is read.
"""

import re
from collections.abc import Sequence
from typing import Any

from migrate.hosts import wait_until
from migrate.replicators.mariadb.channel import Channel
from migrate.replicators.mariadb.server import Server, ident, literal
from migrate.verify.mariadb import Contents, contents

_ROWS = re.compile(r"table_id: \d+ \((.*)\)$")
_HARMLESS = frozenset(
    {
        *("Gtid", "Gtid_list", "Format_desc", "Rotate", "Stop", "Xid", "Binlog_checkpoint", "Annotate_rows", "Intvar"),
        *("Write_rows_v1", "Update_rows_v1", "Delete_rows_v1", "Write_rows", "Update_rows", "Delete_rows"),
        *("Write_rows_compressed_v1", "Update_rows_compressed_v1", "Delete_rows_compressed_v1"),
    }
)
"""Events that change no table by themselves, or only one that was named before them."""
_MOST = 200_000
"""Events that are looked through at most: beyond, reading all tables is not much dearer."""


def take(channel: Channel, *, within_s: float) -> dict[str, Any]:
    """Compare everything now; the replica flows again afterwards.

    Returns:
        ``tables`` that are equal, with the chunks that both have, and of each end what `changed` begins from.
    """
    source, target = channel.publisher, channel.subscriber
    name = literal(channel.name)
    # First, so that it is not beyond the snapshot that is taken next.
    target.rows(f"stop slave {name}")
    before = {"source": _memory(source, channel.databases)}
    mine, place = snapshot(source, channel.databases, timeout_s=within_s)
    position = source.one(f"select binlog_gtid_pos({literal(place[0])}, {int(place[1])})")
    target.rows(f"start slave {name} until master_gtid_pos = {literal(position)}")
    wait_until(lambda: _halted(channel), within_s=within_s, what="catching up", where=target.host.name)
    before["target"] = _memory(target, channel.databases)
    theirs, there = snapshot(target, channel.databases, timeout_s=within_s)
    target.rows(f"start slave {name}")
    return {
        "tables": {table: chunks for table, chunks in mine.items() if theirs.get(table) == chunks},
        "source": {"place": place, **before["source"]},
        "target": {"place": there, **before["target"]},
    }


def snapshot(server: Server, databases: Sequence[str], *, timeout_s: float) -> tuple[Contents, list[str]]:
    """Contents, and the place in the server's log that they are of: file and position."""
    place: list[str] = []
    found = contents(server, databases, timeout_s=timeout_s, place=place)
    return found, place


def unchanged(noted: dict[str, Any], source: Server, target: Server, databases: Sequence[str]) -> Contents:
    """Of the tables that `take` found equal, those that are sure not to have been written since at either end."""
    kept: Contents = dict(noted["tables"])
    for end, server in (("source", source), ("target", target)):
        written = changed(server, databases, noted[end])
        if written is None:
            return {}
        kept = {table: chunks for table, chunks in kept.items() if table not in written}
    return kept


def changed(server: Server, databases: Sequence[str], since: dict[str, Any]) -> set[str] | None:
    """Tables (quoted names) that may have been written since; None where that is not sure of any."""
    now = _memory(server, databases)
    # Rounded at both times; nobody starts it anew within so few seconds of its start.
    if abs(now["started"] - since["started"]) > 2:
        return None
    # A table that was written in the very second of the look may have been written again in it.
    written = {
        table
        for table, moment in now["written"].items()
        if moment != since["written"].get(table) or moment >= since["at"]
    }
    # What a foreign key changes by itself is in no log.
    written |= {
        f"{ident(database)}.{ident(table)}"
        for database, table in server.rows(
            "select constraint_schema, table_name from information_schema.referential_constraints where delete_rule in "
            "('CASCADE', 'SET NULL') or update_rule in ('CASCADE', 'SET NULL')"
        )
    }
    files = [row[0] for row in server.rows("show binary logs")]
    if since["place"][0] not in files:
        return None
    for number, file in enumerate(files[files.index(since["place"][0]) :]):
        start = f" from {int(since['place'][1])}" if number == 0 else ""
        events = server.rows(f"show binlog events in {literal(file)}{start} limit {_MOST}", timeout_s=600)
        if len(events) >= _MOST:
            return None
        for _, _, kind, _, _, info in events:
            if kind == "Table_map" and (found := _ROWS.search(info)):
                database, _, table = found.group(1).partition(".")
                written.add(f"{ident(database)}.{ident(table)}")
            elif kind not in _HARMLESS and not (kind == "Query" and info in ("BEGIN", "COMMIT")):
                return None
    return written


def _halted(channel: Channel) -> bool | None:
    channel.complain()
    return True if channel.status().get("Slave_SQL_Running") == "No" else None


def _memory(server: Server, databases: Sequence[str]) -> dict[str, Any]:
    """Since when the server runs, and when each of its tables was last written as far as it knows."""
    names = ", ".join(map(literal, databases))
    ((started, at),) = server.rows(
        "select unix_timestamp() - variable_value, now() - interval 2 second from information_schema.global_status "
        "where variable_name = 'UPTIME'"
    )
    rows = server.rows(
        "select table_schema, table_name, coalesce(update_time, '') from information_schema.tables where table_schema "
        f"in ({names}) and table_type = 'BASE TABLE'"
    )
    return {
        "started": int(float(started)),
        "at": at,
        "written": {f"{ident(database)}.{ident(table)}": moment for database, table, moment in rows},
    }
