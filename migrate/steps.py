"""How a step of a workload runs: recorded, bounded by the freeze, once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from migrate import checks, durable
from migrate.hosts import Host
from migrate.jobs import bounded as ended_after
from migrate.replicators.ports import FreezeOver, Moved, Task
from migrate.work import Runtime, Work
from pse.core.canonical import encode, hash_of
from pse.core.documents.campaign import CheckResult, MoveState, StepRecord, WorkloadProgress
from pse.core.documents.plan import Move, Service
from pse.core.errors import Incomplete, PseError
from pse.core.findings import Finding, Severity
from pse.core.journal import Intent, once
from pse.core.progress import Event
from pse.core.text import counted, printable
from pse.core.time import now

T = TypeVar("T")
CHECK_S = 30.0
"""Seconds that a service may take until its checks hold, or until they do not any more."""
COMMAND_S = 60.0
"""Seconds that a start or stop command may take before it is ended."""


@dataclass(eq=False)
class Steps:
    """What moving and moving back have in common.

    Attributes:
        runtime: What this process holds.
        work: The workload.
        key: Names the attempt in the journal: ``a1``, ``a2`` … for moves.
    """

    runtime: Runtime
    work: Work
    key: str

    @property
    def workload(self) -> str:
        """Its id."""
        return self.work.workload

    def step(self, name: str, act: Callable[[], str], *, state: MoveState | None = None, always: bool = False) -> str:
        """Run ``act`` as the durable step ``name``; it returns a note in words.

        Args:
            name: Unique in the workflow.
            act: Does it; safe to repeat.
            state: State of the workload afterwards.
            always: Run it even when the user wants to stop: it ends a freeze.
        """

        def body() -> str:
            if self.runtime.stop.is_set() and not always:
                raise durable.Stopped
            started = now()
            self._record(StepRecord(workload=self.workload, step=name, started=started, ended=None, outcome="running"))
            self.tell(name, "start")
            try:
                note = act()
            except Exception as exc:
                hint = exc.hint if isinstance(exc, PseError) else ""
                self._ended(name, "failed", f"{exc}. {hint}" if hint else str(exc) or type(exc).__name__)
                self.tell(name, "failed", printable(str(exc)))
                raise
            self._ended(name, "done", note, state)
            self.tell(name, "done", f"{note} ({(now() - started).total_seconds():.1f} s)".strip())
            return note

        return durable.step(name, body)

    def tell(self, step: str, state: str, message: str = "") -> None:
        """Say where it is."""
        self.runtime.progress(Event(step=step, state=state, subject=self.workload, message=message))

    def effect(
        self, name: str, what: str, act: Callable[[], dict[str, Any]], probe: Callable[[], dict[str, Any] | None]
    ) -> dict[str, Any]:
        """Make one effect of this attempt at most once."""

        def look(_intent: Intent) -> dict[str, Any] | None:
            return probe()

        def make(_intent: Intent) -> dict[str, Any]:
            return act()

        return once(self.runtime.journal, self.name_of(name), what, detail={}, probe=look, act=make)

    def name_of(self, effect: str) -> str:
        """Key of an effect of this attempt in the journal."""
        return f"{self.runtime.plan[:16]}/{self.workload}/{self.key}/{effect}"

    def known(self, effect: str) -> dict[str, Any] | None:
        """What an effect gave; None when it was not made."""
        found = self.runtime.journal.find(self.name_of(effect))
        return found.result if found is not None else None

    # -- what a freeze is --------------------------------------------------------------------------------------------

    def frozen_at(self) -> float | None:
        """Moment when this attempt began to stop writers; None when it did not, or gave them back."""
        found = self.known("frozen")
        return float(found["at"]) if found else None

    def mark_frozen(self) -> None:
        """Note the moment before the first writer is stopped."""
        for number in range(1, int(self.key[1:])):
            self.runtime.journal.forget(f"{self.runtime.plan[:16]}/{self.workload}/a{number}/frozen")
        moment = {"at": time.time()}
        self.effect("frozen", f"stop writers of {self.workload}", lambda: moment, lambda: None)

    def mark_thawed(self) -> None:
        """The source is written again."""
        self.runtime.journal.forget(self.name_of("frozen"))

    def over(self) -> float | None:
        """Moment when the freeze has to end."""
        at = self.frozen_at()
        return None if at is None else at + self.runtime.workspace.settings.migrate.freeze_budget_s

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
        return task

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
        self._keep("behind", {"seconds": lag})
        sent = sum(one.sent for one in moved)

        def add(progress: WorkloadProgress) -> WorkloadProgress:
            return replace(progress, bytes_moved=progress.bytes_moved + sent)

        self.runtime.store.update(self.workload, add)
        if kept := [said for one in moved for said in one.kept]:
            self._add_findings(kept)
        pairs = zip(self.work.moves, moved, strict=True)
        return "; ".join(
            f"{move.id}: {counted(one.sent, 'byte')}" + (f", {one.note}" if one.note else "") for move, one in pairs
        )

    def behind(self) -> float | None:
        """Seconds of writing that a target may lack after the last passes; None when a move does not know."""
        known = (self.known("behind") or {"seconds": {"": None}})["seconds"].values()
        return max((float(one) for one in known), default=0.0) if None not in known else None

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

    def findings(self, found: list[Finding]) -> None:
        """Keep what a person has to know of this workload."""
        key = f"{self.runtime.plan[:16]}/{self.workload}/findings"
        self.runtime.journal.forget(key)
        self.runtime.journal.open(key, f"findings of {self.workload}", {})
        self.runtime.journal.done(key, {"findings": encode(found).decode("utf-8")})

    def _add_findings(self, kept: list[str]) -> None:
        known = self.runtime.journal.find(f"{self.runtime.plan[:16]}/{self.workload}/findings")
        found = msgspec.json.decode(known.result["findings"], type=list[Finding]) if known and known.result else []
        for said in kept:
            finding = Finding(
                code="PSE-M019",
                severity=Severity.WARNING,
                subject=self.workload,
                message=said,
                remedy="Look whether somebody needs it, and take it away from there.",
                source="copy",
            )
            found += [finding] if finding not in found else []
        self.findings(found)

    def told(self, kind: str) -> None:
        """Write into the ledger that this was done, once an attempt."""
        from policy.ledger import Ledger

        ledger = Ledger(self.runtime.workspace)
        data = {"plan": self.runtime.plan, "workload": self.workload, "attempt": self.key}
        data["checks"] = hash_of(self.runtime.store.get(self.workload).checks)

        def written() -> dict[str, Any] | None:
            return {} if any(e.kind == kind and e.data == data for e in ledger.entries()) else None

        def write() -> dict[str, Any]:
            ledger.record(kind, data)
            return {}

        self.effect(f"ledger-{kind}", f"tell the ledger of the {kind}", write, written)

    def _keep(self, name: str, value: dict[str, Any]) -> None:
        self.runtime.journal.forget(self.name_of(name))
        self.runtime.journal.open(self.name_of(name), f"{name} of {self.workload}", {})
        self.runtime.journal.done(self.name_of(name), value)

    # -- services --------------------------------------------------------------------------------------------------

    def stop_services(self, where: Callable[[Service], Host], side: str, *, proved: bool = False) -> None:
        """Stop all, last started first; their commands are safe to repeat.

        Args:
            where: The host of a service.
            side: ``source`` or ``target``.
            proved: Go on only when no check of any holds any more.

        Raises:
            RemoteError: A command failed or did not end, or a service still answers.
        """
        for service in reversed(self.work.services):
            host = where(service)
            self._command(host, service.stop, f"stop {service.name}", f"{side}-stop-{service.name}")
        for service in self.work.services if proved else ():
            host = where(service)
            for check in service.checks:
                checks.must_end(check, host, address=_given(host.endpoint.address), within_s=self._within(CHECK_S))

    def start_services(self, where: Callable[[Service], Host], side: str, *, bounded: bool = True) -> list[str]:
        """Start all in order; each has to answer before the next is started. Returns what was seen."""
        seen = []
        for service in self.work.services:
            host = where(service)
            took = self._within(COMMAND_S) if bounded else COMMAND_S
            self._command(host, service.start, f"start {service.name}", f"{side}-start-{service.name}", within_s=took)
            for check in service.checks:
                within = self._within(CHECK_S) if bounded else CHECK_S
                address = host.endpoint.address
                seen.append(checks.must_hold(check, host, address=_given(address), within_s=within))
        return seen

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

    def forget_commands(self, side: str) -> None:
        """Let the services of a side be stopped or started once more in this attempt."""
        for service in self.work.services:
            for verb in ("stop", "start"):
                self.runtime.journal.forget(self.name_of(f"{side}-{verb}-{service.name}"))

    # -- records ----------------------------------------------------------------------------------------------------

    def set_state(self, state: MoveState) -> None:
        """Say where the workload stands."""
        self.runtime.store.update(self.workload, lambda progress: replace(progress, state=state))

    def _record(self, record: StepRecord) -> None:
        def begin(progress: WorkloadProgress) -> WorkloadProgress:
            steps = tuple(
                replace(step, ended=record.started, outcome="failed", note="interrupted; begun again")
                if step.outcome == "running"
                else step
                for step in progress.steps
            )
            return replace(progress, steps=(*steps, record))

        self.runtime.store.update(self.workload, begin)

    def _ended(self, name: str, outcome: str, note: str, state: MoveState | None = None) -> None:
        def end(progress: WorkloadProgress) -> WorkloadProgress:
            steps = tuple(
                replace(step, ended=now(), outcome=outcome, note=printable(note))
                if step.step == name and step.outcome == "running"
                else step
                for step in progress.steps
            )
            return replace(progress, steps=steps, state=state or progress.state)

        self.runtime.store.update(self.workload, end)


def _given(address: str) -> Callable[[], str]:
    return lambda: address
