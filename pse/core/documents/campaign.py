"""Campaign: how a plan's moves went; its states come from the durable engine and the journal."""

from datetime import datetime
from enum import StrEnum

import msgspec

from pse.core.findings import Finding


class MoveState(StrEnum):
    """Where a workload's move stands."""

    WAITING = "waiting"
    PROVISIONING = "provisioning"
    SEEDING = "seeding"
    SYNCED = "synced"
    FROZEN = "frozen"
    SWITCHED = "switched"
    VERIFIED = "verified"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"
    REMOVED = "removed"
    """The new side was destroyed after the cut-over, with what was written there; the old side is still stopped."""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison made by something that does not trust the copier.

    Attributes:
        subject: Move id and what was compared.
        method: How, for example ``sha256 manifest`` or ``row hashes``.
        source: Hash or count at the source.
        target: Hash or count at the target.
        items: Things compared; 0 never passes.
        equal: They agree and ``items`` is more than 0.
        detail: First differences, in words.
    """

    subject: str
    method: str
    source: str
    target: str
    items: int
    equal: bool
    detail: str = ""


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One step that ran.

    Attributes:
        workload: Workload id.
        step: Step name.
        started: When.
        ended: When; None while it runs.
        outcome: ``done``, ``failed`` or ``running``.
        note: In words.
    """

    workload: str
    step: str
    started: datetime
    ended: datetime | None
    outcome: str
    note: str = ""


class WorkloadProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's move.

    Attributes:
        workload: Workload id.
        state: See `MoveState`.
        bytes_moved: Bytes that replicators sent.
        mismatches: Comparisons that did not agree in the last verification.
        downtime_s: Longest gap in seconds that a probe client saw; None when not probed.
        checks: Comparisons of the last verification.
        steps: In the order they began.
        closed: Its way back was ended by `pse close`: a rollback is refused from then on.
    """

    workload: str
    state: MoveState
    bytes_moved: int = 0
    mismatches: int = 0
    downtime_s: float | None = None
    checks: tuple[CheckResult, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    closed: bool = False


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """All moves of one plan.

    Attributes:
        schema: Version of this document.
        plan: Hash of the plan.
        workloads: Sorted by workload.
        findings: What a person has to know now: failures with their reasons, sources that are frozen while nobody
            works on them, what a copy could not preserve.
    """

    schema: int = 1
    plan: str
    workloads: tuple[WorkloadProgress, ...]
    findings: tuple[Finding, ...] = ()
