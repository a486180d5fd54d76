"""What is looked at before a MariaDB move: what would stop it, what would be lost in silence, what only takes long."""

import shlex
from collections.abc import Sequence

from migrate.findings import of_move
from migrate.replicators.mariadb.access import folder_of_options, writers_left
from migrate.replicators.mariadb.floats import rounded
from migrate.replicators.mariadb.server import Server, literal
from migrate.replicators.ports import Task
from migrate.verify.mariadb_shape import accounts
from pse.core.errors import PseError
from pse.core.findings import Finding, Severity
from pse.core.text import printable

HEADROOM = 1.2
_SAFE = {"slave_exec_mode": "STRICT", "slave_skip_errors": "OFF", "slave_run_triggers_for_rbr": "NO"}
"""Settings of a replica with which nothing is skipped and nothing happens twice."""


def look(task: Task, source: Server, target: Server, databases: Sequence[str]) -> list[Finding]:
    """All that is found; the method is `blockers`'s business."""
    found = [*_alone(task, source, target, databases), *_lacking(task, source, target, databases)]
    found += [*_tables(task, source, databases), *_room(task, source, target, databases)]
    for server in (source, target):
        if not folder_of_options(server):
            text = f"{server.host.name} reads no folder of options that we may write to: a restart would end its freeze"
            remedy = "Let its my.cnf say `!includedir` with a folder that the login user may write to, or allow sudo."
            found.append(of_move("PSE-M062", task, text, remedy))
        if odd := [
            f"{name} is {server.variable(name)}" for name, safe in _SAFE.items() if server.variable(name) != safe
        ]:
            text = f"as a replica {server.host.name} would skip rows or fire triggers twice: {', '.join(odd)}"
            found.append(of_move("PSE-M063", task, text, "Set them back to their defaults for the move."))
        ours = task.job.replace("-", "_")
        others = [row[0] for row in server.rows("show all slaves status") if not row[0].startswith(ours)]
        if others:
            text = f"{server.host.name} is a replica already: {', '.join(name or 'without a name' for name in others)}"
            found.append(of_move("PSE-M064", task, text, "Move its own source, or end that replication first."))
    if strong := writers_left(source):
        text = f"accounts can write at {source.host.name} although it is read-only: {', '.join(map(printable, strong))}"
        found.append(of_move("PSE-M030", task, text, "Stop what logs in as them.", Severity.WARNING))
    return found


def blockers(source: Server, target: Server) -> list[str]:
    """Why replication cannot work here, in words; empty when it can."""
    why = []
    settings = ("log_bin", "binlog_format", "server_id", "gtid_domain_id")
    mine, theirs = ({name: server.variable(name) for name in settings} for server in (source, target))
    for end, seen in ((source, mine), (target, theirs)):
        if seen["log_bin"] != "ON":
            why.append(f"{end.host.name} has no binary log (log_bin), which takes a restart to change")
        elif seen["binlog_format"] != "ROW":
            why.append(f"binlog_format is {seen['binlog_format']} at {end.host.name}, not ROW")
    same = [name for name in ("server_id", "gtid_domain_id") if mine[name] == theirs[name]]
    why += [f"{name} is {mine[name]} at both ends" for name in same]
    if not why:
        filters = {end.host.name: end.record("show master status") for end in (source, target)}
        filtered = [name for name, row in filters.items() if row.get("Binlog_Do_DB") or row.get("Binlog_Ignore_DB")]
        why += [f"the binary log of {name} leaves databases out" for name in filtered]
    if source.rows("xa recover"):
        why.append("transactions are prepared and not committed (XA)")
    return why


def without_transactions(source: Server, databases: Sequence[str]) -> list[str]:
    """Tables, as ``database.table``, that are in no consistent snapshot."""
    return source.column(
        "select concat(t.table_schema, '.', t.table_name) from information_schema.tables t join "
        "information_schema.engines e on e.engine = t.engine where t.table_type = 'BASE TABLE' and e.transactions <> "
        f"'YES' and t.table_schema in ({_names(databases)}) order by 1"
    )


def _alone(task: Task, source: Server, target: Server, databases: Sequence[str]) -> list[Finding]:
    """Read-only and the log are of a whole server: what else is on it would stop, or come along half."""
    found = []
    if more := [name for name in source.databases() if name not in databases]:
        text = f"{source.host.name} has databases that do not move and would be read-only, too: {', '.join(more)}"
        found.append(of_move("PSE-M060", task, text, "Move all databases of the server together."))
    if theirs := [name for name in target.databases() if name not in databases]:
        text = f"{target.host.name} has databases of others, which the way back would stop: {', '.join(theirs)}"
        found.append(of_move("PSE-M060", task, text, "Give the move a database server of its own."))
    if source.version > target.version:
        text = f"MariaDB {_words(source)} does not move to the older {_words(target)}"
        found.append(of_move("PSE-M021", task, text, "Choose an image with the same or a newer version."))
    elif source.version < target.version:
        text = f"the way back goes from MariaDB {_words(target)} to the older {_words(source)}, which may not know all"
        found.append(of_move("PSE-M021", task, text, "Choose the same version for a sure way back.", Severity.WARNING))
    return found


