"""MariaDB databases: by GTID replication where it can work, else by dump with writers stopped, and then it says why.

All databases of a server move together (`Move.database` names them, joined by commas): its log is one stream, and it is
read-only as a whole.
"""

from typing import Any

from migrate.findings import not_carried_back, of_move
from migrate.hosts import HostCommandFailed
from migrate.jobs import left_of
from migrate.replicators.mariadb import access
from migrate.replicators.mariadb.dump import Whole
from migrate.replicators.mariadb.preflight import blockers, look, without_transactions
from migrate.replicators.mariadb.replica import Replica
from migrate.replicators.mariadb.server import Server, server_of
from migrate.replicators.ports import Moved, Task
from migrate.verify.mariadb import compare
from migrate.verify.mariadb_bulk import unchanged
from pse.core.documents.campaign import CheckResult
from pse.core.errors import RemoteError
from pse.core.findings import Finding, Severity


class MariaDB:
    """See the module."""

    def preflight(self, task: Task) -> tuple[Finding, ...]:
        """Servers, databases, versions, engines, accounts, space, settings, and by which method."""
        ends: list[Server] = []
        for host in (task.source, task.target):
            try:
                ends.append(server_of(host, task.move.port if host is task.source else 0))
            except (HostCommandFailed, RemoteError) as exc:
                return (of_move("PSE-M020", task, f"{exc}", exc.hint),)
        source, target = ends
        if strangers := [end.host.name for end in ends if end.is_mysql]:
            text = (
                f"the database server of {', '.join(strangers)} is MySQL, not MariaDB: their replication does not mix"
            )
            return (of_move("PSE-M061", task, text, "Move it by its own tools: MySQL was never tested here."),)
        there = source.databases()
        if missing := [name for name in _names(task) if name not in there]:
            text = f"{source.host.name} has no database {', '.join(missing)}"
            return (of_move("PSE-M020", task, text, "Correct its name."),)
        found = look(task, source, target, _names(task))
        if why := blockers(source, target):
            text = f"{task.move.database} moves by dump, with writers stopped all the while: {'; '.join(why)}"
            remedy = "Remove the reasons to keep the stop short."
            found.append(of_move("PSE-M023", task, text, remedy, Severity.WARNING))
        return tuple(found)

    def seed(self, task: Task) -> Moved:
        """First copy, with writers going on; nothing yet for a dump."""
        source, target = _ends(task)

        def decide() -> dict[str, Any]:
            return {"why": blockers(source, target), "still": without_transactions(source, _names(task))}

        # Decided once an attempt, so that every later step goes the same way.
        task.effect("method", f"choose how {task.move.database} moves", decide, probe=lambda: None)
        return self._by(task).seed()

    def delta(self, task: Task, *, final: bool) -> Moved:
        """Catch up; a dump is carried in the final pass."""
        way = self._by(task)
        if isinstance(way, Whole):
            return way.carry() if final else Moved(behind_s=0.0)
        return way.caught_up(within_s=task.left(3600), final=final)

    def finish(self, task: Task) -> Moved:
        """Tables without transactions, sequences, automatic keys, events."""
        return self._by(task).finish()

    def verify(self, task: Task) -> tuple[CheckResult, ...]:
        """Counts and row hashes of every table, the shape, what is given next; on the way out accounts, too."""
        source, target = _ends(task)
        noted = task.known("loaded") or {"passed": {}, "filled": 0}
        bulk = None if task.back else task.known("bulk")
        return compare(
            task.move.id,
            source,
            target,
            _names(task),
            loaded={**noted, "filled": 0} if task.back else noted,
            shapes=not task.back,
            known=unchanged(bulk, source, target, _names(task)) if bulk else None,
            timeout_s=task.left(4 * 3600),
        )

    def cleanup(self, task: Task) -> tuple[str, ...]:
        """Connections, accounts, options, sessions, keys and job folders; a copy that is not in service."""
        left: list[str] = []
        if task.gone:
            left += self._by(task).cleanup_source()
        else:
            left += self._by(task).cleanup()
            task.passage.close()
        for host in task.ends:
            left += left_of(host, task.job)
            left += access.options_left(_end(task, at_target=host is task.target), task.job)
        return tuple(left)

    def freeze(self, task: Task, *, at_target: bool) -> None:
        """Read-only, no events, all clients ended; survives a restart."""
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
        """Accounts and new databases of the target stay there; all else flows."""
        return tuple(not_carried_back(task, text) for text in self._by(task).way_back())

    def catch_up(self, task: Task) -> Moved:
        """Everything that the target wrote since is brought to the source."""
        return self._by(task).catch_up()

    def disarm(self, task: Task) -> tuple[str, ...]:
        """End the way back; tables with rows that never came back go to databases of other names."""
        way = self._by(task)
        kept = (way.copy.keep_aside(),) if way.copy.mark.live and way.dammed() else ()
        way.disarm()
        return kept

    def rest(self, task: Task) -> None:
        """Let changes flow back; take the key away; the session stays: the way back stays warm."""
        way = self._by(task)
        if isinstance(way, Replica):
            way.flow_back()
        task.passage.close()

    def _by(self, task: Task) -> Replica | Whole:
        source = _end(task, at_target=False)
        target = Server(task.target, "", "", "") if task.gone else _end(task, at_target=True)
        known = task.journal.find(f"{task.key}/method")
        method = known.result if known is not None and known.result is not None else {"why": [], "still": []}
        if method["why"]:
            return Whole(task, source, target, _names(task), why="; ".join(method["why"]))
        return Replica(task, source, target, _names(task), still=tuple(method["still"]))


def _names(task: Task) -> tuple[str, ...]:
    return tuple(task.move.database.split(","))


def _ends(task: Task) -> tuple[Server, Server]:
    return _end(task, at_target=False), _end(task, at_target=True)


def _end(task: Task, *, at_target: bool) -> Server:
    # The target listens where its image says; it has one server only.
    return server_of(task.target, 0) if at_target else server_of(task.source, task.move.port)
