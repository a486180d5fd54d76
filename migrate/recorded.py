"""What a step of a workload leaves: its record, its effects in the journal, its line in the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from migrate import durable, hooks
from migrate.findings import finding
from migrate.work import Runtime, Work
from pse.core.canonical import encode, hash_of
from pse.core.documents.campaign import MoveState, StepRecord, WorkloadProgress
from pse.core.errors import PseError
from pse.core.findings import Finding, Severity
from pse.core.journal import Intent, once
from pse.core.moving import GIVE_BACK, Hook, When
from pse.core.progress import Event
from pse.core.text import printable
from pse.core.time import now

KEPT = "PSE-M019"
"""Finding: something that somebody wrote was kept aside."""


@dataclass(eq=False)
class Recorded:
    """One attempt at a workload; nothing of it is lost with the process.

    Attributes:
        runtime: What this process holds.
        work: The workload.
        key: Names the attempt in the journal: ``a1``, ``a2`` … for moves, ``r1`` … for rollbacks.
    """

    runtime: Runtime
    work: Work
    key: str

    @property
    def workload(self) -> str:
        """Its id."""
        return self.work.workload

    def step(
        self,
        name: str,
        act: Callable[[], str],
        *,
        state: MoveState | None = None,
        always: bool = False,
        wanted: Callable[[], object] = lambda: True,
        first: Callable[[], str] = lambda: "",
    ) -> str:
        """Run ``act`` as the durable step ``name``; it returns a note in words.

        Args:
            name: Unique in the workflow.
            act: Does it; safe to repeat.
            state: State of the workload afterwards.
            always: Run it even when the user wants to stop: it ends a freeze.
            wanted: Asked before anything else; where there is nothing to do, nothing is done and nothing recorded.
            first: Done before the hooks; it may raise `Parked`, and no hook has run then. Returns a note.
        """

        def body() -> str:
            if not wanted():
                return ""
            if self.runtime.stop.is_set() and not always:
                raise durable.Stopped
            self.runtime.may_go(self.workload, always)
            started = now()
            self._record(StepRecord(workload=self.workload, step=name, started=started, ended=None, outcome="running"))
            self.tell(name, "start")
            try:
                notes = [first(), *self._hooks(name, When.BEFORE)]
                note = act()
                note = "; ".join(one for one in (*notes, note, *self._hooks(name, When.AFTER)) if one)
            except durable.Parked:
                self._parked(name)
                raise
            except Exception as exc:
                if self.runtime.stop.is_set() and not always:
                    # An interrupt reaches what this process started as well: that says nothing of the move.
                    self._parked(name)
                    raise durable.Stopped from exc
                hint = exc.hint if isinstance(exc, PseError) else ""
                self._ended(name, "failed", f"{exc}. {hint}" if hint else str(exc) or type(exc).__name__)
                self.tell(name, "failed", printable(str(exc)))
                raise
            self._ended(name, "done", note, state)
            self.tell(name, "done", f"{note} ({(now() - started).total_seconds():.1f} s)".strip())
            return note

        return durable.step(name, body)

    def left_s(self) -> float:
        """Seconds that a hook may take at most."""
        return float("inf")

    def _hooks(self, step: str, when: When) -> list[str]:
        """Run the commands on one side of a step; what keeps users waiting is not stopped by one, only says it."""
        notes = []
        for number, hook in hooks.hooks_of(self.runtime.workspace.settings.migrate, self.workload, step, when):
            about = {"PSE_PLAN": self.runtime.plan, "PSE_WORKLOAD": self.workload}
            about |= {"PSE_STEP": step, "PSE_WHEN": when.value}

            def act(hook: Hook = hook, about: dict[str, str] = about) -> dict[str, Any]:
                hooks.run(hook, about, within_s=self.left_s(), host=self.runtime.source)
                return {}

            try:
                self.effect(
                    f"hook-{step}-{when.value}-{number}", f"run the hook {when.value} {step}", act, lambda: None
                )
            except PseError as exc:
                if step not in GIVE_BACK:
                    raise
                notes.append(str(exc))
        return notes

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

    def findings(self, found: list[Finding]) -> None:
        """Keep what a person has to know of this workload in place of what was found before.

        What is kept somewhere for a person to look at (`add_findings`) stays said.
        """
        self._note_findings(lambda known: [*found, *(one for one in known if one.code == KEPT)])

    def add_findings(self, kept: list[str]) -> None:
        """Keep also what somebody wrote meanwhile."""
        remedy = "Look whether somebody needs it, and take it away from there."
        new = [finding(KEPT, self.workload, said, remedy, Severity.WARNING, source="copy") for said in kept]
        self._note_findings(lambda known: [*known, *(one for one in new if one not in known)])

    def _note_findings(self, change: Callable[[list[Finding]], list[Finding]]) -> None:
        """Several moves of a workload find something at once: none may be lost."""

        def changed(result: dict[str, Any] | None) -> dict[str, Any]:
            known = msgspec.json.decode(result["findings"], type=list[Finding]) if result else []
            return {"findings": encode(change(known)).decode("utf-8")}

        key = f"{self.runtime.plan[:16]}/{self.workload}/findings"
        self.runtime.journal.note(key, f"findings of {self.workload}", changed)

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

    def keep(self, name: str, value: dict[str, Any]) -> None:
        """Note a fact of this attempt in place of what was noted before."""
        self.runtime.journal.note(self.name_of(name), f"{name} of {self.workload}", lambda _: value)

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

    def _parked(self, name: str) -> None:
        """Forget the record of a step that waits: it is looked at again and again, and did nothing."""

        def drop(progress: WorkloadProgress) -> WorkloadProgress:
            steps = (step for step in progress.steps if (step.step, step.outcome) != (name, "running"))
            return replace(progress, steps=tuple(steps))

        self.runtime.store.update(self.workload, drop)

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
