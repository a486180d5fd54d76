"""Who may write to a MariaDB server: read-only while it must not be written, and afterwards exactly as it was.

``read_only`` stops everybody but accounts with READ ONLY ADMIN, and lets the thread through that applies what the other
side writes. ``SET GLOBAL`` does not outlive a restart, so a file of options says the same; the server reads it only
when it starts. Source: MariaDB's ``read_only`` and ``event_scheduler`` system variables.
"""

import shlex
from typing import Any

from migrate.replicators.mariadb.server import Server, literal
from migrate.replicators.ports import Task
from pse.core.errors import Refused
from pse.core.journal import once

_FOLDERS = r"""pid=$(PIDFILE); pid=$(cat "$pid" 2>/dev/null)
given=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" |
  sed -n 's/^--defaults-file=//p; s/^--no-defaults$/none/p' | head -n 1)
for f in ${given:-/etc/my.cnf /etc/mysql/my.cnf /etc/mysql/mariadb.cnf}; do
  [ -r "$f" ] && sed -n 's/^[[:space:]]*!includedir[[:space:]]\{1,\}//p' "$f"
done | while IFS= read -r d; do d=${d%/}; [ -d "$d" ] && SUDO test -w "$d" && printf '%s\n' "$d"; done | tail -n 1"""


def folder_of_options(server: Server) -> str:
    """The folder whose files the server reads when it starts and that we may write to; empty for none."""
    known = server.host.known.get(f"options {server.socket}")
    if not isinstance(known, str):
        pid_file = shlex.quote(
            server.one("select if(left(@@pid_file, 1) = '/', @@pid_file, concat(@@datadir, @@pid_file))")
        )
        script = _FOLDERS.replace("$(PIDFILE)", pid_file).replace("SUDO", server.sudo)
        known = server.host.text(script, what="finding the folder of options").strip()
        server.host.known[f"options {server.socket}"] = known
    return known


class Options:
    """A file of options of ours, which counts from the server's next start on.

    Args:
        server: Whose.
        name: Tells it from others of ours.
    """

    def __init__(self, server: Server, name: str) -> None:
        """Find its place.

        Raises:
            Refused: There is none.
        """
        folder = folder_of_options(server)
        if not folder:
            raise Refused(
                "there is no folder of options that the server reads and we may write to",
                where=server.host.name,
                hint="Let its my.cnf say `!includedir` with a folder that the login user may write to, or allow sudo.",
            )
        self._server = server
        # Last in the order of names, so that nothing overrides it.
        self.path = f"{folder}/zz-{name}.cnf"

    def writing(self, *lines: str) -> str:
        """A script that writes it. The server's own account has to be able to read it."""
        text = "".join(f"{line}\n" for line in ("[mysqld]", *lines))
        new, path, sudo = shlex.quote(f"{self.path}.new"), shlex.quote(self.path), self._server.sudo
        return (
            f"printf %s {shlex.quote(text)} | {sudo} tee {new} >/dev/null && {sudo} chmod 644 {new} "
            f"&& {sudo} mv {new} {path}"
        )

    def write(self, *lines: str) -> None:
        """Write it; safe to repeat."""
        self._server.host.text(self.writing(*lines), what="writing the server's options")

    def remove(self) -> None:
        """Remove it; quiet when it is gone."""
        paths = " ".join(shlex.quote(f"{self.path}{end}") for end in ("", ".new", ".gone"))
        self._server.host.text(f"{self._server.sudo} rm -f {paths}", what="removing the server's options")


def options_left(server: Server, job: str) -> list[str]:
    """Files of options of this move."""
    if not (folder := folder_of_options(server)):
        return []
    # Those of a freeze stay for as long as it does.
    script = f"ls -A {shlex.quote(folder)} | grep -- {shlex.quote(job)} | grep -v -- -frozen; true"
    return [f"{server.host.name}: {folder}/{line}" for line in server.host.text(script).splitlines()]


