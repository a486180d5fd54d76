"""What steps of a workload do: stop and start services, bounded by the freeze, move by move."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

from msgspec.structs import replace

from migrate import checks
from migrate.guard import Guards
from migrate.hosts import Host
from migrate.jobs import bounded as ended_after
from migrate.recorded import Recorded
from migrate.replicators.ports import FreezeOver, Moved, Task
from migrate.work import guards_of
from pse.core.documents.campaign import CheckResult, WorkloadProgress
from pse.core.documents.plan import Move, Service
from pse.core.errors import Incomplete, PseError, Refused, RemoteError
from pse.core.progress import Event
from pse.core.text import counted

T = TypeVar("T")
PERMIT = "permit"
"""Effect of an attempt: its guards have stood down, so a record may be switched from here on."""
CHECK_S = 30.0
"""Seconds that a service may take until its checks hold, or until they do not any more."""
COMMAND_S = 60.0
"""Seconds that a start or stop command may take before it is ended."""


@dataclass(eq=False)
class Steps(Recorded):
    """What moving and moving back have in common."""

    # -- what a freeze is --------------------------------------------------------------------------------------------

    def frozen_at(self) -> float | None:
        """Moment when this attempt began to stop writers; None when it did not, or gave them back."""
        found = self.known("frozen")
        return float(found["at"]) if found else None

    def mark_frozen(self) -> None:
        """Note the moment before the first writer is stopped."""
        moment = {"at": time.time()}
        self.effect("frozen", f"stop writers of {self.workload}", lambda: moment, lambda: None)

    def mark_thawed(self) -> None:
        """The source is written again."""
        self.runtime.journal.forget(self.name_of("frozen"))

    @cached_property
    def guards(self) -> Guards:
        """The guards of this attempt, one on every host that it stops something on."""
        return guards_of(self.runtime, self.work, self.key)

    def arm_guards(self) -> dict[str, Any]:
        """Let every source host give itself back, by the commands of `thaw`, when nobody else does in time."""
        commands: dict[str, list[str]] = {}
        for move in self.work.moves:
            task = self.task(move)
            if script := self.runtime.replicator(move).thaw_script(task):
                commands.setdefault(task.source.name, []).append(script)
        for service in self.work.services:
            commands.setdefault(self.old(service).name, []).append(ended_after(service.start, COMMAND_S))
        over = self.over() or time.time()
        grace = self.runtime.workspace.settings.migrate.freeze_grace_s
        self.guards.arm(after_s=over - time.time() + grace, commands=commands)
        return {"over": over + grace}

    def over(self) -> float | None:
        """Moment when the freeze has to end."""
        at = self.frozen_at()
        return None if at is None else at + self.runtime.workspace.settings.migrate.freeze_budget_s

    def left_s(self) -> float:
        """Seconds that a hook may take at most: up to the end of the freeze."""
        over = self.over()
        return float("inf") if over is None else over - time.time()

    def within_budget(self) -> None:
        """Go on only while the freeze may last.

        Raises:
            FreezeOver: It has to end.
        """
        over = self.over()
        if over is not None and time.time() > over:
            budget = self.runtime.workspace.settings.migrate.freeze_budget_s
            raise FreezeOver(
                f"writers were stopped for more than {budget:g} s, so they are given back to the source",
                where=self.workload,
                hint="Run again; or raise freeze_budget_s in pse.toml.",
            )

    # -- moves ---------------------------------------------------------------------------------------------------------

    def task(self, move: Move, *, bounded: bool = False) -> Task:
        """The task of a move, bounded by the freeze or not."""
        task = self.runtime.task(self.work, move, self.key)
        task.over = self.over() if bounded else None
        task.stop_source = partial(self._stop_source, task.source.name) if bounded else None
        return task

    def _stop_source(self, host: str, script: str, what: str) -> None:
        # What the script leaves running must not hold the guard up.
        script = ended_after(f"exec 9>&-; {script}", COMMAND_S)
        self.guards.stop(host, script, timeout_s=COMMAND_S + 10, what=what)

    def together(self, act: Callable[[Move], T]) -> list[T]:
        """Do ``act`` for all moves at the same time; the first failure counts when all have ended."""
        moves = self.work.moves
        if not moves:
            return []
        with ThreadPoolExecutor(len(moves)) as pool:
            waiting = [pool.submit(act, move) for move in moves]
        return [done.result() for done in waiting]

    def passes(self, act: Callable[[Move], Moved]) -> str:
        """One pass of all moves; adds up what was sent and returns the notes."""
        moved = self.together(act)
        lag = {move.id: one.behind_s for move, one in zip(self.work.moves, moved, strict=True)}
        self.keep("behind", {"seconds": lag, "at": time.time()})
        for move, seconds in lag.items():
            if seconds is not None:
                self.runtime.progress(
                    Event(
                        step="pass",
                        state="done",
                        subject=move,
                        message=f"at most {seconds:.1f} s behind",
                        data={"behind_s": seconds},
                    )
                )
        sent = sum(one.sent for one in moved)

        def add(progress: WorkloadProgress) -> WorkloadProgress:
            return replace(progress, bytes_moved=progress.bytes_moved + sent)

        self.runtime.store.update(self.workload, add)
        if kept := [said for one in moved for said in one.kept]:
            self.add_findings(kept)
        pairs = zip(self.work.moves, moved, strict=True)
        return "; ".join(
            f"{move.id}: {counted(one.sent, 'byte')}" + (f", {one.note}" if one.note else "") for move, one in pairs
        )

    def behind(self) -> float | None:
        """Seconds of writing that a target may lack after the last passes; None when a move does not know."""
        known = (self.known("behind") or {"seconds": {"": None}})["seconds"].values()
        return max((float(one) for one in known), default=0.0) if None not in known else None

    def give_back(self, move: Move, task: Task, *, strict: bool = False) -> list[str]:
        """Let a move's source be written again, also when the target is out of reach; ``strict`` as in `tried`."""
        replicator = self.runtime.replicator(move)
        kept: list[str] = []
        notes = self.tried(lambda: kept.extend(replicator.disarm(task)), strict=strict)
        try:
            if kept:
                self.add_findings(kept)
        finally:
            # Writers wait for no note that cannot be written.
            replicator.thaw(task, at_target=False)
        return notes + kept

    def give_all_back(
        self, task_of: Callable[[Move], Task], *, strict: bool = False, services: bool = True
    ) -> list[str]:
        """Let every move's source be written again and start every service there; returns what was seen.

        One thing that does not come back keeps nothing else down.

        Args:
            task_of: The task of a move.
            strict: As in `tried`.
            services: Services were stopped, too.

        Raises:
            PseError: What did not come back, when all else has been tried.
        """
        return self.start_again(
            lambda move: self.give_back(move, task_of(move), strict=strict), self.old, "source", services=services
        )

    def start_again(
        self,
        thaw: Callable[[Move], list[str]],
        where: Callable[[Service], Host],
        side: str,
        *,
        services: bool = True,
    ) -> list[str]:
        """Do ``thaw`` for all moves and start all services of a side; whatever fails is raised when all is tried."""
        failed: list[PseError] = []
        one = partial(self._gathered, failed)
        notes = self.together(lambda move: one(partial(thaw, move)))
        if services:
            self.forget_commands(side)
            notes += [one(partial(self._start, each, where, side, bounded=False)) for each in self.work.services]
        if failed[1:]:
            raise RemoteError("; ".join(str(exc) for exc in failed), where=self.workload) from failed[0]
        if failed:
            raise failed[0]
        return [note for each in notes for note in each]

    def _gathered(self, failed: list[PseError], act: Callable[[], list[str]]) -> list[str]:
        try:
            return act()
        except PseError as exc:
            failed.append(exc)
        except Exception as exc:  # noqa: BLE001 - whatever it is, a defect of ours too: the others must not wait for it
            failed.append(RemoteError(str(exc) or type(exc).__name__, where=self.workload))
        return []

    def tried(self, act: Callable[[], object], *, strict: bool = False) -> list[str]:
        """Do ``act``; what it failed with is a note, or raised when ``strict``: writers must not wait for it."""
        try:
            act()
        except PseError as exc:
            if strict:
                raise
            return [f"{exc}"]
        return []

    def verified(self, results: list[tuple[CheckResult, ...]]) -> str:
        """Keep the results of a verification.

        Raises:
            Incomplete: Something is not equal, or a move has no result.
        """
        found = tuple(result for each in results for result in each)
        unlike = [result for result in found if not result.equal or result.items < 1]

        def keep(progress: WorkloadProgress) -> WorkloadProgress:
            return replace(progress, checks=found, mismatches=len(unlike))

        self.runtime.store.update(self.workload, keep)
        if unlike or not all(results):
            first = unlike[0] if unlike else None
            text = f"{first.subject} ({first.detail or 'hashes differ'})" if first else "a move was not compared at all"
            raise Incomplete(
                f"{len(unlike)} of {len(found)} comparisons differ, first {text}",
                where=self.workload,
                hint="Nothing was switched. Find out who wrote, then run again.",
            )
        return f"{counted(len(found), 'comparison')} equal"

    # -- services --------------------------------------------------------------------------------------------------

    def stop_services(self, where: Callable[[Service], Host], side: str, *, proved: bool = False) -> None:
        """Stop all, last started first; their commands are safe to repeat.

        Args:
            where: The host of a service.
            side: ``source`` or ``target``; the source only while its guards have not given it back.
            proved: Go on only when no check of any holds any more.

        Raises:
            RemoteError: A command failed or did not end, or a service still answers.
            FreezeOver: The source was given back meanwhile.
        """
        for service in reversed(self.work.services):
            host, what, effect = where(service), f"stop {service.name}", f"{side}-stop-{service.name}"
            if side == "source":
                self.effect(
                    effect, f"{what} on {host.name}", partial(self._stop_old, host, service, what), lambda: None
                )
            else:
                self._command(host, service.stop, what, effect)
        for service in self.work.services if proved else ():
            host = where(service)
            for check in service.checks:
                checks.must_end(check, host, address=_given(host.endpoint.address), within_s=self._within(CHECK_S))

    def _stop_old(self, host: Host, service: Service, what: str) -> dict[str, Any]:
        self._stop_source(host.name, service.stop, what)
        return {"host": host.name}

    def start_services(self, where: Callable[[Service], Host], side: str, *, bounded: bool = True) -> list[str]:
        """Start all in order; each has to answer before the next is started. Returns what was seen."""
        return [seen for one in self.work.services for seen in self._start(one, where, side, bounded=bounded)]

    def _start(self, service: Service, where: Callable[[Service], Host], side: str, *, bounded: bool) -> list[str]:
        host = where(service)
        took = self._within(COMMAND_S) if bounded else COMMAND_S
        self._command(host, service.start, f"start {service.name}", f"{side}-start-{service.name}", within_s=took)
        within = self._within(CHECK_S) if bounded else CHECK_S
        address = _given(host.endpoint.address)
        return [checks.must_hold(check, host, address=address, within_s=within) for check in service.checks]

    def _within(self, seconds: float) -> float:
        """Up to the end of the freeze, at most ``seconds``."""
        over = self.over()
        return seconds if over is None else max(0.0, min(seconds, over - time.time()))

    def new(self, service: Service) -> Host:
        """The server that runs it afterwards."""
        return self.runtime.target(self.work, service.server)

    def old(self, service: Service) -> Host:
        """The host that runs it today."""
        return self.runtime.old_host(self.work, service.server)

    def check_by_name(self, *, within_s: float = CHECK_S) -> list[str]:
        """Every HTTP check of a server with a record, called by that name as users do."""
        seen = []
        for switch in self.work.switches:
            for service in self.work.services:
                for check in service.checks:
                    if service.server == switch.server and check.http and self.runtime.dns.used:
                        name = switch.name
                        seen.append(
                            f"{name}: "
                            + checks.must_hold(
                                check, self.new(service), address=self._looked_up(name), name=name, within_s=within_s
                            )
                        )
        return seen

    def _looked_up(self, name: str) -> Callable[[], str]:
        return lambda: self.runtime.dns.lookup(name)[0]

    def _command(self, host: Host, command: str, what: str, effect: str, *, within_s: float = COMMAND_S) -> None:
        seconds = max(1.0, within_s)

        def act() -> dict[str, Any]:
            host.text(ended_after(command, seconds), timeout_s=seconds + 10, what=what)
            return {"host": host.name}

        self.effect(effect, f"{what} on {host.name}", act, lambda: None)

    def begun_before(self, command: str) -> bool:
        """A service had this command, such as ``target-start``, in an earlier attempt."""
        prefix = f"{self.runtime.plan[:16]}/{self.workload}/a"
        keys = [f"{prefix}{n}/{command}-{s.name}" for n in range(1, int(self.key[1:])) for s in self.work.services]
        return any(self.runtime.journal.find(key) is not None for key in keys)

    def forget_commands(self, side: str) -> None:
        """Let the services of a side be stopped or started once more in this attempt."""
        for service in self.work.services:
            for verb in ("stop", "start"):
                self.runtime.journal.forget(self.name_of(f"{side}-{verb}-{service.name}"))

    def must_point(self, name: str, ends: tuple[str, str]) -> None:
        """See that a record points at the old or the new address.

        Raises:
            Refused: Somebody changed it.
            RemoteError: The name server does not answer.
        """
        there, _ = self.runtime.dns.lookup(name)
        if there not in ends:
            raise Refused(
                f"{name} points at {there or 'nothing'}, neither at {ends[0]} nor at {ends[1]}",
                where=self.workload,
                hint="Somebody changed it meanwhile; set it right by hand, then run again.",
            )


def _given(address: str) -> Callable[[], str]:
    return lambda: address
