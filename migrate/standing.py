"""Where a campaign stands, with what a person has to know now."""

import time
from collections.abc import Iterable

import msgspec

from migrate.findings import finding
from migrate.steps import PERMIT
from migrate.store import Store, somebody_works
from pse.core.documents.campaign import Campaign, MoveState, WorkloadProgress
from pse.core.findings import Finding
from pse.core.journal import Journal
from pse.core.settings import Workspace

_BACK = {"freeze-target", "catch-up", "verify-back", "switch-back", "start-source"}
_ATTEMPTS = range(1, 100)


def standing(workspace: Workspace, store: Store, journal: Journal, plan: str, known: Iterable[str]) -> Campaign:
    """The document of the campaign.

    Args:
        workspace: The workspace.
        store: Progress of the plan.
        journal: Its effects.
        plan: Hash of the plan.
        known: Workloads that the plan moves; those that were begun are added.
    """
    found = store.all()
    progress = tuple(
        found.get(name) or WorkloadProgress(workload=name, state=MoveState.WAITING) for name in sorted({*known, *found})
    )
    works = somebody_works(workspace)
    findings: list[Finding] = []
    for one in progress:
        kept = journal.find(f"{plan[:16]}/{one.workload}/findings")
        if kept is not None and kept.result is not None:
            findings += msgspec.json.decode(kept.result["findings"], type=list[Finding])
        findings += _failures(one)
        if one.state in (MoveState.SYNCED, MoveState.FROZEN, MoveState.FAILED) and not works:
            findings += _frozen(journal, f"{plan[:16]}/{one.workload}", one.workload)
        if one.steps and one.steps[-1].step in _BACK and not works:
            findings += _half_back(one)
    return Campaign(plan=plan, workloads=progress, findings=tuple(sorted(findings)))


def _half_back(one: WorkloadProgress) -> list[Finding]:
    last = one.steps[-1]
    text = f"its rollback was interrupted at {last.step}, and users may be on neither side"
    remedy = "Run `pse rollback` again: it goes on from there."
    return [finding("PSE-M008", one.workload, text, remedy, source="campaign")]


def _failures(one: WorkloadProgress) -> list[Finding]:
    failed = [step for step in one.steps if step.outcome == "failed"]
    ended = one.state is MoveState.FAILED or (one.steps and one.steps[-1].outcome == "failed")
    if not failed or not ended:
        return []
    cause = next((step for step in reversed(failed) if step.step not in ("tidy", "thaw", "thaw-target")), failed[-1])
    switched = one.state is MoveState.SWITCHED
    remedy = "The target serves; run again, or roll back." if switched else "Repair it, then run again."
    code = "PSE-M002" if switched else "PSE-M001"
    return [finding(code, one.workload, f"{cause.step}: {cause.note}", remedy, source="campaign")]


def _frozen(journal: Journal, prefix: str, workload: str) -> list[Finding]:
    """Writers were stopped and nobody works on it; whether the source's guards end that by themselves."""
    keys = [f"{prefix}/a{number}" for number in _ATTEMPTS if journal.find(f"{prefix}/a{number}/frozen") is not None]
    if not keys:
        return []
    frozen, permit, guard = (journal.find(f"{keys[-1]}/{name}") for name in ("frozen", PERMIT, "guard"))
    now = time.time()
    since = now - float(((frozen and frozen.result) or {"at": now})["at"])
    text = f"its writers were stopped {since:.0f} s ago and no process works on it"
    remedy = "Run `pse migrate` again: it goes on, or gives the source back when the budget is over."
    over = float(guard.result["over"]) if guard is not None and guard.result is not None else None
    if permit is not None:
        text += "; its record was about to be switched, so the source stays stopped until somebody runs this"
    elif over is not None and over > now:
        text += f"; the source gives itself back in {over - now:.0f} s"
    elif over is not None:
        text += f"; the source should have given itself back {now - over:.0f} s ago"
    return [finding("PSE-M003", workload, text, remedy, source="campaign")]
