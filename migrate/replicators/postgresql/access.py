"""Who may come into a database: closed while it must not be written, and afterwards exactly as it was.

A database that is read-only by default can still be written by a session that says otherwise, so nobody but
superusers may connect to it: ``CONNECTION LIMIT 0`` holds for all others, owners included, needs no change of grants,
and leaves the worker in that applies what the other side writes. It survives a restart of the server. Source:
PostgreSQL's ``ALTER DATABASE`` and `CheckMyDatabase` in its ``postinit.c``.
"""

import shlex
from typing import Any

from migrate.replicators.ports import Task
from migrate.replicators.postgresql.psql import Admin, ident, literal
from pse.core.errors import Refused, RemoteError
from pse.core.journal import once

SEEDING = "seeding"
LIVE = "live"
_SETTING = "default_transaction_read_only"


def shut(admin: Admin, database: str) -> None:
    """Let nobody but superusers in, and those read-only by default; returns when no client is left."""
    admin.rows("postgres", _shutting(admin, database))


def _shutting(admin: Admin, database: str) -> str:
    # A server that waits for a lock would go on without its client, and close the database when nobody expects it.
    return (
        f"set statement_timeout = '30s';\nalter database {ident(database)} connection limit 0;\n"
        f"alter database {ident(database)} set {_SETTING} = on;\n{admin.ending(database)}"
    )


def close(task: Task, admin: Admin, *, at_target: bool) -> None:
    """`shut` the move's database, and keep what stood before for `reopen`; safe to repeat.

    Raises:
        RemoteError: There is no such database.
        FreezeOver: The source was given back meanwhile.
    """
    _before(task, admin, at_target=at_target)
    name = task.move.database
    if at_target or task.stop_source is None:
        shut(admin, name)
    else:
        task.stop_source(f"printf %s {shlex.quote(_shutting(admin, name))} | {admin.psql}", f"closing {name}")


def opening(task: Task, admin: Admin, *, at_target: bool) -> str:
    """A script that gives back what stands now, or stood before `close`; it leaves alone what is not closed.

    Whoever runs it may be late: a database that was given back is in use, and its clients must not be ended again.
    """
    before = _before(task, admin, at_target=at_target)
    name, psql = task.move.database, admin.psql
    setting = f"set {_SETTING} = {literal(before['read_only'])}" if before["read_only"] else f"reset {_SETTING}"
    asked = f"""select 1 from pg_database d where d.datname = {literal(name)} and (d.datconnlimit = 0 or exists (select
from pg_db_role_setting s where s.setdatabase = d.oid and s.setrole = 0 and '{_SETTING}=on' = any (s.setconfig)))"""
    # Who came while it was closed would stay read-only.
    again = (
        f"alter database {ident(name)} {setting};\nalter database {ident(name)} connection limit {before['limit']};\n"
    )
    return (
        f"closed=$(printf %s {shlex.quote(asked)} | {psql}) || exit 1\n"
        f'[ -z "$closed" ] || printf %s {shlex.quote(again + admin.ending(name))} | {psql} >/dev/null'
    )


def reopen(task: Task, admin: Admin, *, at_target: bool) -> None:
    """Give back what stood before `close`; quiet when it is not closed."""
    known = task.journal.find(_key(task, at_target))
    if known is None:
        return
    if known.result is not None:
        script = opening(task, admin, at_target=at_target)
        admin.host.text(script, what=f"giving {task.move.database} back to its writers")
    task.journal.forget(_key(task, at_target))


def _before(task: Task, admin: Admin, *, at_target: bool) -> dict[str, Any]:
    """What stood before `close`: noted once."""

    def look() -> dict[str, Any]:
        found = admin.rows(
            "postgres",
            f"""select d.datconnlimit, coalesce((select split_part(v, '=', 2) from pg_db_role_setting s,
unnest(s.setconfig) v where s.setdatabase = d.oid and s.setrole = 0 and split_part(v, '=', 1) = '{_SETTING}'), '')
from pg_database d where d.datname = {literal(task.move.database)}""",
        )
        if not found:
            raise RemoteError(f"database {task.move.database} is gone", where=admin.host.name)
        return {"limit": int(found[0][0]), "read_only": found[0][1]}

    return once(
        task.journal,
        _key(task, at_target),
        f"note who may come into {task.move.database}",
        detail={},
        probe=lambda _: None,
        act=lambda _: look(),
    )


