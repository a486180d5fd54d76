"""What a replicator must be able to do: carry one kind of thing from source to target, and back.

A replicator is a class found by entry point (group ``pse.replicators``, the name is `Move.kind`), made without
arguments. Every method is safe to repeat after a crash at any point: it looks before it acts. Nothing that moves
passes the controller.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import msgspec

from migrate.hosts import Host
from migrate.passage import Passage
from pse.core.canonical import digest
from pse.core.documents.campaign import CheckResult
from pse.core.documents.plan import Move
from pse.core.errors import Incomplete, PseError
from pse.core.findings import Finding
from pse.core.journal import Intent, Journal, once
from pse.core.progress import Event, Progress, silent

_ONE_COMMAND = {"blocks", "files"}
"""Kinds that need no forwarded socket: their certificates allow one command."""
CLOSING = "cleanup"
"""The key of tasks that close a move for good."""


LISTENING = ("mariadb",)
"""Kinds of moves whose servers call each other by TCP only, so that the passage has to listen on a loopback port."""


class FreezeOver(Incomplete):
    """Writers were stopped for longer than allowed; they are given back to the source."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass of a replicator did.

    Attributes:
        sent: Bytes sent from end to end.
        note: In words, for the report: the method and what it could not preserve.
        behind_s: Seconds of writing that the target may lack after it; None when not known.
        kept: What somebody wrote at the receiver and a person should look at, with the place where it is kept now.
    """

    sent: int = 0
    note: str = ""
    behind_s: float | None = None
    kept: tuple[str, ...] = ()


@dataclass(eq=False)
class Task:
    """One move at work: its ends and what a replicator needs around them.

    Attributes:
        move: From the plan.
        job: Name of the move on hosts and in databases: ``pse-`` and 12 hexadecimal digits.
        source: Where it runs today.
        target: Where it goes.
        journal: Keeps effects.
        key: Prefix of this attempt's keys in the journal.
        progress: Takes events.
        over: Moment (`time.time`) when the freeze has to end; None while nothing is frozen.
        stop: Set when the user wants to stop.
        stop_source: Runs a script that stops something at the source, only while the guard of the freeze has not given
            the source back: takes the script and what it does, for a person. None where no guard stands.
        back: It is on its way back: what the target's owner changed there since is no mistake of the move.
        rate: Gives the MiB a second that a copy that begins now may send; None for no limit.
        gone: The target's server was destroyed, with all that was on it: only the source can be cleaned.
        steady_s: Gives the seconds until another rate begins; None for never.
    """

    move: Move
    job: str
    source: Host
    target: Host
    journal: Journal
    key: str
    progress: Progress = silent
    over: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    stop_source: Callable[[str, str], None] | None = None
    back: bool = False
    rate: Callable[[], float | None] = lambda: None
    gone: bool = False
    steady_s: Callable[[], float | None] = lambda: None

    @cached_property
    def passage(self) -> Passage:
        """The way from source to target; opened at first use."""
        listens = loopback_port(self.job) if self.move.kind in LISTENING else 1
        return Passage(self.source, self.target, self.job, forwards=self.move.kind not in _ONE_COMMAND, listens=listens)

    def left(self, otherwise_s: float) -> float:
        """Seconds that a wait may take: up to the end of the freeze, else ``otherwise_s``.

        Raises:
            FreezeOver: The freeze has to end now.
        """
        if self.over is None:
            return otherwise_s
        seconds = self.over - time.time()
        if seconds <= 0:
            raise FreezeOver("writers were stopped for longer than the budget", where=self.move.id)
        return min(seconds, otherwise_s)

    def effect(
        self,
        name: str,
        what: str,
        act: Callable[[], dict[str, Any]],
        *,
        probe: Callable[[], dict[str, Any] | None],
        detail: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Make one effect of this attempt at most once; see `pse.core.journal.once`."""

        def look(_intent: Intent) -> dict[str, Any] | None:
            return probe()

        def make(_intent: Intent) -> dict[str, Any]:
            return act()

        return once(self.journal, f"{self.key}/{name}", what, detail=detail or {}, probe=look, act=make)

    def note(self, name: str, value: dict[str, Any]) -> None:
        """Keep ``value`` with this attempt in place of what was noted under ``name`` before."""
        self.journal.note(f"{self.key}/{name}", f"note {name} of {self.move.id}", lambda _: value)

    def known(self, name: str) -> dict[str, Any] | None:
        """What an effect of this attempt gave, or `note` keeps; None when there is nothing."""
        found = self.journal.find(f"{self.key}/{name}")
        return found.result if found is not None else None

    @property
    def closing(self) -> bool:
        """The move is closed for good (`pse close`), not only ended."""
        return self.key.endswith(f"/{CLOSING}")

    @property
    def ends(self) -> tuple[Host, ...]:
        """The hosts of the move that are there."""
        return (self.source,) if self.gone else (self.source, self.target)

    def tell(
        self, step: str, *, state: str = "update", done: int | None = None, total: int | None = None, message: str = ""
    ) -> None:
        """Say how far it is, in bytes."""
        self.progress(
            Event(step=step, state=state, subject=self.move.id, message=message, done=done, total=total, unit="bytes")
        )