def close(task: Task, server: Server, *, at_target: bool) -> None:
    """Stop writers and events, end all clients, and keep what stood before for `reopen`; safe to repeat.

    Raises:
        FreezeOver: The source was given back meanwhile.
    """
    before = _before(task, server, at_target=at_target)
    events = "set global event_scheduler = off;\n" if before["events"] != "DISABLED" else ""
    lines = ["read_only = 1", "skip_slave_start", *(["event_scheduler = off"] if events else [])]
    # Clients first: an open transaction would keep the lock waiting. The lock then waits for what is being committed.
    sql = (
        f"{events}{server.ending()}set global read_only = 1;\n{server.ending()}"
        "flush tables with read lock;\nunlock tables;\n"
    )
    script = f"{_frozen(task, server).writing(*lines)} && printf %s {shlex.quote(sql)} | {server.client}"
    if at_target or task.stop_source is None:
        server.host.text(script, what=f"closing {task.move.database}")
    else:
        task.stop_source(script, f"closing {task.move.database}")


def opening(task: Task, server: Server, *, at_target: bool) -> str:
    """A script that gives back what stands now, or stood before `close`; it leaves alone what is not closed.

    Whoever runs it may be late: only while our file of options is there, or was just moved away, is it closed by us.
    """
    before = _before(task, server, at_target=at_target)
    sql = f"set global read_only = {before['read_only']};\n"
    if before["events"] != "DISABLED":
        sql += f"set global event_scheduler = {before['events']};\n"
    path, sudo = shlex.quote(_frozen(task, server).path), server.sudo
    return (
        f"[ -e {path} ] || [ -e {path}.gone ] || exit 0\n"
        # First the file, so that a server that starts just now is not closed again; the copy says that more is to do.
        f"[ ! -e {path} ] || {sudo} mv {path} {path}.gone || exit 1\n"
        f"printf %s {shlex.quote(sql)} | {server.client} >/dev/null && {sudo} rm -f {path}.gone"
    )


def reopen(task: Task, server: Server, *, at_target: bool) -> None:
    """Give back what stood before `close`; quiet when it is not closed."""
    known = task.journal.find(_key(task, at_target))
    if known is None:
        return
    if known.result is not None:
        script = opening(task, server, at_target=at_target)
        server.host.text(script, what=f"giving {task.move.database} back to its writers")
    task.journal.forget(_key(task, at_target))


def events_before(task: Task, server: Server, *, at_target: bool) -> str:
    """The event scheduler's state before `close`, or now."""
    known = task.journal.find(_key(task, at_target))
    return str(known.result["events"]) if known and known.result else server.one("select @@global.event_scheduler")


def writers_left(server: Server) -> list[str]:
    """Accounts that ``read_only`` does not stop and that can log in; our own way in counts when others use it."""
    strong = ["READ_ONLY ADMIN", "READ ONLY ADMIN"]
    if server.version < (10, 11):
        # Until then it was a part of SUPER.
        strong.append("SUPER")
    found = server.column(
        "select distinct replace(grantee, '''', '') from information_schema.user_privileges where privilege_type in "
        f"({', '.join(map(literal, strong))}) order by 1"
    )
    return [name for name in found if name not in (server.account, "root@localhost", "mariadb.sys@localhost")]


def _frozen(task: Task, server: Server) -> Options:
    return Options(server, f"{task.job}-frozen")


def _before(task: Task, server: Server, *, at_target: bool) -> dict[str, Any]:
    """What stood before `close`: noted once."""

    def look() -> dict[str, Any]:
        ((read_only, events),) = server.rows("select @@global.read_only + 0, @@global.event_scheduler")
        return {"read_only": int(read_only), "events": events}

    return once(
        task.journal,
        _key(task, at_target),
        f"note who may write to {task.move.database}",
        detail={},
        probe=lambda _: None,
        act=lambda _: look(),
    )


def _key(task: Task, at_target: bool) -> str:
    return f"{task.job}/closed-{'target' if at_target else 'source'}"
