"""PostgreSQL databases: by logical replication where it can work, else by dump and restore, and then it says why."""

import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from migrate.findings import not_carried_back, of_move
from migrate.hosts import HostCommandFailed
from migrate.jobs import left_of
from migrate.replicators.ports import Moved, Task
from migrate.replicators.postgresql import access
from migrate.replicators.postgresql.dump import Dump
from migrate.replicators.postgresql.logical import Logical, blockers
from migrate.replicators.postgresql.psql import Admin, admin_of, literal
from migrate.verify.postgresql import compare, read_ahead
from migrate.verify.postgresql_bulk import Noted
from pse.core.documents.campaign import CheckResult
from pse.core.errors import PseError, Refused, RemoteError
from pse.core.findings import Finding, Severity
from pse.core.text import few, printable

HEADROOM = 1.2
_ROUNDS, _SOON_S = 3, 2.0


class PostgreSQL:
    """See the module."""

    def preflight(self, task: Task) -> tuple[Finding, ...]:
        """Servers, database, versions, extensions, locale, space, and by which method."""
        ends: list[Admin] = []
        for host in (task.source, task.target):
            try:
                ends.append(admin_of(host, task.move.port))
            except (HostCommandFailed, RemoteError) as exc:
                return (of_move("PSE-M020", task, f"{exc}", exc.hint),)
        source, target = ends
        database = task.move.database
        if not source.has_database(database):
            return (of_move("PSE-M020", task, f"{source.host.name} has no database {database}", "Correct its name."),)
        findings = []
        if source.version // 10000 > target.version // 10000:
            text = f"PostgreSQL {source.version // 10000} does not move to the older {target.version // 10000}"
            findings.append(of_move("PSE-M021", task, text, "Choose an image with the same or a newer version."))
        wanted = {row[0] for row in source.rows(database, "select extname from pg_extension")}
        there = {row[0] for row in target.rows("postgres", "select name from pg_available_extensions")}
        if lacking := sorted(wanted - there):
            text = f"extensions are not installed at {target.host.name}: {', '.join(lacking)}"
            findings.append(of_move("PSE-M022", task, text, "Add their packages to the target."))
        findings += _room(task, source, target)
        if strong := access.superusers(source, database):
            text = f"superusers can write {database} at {source.host.name} after the cut-over: {', '.join(strong)}"
            findings.append(of_move("PSE-M030", task, text, "Stop what logs in as them.", Severity.WARNING))
        if why := blockers(source, target, database):
            text = f"{database} moves by dump and restore, with writers stopped all the while: {'; '.join(why)}"
            findings.append(
                of_move("PSE-M023", task, text, "Remove the reasons to keep the stop short.", Severity.WARNING)
            )
        return tuple(findings)

    def seed(self, task: Task) -> Moved:
        """First copy, with writers going on; nothing yet for a dump."""
        source, target = _ends(task)

        def decide() -> dict[str, Any]:
            return {"why": blockers(source, target, task.move.database)}

        # Decided once an attempt: what the copy itself uses up (slots) must not change the answer.
        task.effect("method", f"choose how {task.move.database} moves", decide, probe=lambda: None)
        return self._by(task).seed()

    def delta(self, task: Task, *, final: bool) -> Moved:
        """Catch up; a dump is carried in the final pass."""
        way = self._by(task)
        if final:
            _settled(task, _end(task, at_target=False))
        if isinstance(way, Dump):
            return way.carry() if final else Moved(behind_s=0.0)
        moved = way.caught_up(within_s=task.left(3600))
        if not final:
            _ahead(task)
        return moved

    def finish(self, task: Task) -> Moved:
        """Sequences, large objects, unlogged tables, materialised views."""
        return self._by(task).finish()

    def verify(self, task: Task) -> tuple[CheckResult, ...]:
        """Counts and row hashes of every table, sequences, large objects; on the way out shape and roles, too."""
        source, target = _ends(task)
        noted = task.known("loaded") or {"passed": {}, "filled": 0}
        return compare(
            task.move.id,
            source,
            target,
            task.move.database,
            passed=noted["passed"],
            filled=0 if task.back else noted["filled"],
            shapes=not task.back,
            ahead=None if task.back else _known(task),
            timeout_s=task.left(4 * 3600),
        )

    def cleanup(self, task: Task) -> tuple[str, ...]:
        """Slots, publications, subscriptions, sockets, keys and job folders."""
        if task.gone:
            left = [*Logical(task, _end(task, at_target=False), Admin(task.target, task.move.port)).cleanup_source()]
        else:
            source, target = _ends(task)
            if task.closing:
                access.hand_over(task, source, target)
            left = [*Logical(task, source, target).cleanup()]
            task.passage.close()
        for host in task.ends:
            left += left_of(host, task.job)
        return tuple(left)

    def freeze(self, task: Task, *, at_target: bool) -> None:
        """Let nobody in who could write, end all clients, and note what stood before; survives a restart."""
        access.close(task, _end(task, at_target=at_target), at_target=at_target)

    def thaw(self, task: Task, *, at_target: bool) -> None:
        """Let it be written again, exactly as before; quiet when it is not frozen."""
        access.reopen(task, _end(task, at_target=at_target), at_target=at_target)

    def thaw_script(self, task: Task) -> str:
        """See `access.opening`."""
        return access.opening(task, _end(task, at_target=False), at_target=False)

    def arm(self, task: Task) -> Moved:
        """Turn the direction of replication."""
        return self._by(task).arm()

    def way_back(self, task: Task) -> tuple[Finding, ...]:
        """What was changed at the target besides rows and new tables stays there; a dump carries all."""
        way = self._by(task)
        left = way.way_back() if isinstance(way, Logical) else []
        return tuple(not_carried_back(task, text) for text in left)

    def catch_up(self, task: Task) -> Moved:
        """Everything that the target wrote since is brought to the source."""
        _settled(task, _end(task, at_target=True))
        return self._by(task).catch_up()

    def disarm(self, task: Task) -> tuple[str, ...]:
        """End the way back; a database with rows that never came back gets another name."""
        source, target = _ends(task)
        way = self._by(task)
        kept: tuple[str, ...] = ()
        if target.has_database(task.move.database) and access.live(task, target):
            stuck = way.dammed() if isinstance(way, Dump) else way.back.dammed()
            kept = (access.keep_aside(task, target),) if stuck else ()
        elif target.has_database(access.kept_as(task)):
            # Kept by a controller that died before it could say so.
            kept = (access.keep_aside(task, target),)
        Logical(task, source, target).disarm()
        return kept

    def rest(self, task: Task) -> None:
        """Let rows flow back; take the key away; the session that joins the sockets stays: the way back stays warm."""
        way = self._by(task)
        if isinstance(way, Logical):
            way.flow_back()
        task.passage.close()

    def _by(self, task: Task) -> Logical | Dump:
        source, target = _ends(task)
        known = task.journal.find(f"{task.key}/method")
        if known is not None and known.result is not None and known.result["why"]:
            return Dump(task, source, target, why="; ".join(known.result["why"]))
        return Logical(task, source, target)