class Replicator(Protocol):
    """Carries one kind of move from source to target."""

    def preflight(self, task: Task) -> tuple[Finding, ...]:
        """Look at both ends, change nothing. A finding of severity error stops the move before anything is done."""

    def seed(self, task: Task) -> Moved:
        """Carry the bulk while writers go on; may run for hours, resumes itself."""

    def delta(self, task: Task, *, final: bool) -> Moved:
        """Carry what changed since; with ``final`` writers are stopped and nothing may be left behind."""

    def finish(self, task: Task) -> Moved:
        """With writers stopped: whatever the passes do not carry, such as sequences."""

    def verify(self, task: Task) -> tuple[CheckResult, ...]:
        """Compare both ends by something that does not trust the passes; never equal on nothing."""

    def cleanup(self, task: Task) -> tuple[str, ...]:
        """Remove everything that the move left on both ends (`Task.ends`), and list what is still there."""


class Reversible(Protocol):
    """Can stop writers at an end and keep what is written at the target for a way back."""

    def freeze(self, task: Task, *, at_target: bool) -> None:
        """Stop writers at one end, as far as this kind can: services are stopped before."""

    def thaw(self, task: Task, *, at_target: bool) -> None:
        """Let writers write again at that end; asks nothing of the other."""

    def thaw_script(self, task: Task) -> str:
        """What `thaw` runs at the source, for the guard that runs it when the controller is gone; empty for nothing."""

    def arm(self, task: Task) -> Moved:
        """With both ends equal and frozen: from here on, what the target writes is kept for the source.

        Nothing flows yet: until the record is switched, the guard may give the source back to its writers.
        """

    def way_back(self, task: Task) -> tuple[Finding, ...]:
        """Before anything is stopped for a rollback: say what stays at the target.

        Raises:
            Refused: Something written there cannot come back.
        """

    def catch_up(self, task: Task) -> Moved:
        """With the target frozen: bring everything that it wrote since `arm` to the source."""

    def disarm(self, task: Task) -> tuple[str, ...]:
        """End the way back; the ends go apart from here on.

        Returns:
            What was written at the target and never came back, with the place where it is kept, in words.
        """

    def rest(self, task: Task) -> None:
        """After the cut-over: let what was kept since `arm` flow back, take away keys and what need not stay."""


class Replication(Replicator, Reversible, Protocol):
    """Both: what a campaign asks of every replicator."""


def job_name(plan: str, move: Move) -> str:
    """The name of a move on hosts and in databases; the same in every attempt."""
    return f"pse-{digest(f'{plan}/{move.id}'.encode())[:12]}"


def loopback_port(job: str) -> int:
    """An even port for the move below those that systems hand out; it and the next one are the move's own."""
    return 20000 + 2 * (int(digest(job.encode())[:8], 16) % 5000)


def words(error: PseError) -> str:
    """An error in one line with its hint."""
    return f"{error}. {error.hint}" if error.hint else str(error)