def limit(task: Task, *, at_target: bool) -> int:
    """Clients that the database allowed before it was closed; -1 for any number, also when it is not closed."""
    known = task.journal.find(_key(task, at_target))
    return int(known.result["limit"]) if known is not None and known.result is not None else -1


def forget(task: Task, *, at_target: bool) -> None:
    """The database is gone, and what was noted of it."""
    task.journal.forget(_key(task, at_target))


def superusers(admin: Admin, database: str) -> list[str]:
    """Roles that can log in and that nothing keeps out; our own way in counts when somebody else uses it by TCP."""
    rows = admin.rows(
        "postgres",
        f"""select rolname from pg_roles r where rolsuper and rolcanlogin and (rolname <> 'postgres' or exists (select
from pg_stat_activity a where a.usesysid = r.oid and a.datname = {literal(database)} and a.client_addr is not null))
order by 1""",
    )
    return [row[0] for row in rows]


def mark(task: Task, target: Admin, state: str, *, database: str = "") -> None:
    """Say in the comment on the database at the target that it is ours: ``SEEDING …`` or ``LIVE``."""
    text = literal(f"{task.job} {state}")
    target.rows("postgres", f"comment on database {ident(database or task.move.database)} is {text}")


def live(task: Task, target: Admin) -> bool:
    """The database at the target is in service."""
    return target.comment(task.move.database) == f"{task.job} {LIVE}"


def replaceable(task: Task, target: Admin) -> None:
    """Look whether the database at the target may be dropped: an earlier attempt left it there, or it is empty.

    Raises:
        Refused: It is not ours, or it is in service.
    """
    name = task.move.database
    if target.comment(name).startswith(f"{task.job} ") and not live(task, target):
        return
    count = "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' "
    if live(task, target) or int(target.one(name, f"{count} and n.nspname <> 'information_schema'")):
        raise Refused(
            f"database {name} stands at the target already and is {'in service' if live(task, target) else 'not ours'}",
            where=target.host.name,
            hint="Nothing is overwritten. Roll back first, or drop that database by hand.",
        )


def kept_as(task: Task) -> str:
    """Name of the database that `keep_aside` makes: at most 63 bytes, and new with every attempt of every move."""
    return f"{task.job.replace('-', '_')}_kept_{task.key.rsplit('/', 1)[-1]}"


def keep_aside(task: Task, target: Admin) -> str:
    """Give the database at the target another name, and let only superusers in: a person looks what it has.

    Goes on where it was cut off.

    Returns:
        Where it is, in words.
    """
    name, kept = task.move.database, kept_as(task)
    if not target.has_database(kept):
        target.rows(
            "postgres",
            f"alter database {ident(name)} connection limit 0;\n{target.ending(name)}"
            f"alter database {ident(name)} rename to {ident(kept)};",
        )
    target.rows("postgres", f"comment on database {ident(kept)} is null")
    forget(task, at_target=True)
    target.rows(kept, f"set client_min_messages = error; drop publication if exists {task.job.replace('-', '_')}_rev")
    return (
        f"{target.host.name}: rows were written to {name} at the new side before users were sent there, and the source "
        f"does not have them; they are kept there in database {kept}"
    )


def hand_over(task: Task, source: Admin, target: Admin) -> None:
    """The move is closed: a database in service gets the comment that the source's has, in place of ours."""
    name = task.move.database
    if target.has_database(name) and live(task, target):
        text = source.comment(name) if source.has_database(name) else ""
        target.rows("postgres", f"comment on database {ident(name)} is {literal(text) if text else 'null'}")


def _key(task: Task, at_target: bool) -> str:
    return f"{task.job}/closed-{'target' if at_target else 'source'}"