def _settled(task: Task, admin: Admin) -> None:
    """Nobody can write any more, but for whoever ends a prepared transaction: its rows are at no end yet.

    Raises:
        Refused: There is one.
    """
    rows = admin.rows("postgres", f"select gid from pg_prepared_xacts where database = {literal(task.move.database)}")
    if rows:
        names = few([printable(row[0]) for row in rows], 3)
        raise Refused(
            f"transactions are prepared and neither committed nor rolled back: {names}",
            where=admin.host.name,
            hint="Let their coordinator end them (`commit prepared`, `rollback prepared`), then run it again.",
        )


def _ahead(task: Task) -> None:
    """Hash large tables at both ends, again until little can have been written meanwhile. Nothing depends on it."""
    source, target = _ends(task)
    for _ in range(_ROUNDS):
        began = time.monotonic()
        known = _known(task) or (None, None)
        try:
            with ThreadPoolExecutor(2) as pool:
                work = [
                    pool.submit(read_ahead, end, task.move.database, noted, timeout_s=task.left(4 * 3600))
                    for end, noted in zip((source, target), known, strict=True)
                ]
                mine, theirs = (one.result() for one in work)
        except RemoteError:
            return
        if mine is None or theirs is None:
            return
        task.note("ahead", {"ends": msgspec.to_builtins((mine, theirs), str_keys=True)})
        if time.monotonic() - began < _SOON_S:
            return


def _known(task: Task) -> tuple[Noted, Noted] | None:
    found = task.known("ahead")
    return msgspec.convert(found["ends"], tuple[Noted, Noted], strict=False) if found else None


def _ends(task: Task) -> tuple[Admin, Admin]:
    return _end(task, at_target=False), _end(task, at_target=True)


def _end(task: Task, *, at_target: bool) -> Admin:
    return admin_of(task.target if at_target else task.source, task.move.port)


def _room(task: Task, source: Admin, target: Admin) -> list[Finding]:
    size = int(source.one("postgres", f"select pg_database_size({literal(task.move.database)})"))
    try:
        folder = target.one("postgres", "show data_directory")
        free = int(target.host.text(f"df -Pk -- {shlex.quote(folder)} | awk 'NR==2 {{print $4}}'").strip()) * 1024
    except (PseError, ValueError) as exc:
        text = f"free space at {target.host.name} is not known: {printable(str(exc))}"
        return [of_move("PSE-M024", task, text, "Look for yourself.", Severity.WARNING)]
    if size * HEADROOM > free:
        text = f"{task.move.database} needs {int(size * HEADROOM) >> 20} MiB; {target.host.name} has {free >> 20} MiB"
        return [of_move("PSE-M024", task, text, "Give the target a larger volume.")]
    return []