def _lacking(task: Task, source: Server, target: Server, databases: Sequence[str]) -> list[Finding]:
    """What databases or accounts use and the target does not have."""
    names = _names(databases)
    engines = f"select distinct engine from information_schema.tables where table_schema in ({names}) and engine <> ''"
    collations = (
        f"select table_collation from information_schema.tables where table_schema in ({names}) union select "
        f"collation_name from information_schema.columns where table_schema in ({names}) union select "
        f"default_collation_name from information_schema.schemata where schema_name in ({names})"
    )
    plugins = (
        f"select distinct json_value(priv, '$.plugin') from {accounts(source, target)} "
        "where json_value(priv, '$.plugin') is not null"
    )
    full = "select full_collation_name from information_schema.collation_character_set_applicability"
    known_collations = (
        full if target.version >= (10, 10) else "select collation_name from information_schema.collations"
    )
    there = (
        ("engine", engines, "select engine from information_schema.engines where support in ('YES', 'DEFAULT')"),
        ("collation", collations, known_collations),
        ("login plugin", plugins, "select plugin_name from information_schema.plugins where plugin_status = 'ACTIVE'"),
    )
    lacking = []
    for what, wanted, known in there:
        have = {name.lower() for name in target.column(known)}
        lacking += [f"{what} {one}" for one in source.column(wanted) if one != "NULL" and one.lower() not in have]
    if not lacking:
        return []
    text = f"{target.host.name} does not have: {', '.join(map(printable, sorted(lacking)))}"
    return [of_move("PSE-M022", task, text, "Install and load them at the target.")]


def _tables(task: Task, source: Server, databases: Sequence[str]) -> list[Finding]:
    names = _names(databases)
    found = []
    keyless = source.column(
        "select concat(t.table_schema, '.', t.table_name) from information_schema.tables t where t.table_type = "
        f"'BASE TABLE' and t.table_schema in ({names}) and not exists (select 1 from information_schema.statistics s "
        "where s.table_schema = t.table_schema and s.table_name = t.table_name and s.non_unique = 0 and not exists "
        "(select 1 from information_schema.statistics n where n.table_schema = s.table_schema and n.table_name = "
        "s.table_name and n.index_name = s.index_name and n.nullable = 'YES')) order by 1"
    )
    if keyless:
        text = f"tables have no key, so every change of a row reads all of them: {_few(keyless)}"
        found.append(of_move("PSE-M065", task, text, "Give them a key where they are large.", Severity.WARNING))
    if still := without_transactions(source, databases):
        text = f"tables without transactions are carried with writers stopped: {_few(still)}"
        remedy = "Make them InnoDB. While they are moved back, a crash of the old side may apply a change twice."
        found.append(of_move("PSE-M066", task, text, remedy, Severity.WARNING))
    if vague := [f"{one.database}.{one.name}" for one in rounded(source, databases) if not one.exact]:
        text = f"tables have FLOAT columns, which a dump rounds, and no key to mend their rows by: {_few(vague)}"
        found.append(of_move("PSE-M068", task, text, "Give them a primary key, or make the column DOUBLE."))
    versioned = source.column(
        "select concat(table_schema, '.', table_name) from information_schema.tables where table_type = "
        f"'SYSTEM VERSIONED' and table_schema in ({names}) order by 1"
    )
    if versioned:
        text = f"system-versioned tables would lose their history: {_few(versioned)}"
        found.append(of_move("PSE-M067", task, text, "Keep their history in plain tables, or move them by hand."))
    return found


def _room(task: Task, source: Server, target: Server, databases: Sequence[str]) -> list[Finding]:
    asked = "select coalesce(sum(data_length + index_length), 0) from information_schema.tables where table_schema in "
    size = int(source.one(f"{asked} ({_names(databases)})").split(".")[0])
    try:
        folder = shlex.quote(target.one("select @@datadir"))
        free = int(target.host.text(f"{target.sudo} df -Pk -- {folder} | awk 'NR==2 {{print $4}}'").strip()) * 1024
    except (PseError, ValueError) as exc:
        text = f"free space at {target.host.name} is not known: {printable(str(exc))}"
        return [of_move("PSE-M024", task, text, "Look for yourself.", Severity.WARNING)]
    if size * HEADROOM > free:
        text = f"{task.move.database} needs {int(size * HEADROOM) >> 20} MiB; {target.host.name} has {free >> 20} MiB"
        return [of_move("PSE-M024", task, text, "Give the target a larger volume.")]
    return []


def _names(databases: Sequence[str]) -> str:
    return ", ".join(map(literal, databases))


def _words(server: Server) -> str:
    return ".".join(map(str, server.version))


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(printable, names[:5])) + more
