"""Where a campaign stands, with what a person has to know now."""

import time
from collections.abc import Mapping

import msgspec

from migrate.findings import finding
from migrate.steps import PERMIT
from migrate.store import Store
from migrate.work import Work
from pse.core.documents.campaign import Campaign, MoveState, StepRecord, WorkloadProgress
from pse.core.findings import Finding, Severity
from pse.core.journal import Journal
from pse.core.served import NEW_SIDE
from pse.core.settings import Workspace

_STOPPED = {"freeze-target", "catch-up", "verify-back", "switch-back", "start-source", "close-back"}
"""Steps of a rollback that the new side is stopped in and after."""
_BACK = {*_STOPPED, "look-back", "thaw-target"}
_THAWS = {"thaw", "thaw-earlier", "unfreeze"}
"""Steps that give a frozen source back without a cut-over."""
_ATTEMPTS = range(1, 100)
_WINDOW = 2
"""Last steps to look at for services that run at the target: the one that starts them, and the switch."""


def standing(workspace: Workspace, store: Store, journal: Journal, plan: str, known: Mapping[str, Work]) -> Campaign:
    """The document of the campaign.

    Args:
        workspace: The workspace.
        store: Progress of the plan.
        journal: Its effects.
        plan: Hash of the plan.
        known: Workloads that the plan moves, with their share of it; those that were begun are added.
    """
    found = store.all()
    progress = tuple(
        found.get(name) or WorkloadProgress(workload=name, state=MoveState.WAITING) for name in sorted({*known, *found})
    )
    in_hand = store.in_hand(workspace)
    findings: list[Finding] = []
    for one in progress:
        kept = journal.find(f"{plan[:16]}/{one.workload}/findings")
        if kept is not None and kept.result is not None:
            findings += msgspec.json.decode(kept.result["findings"], type=list[Finding])
        prefix = f"{plan[:16]}/{one.workload}"
        open_ = one.state is MoveState.SWITCHED and unsure(journal, prefix)
        works = one.workload in in_hand
        stuck = _not_given_back(journal, prefix, one)
        if half_back(one) is not None and not works:
            findings += _half_back(one)
        else:
            findings += stuck or _failures(one, unsure=open_)
        if one.state is MoveState.REMOVED:
            findings.append(_removed(one.workload, known.get(one.workload)))
        if one.state in (MoveState.SYNCED, MoveState.FROZEN, MoveState.FAILED) and not works and not stuck:
            findings += _frozen(journal, prefix, one)
    return Campaign(plan=plan, workloads=progress, findings=tuple(sorted(findings)))


def half_back(one: WorkloadProgress) -> StepRecord | None:
    """The step that a rollback ended at after it had stopped the new side; None when users are on one side for sure."""
    if one.state in (MoveState.ROLLED_BACK, MoveState.REMOVED):
        return None
    at: StepRecord | None = None
    for step in one.steps:
        if step.step in _STOPPED:
            at = step
        elif step.step not in _BACK or (step.step == "thaw-target" and step.outcome == "done"):
            at = None
    return at


def unsure(journal: Journal, prefix: str) -> bool:
    """The last attempt asked to switch a record, or to take that back, and the name server never said that it did."""
    keys = frozen_by(journal, prefix)
    if not keys:
        return False
    waiting = any(intent.key.startswith(f"{keys[-1]}/switch-") for intent in journal.pending())
    return waiting or journal.find(f"{keys[-1]}/unproved") is not None


def frozen_by(journal: Journal, prefix: str, attempts: range = _ATTEMPTS) -> list[str]:
    """Attempts that stopped writers at the source and did not give them back, in their order."""
    keys = [f"{prefix}/a{number}" for number in attempts]
    return [key for key in keys if journal.find(f"{key}/frozen") is not None]


def _not_given_back(journal: Journal, prefix: str, one: WorkloadProgress) -> list[Finding]:
    """The source was to be given back and that failed: told whoever works on it, until it is done."""
    at: StepRecord | None = None
    for step in one.steps:
        if step.step == "freeze" or (step.step in _THAWS and step.outcome == "done"):
            at = None
        elif step.step in _THAWS and step.outcome == "failed":
            at = step
    settled = one.state in (*NEW_SIDE, MoveState.ROLLED_BACK, MoveState.REMOVED)
    if at is None or settled or not frozen_by(journal, prefix):
        return []
    why = _cause(one)
    text = f"its source was to be given back to its writers, and that failed: {at.note}; users may be on neither side"
    text += f". What had failed before: {why.step}: {why.note}" if why is not None and why.step not in _THAWS else ""
    remedy = "Repair it and run `pse migrate`, which starts what is stopped before anything else, "
    remedy += f"or `pse rollback {one.workload}`, which only does that."
    return [finding("PSE-M005", one.workload, text, remedy, source="campaign")]


def _cause(one: WorkloadProgress) -> StepRecord | None:
    """The step that what came after it was done because of."""
    failed = [step for step in one.steps if step.outcome == "failed"]
    giving_back = {"tidy", "thaw-target", *_THAWS}
    return next((step for step in reversed(failed) if step.step not in giving_back), failed[-1] if failed else None)


def _half_back(one: WorkloadProgress) -> list[Finding]:
    at, last = half_back(one), one.steps[-1]
    stopped = f"{at.step}" + (f" ({at.note})" if at.note and at.outcome == "failed" else "") if at else ""
    text = f"its rollback ended at {stopped} with the new side stopped, so users may be on neither side"
    if last is not at and last.outcome == "failed":
        text += f"; the last try to go on ended at {last.step}: {last.note}"
    remedy = f"Run `pse rollback {one.workload}` again: it goes on from there."
    return [finding("PSE-M008", one.workload, text, remedy, source="campaign")]


def _failures(one: WorkloadProgress, *, unsure: bool) -> list[Finding]:
    failed = [step for step in one.steps if step.outcome == "failed"]
    last = one.steps[-1] if one.steps else None
    cause = _cause(one)
    if last is None or cause is None or one.state in (MoveState.ROLLED_BACK, MoveState.REMOVED):
        return []
    if last.step in _BACK and one.state in NEW_SIDE:
        cause = next((step for step in reversed(failed) if step.step in _BACK - {"thaw-target"}), failed[-1])
        if last.outcome != "failed" and (last.step, last.outcome) != ("thaw-target", "done"):
            return []
        text = f"its rollback ended at {cause.step}: {cause.note}; users are on the new side as before"
        remedy = f"Repair it and run `pse rollback {one.workload}` again if it is still wanted."
        return [finding("PSE-M009", one.workload, text, remedy, Severity.WARNING, source="campaign")]
    if one.state is not MoveState.FAILED and last.outcome != "failed":
        return []
    switched, note = one.state is MoveState.SWITCHED, cause.note
    remedy = "The target serves; run again, or roll back." if switched else "Repair it, then run again."
    if unsure:
        note += "; it is not known whether the record was switched, and the source stays stopped"
        remedy = "Run `pse migrate` again at once when the name server answers: it completes the switch."
    code = "PSE-M002" if switched else "PSE-M001"
    return [finding(code, one.workload, f"{cause.step}: {note}", remedy, source="campaign")]


def _removed(workload: str, work: Work | None) -> Finding:
    """What was stopped at the old side for the cut-over, and that nothing of it was started again."""
    text = "its new side was destroyed after the cut-over, and this tool has not started the old side again"
    if work is not None:
        services = [f"{service.name} on {work.servers[service.server].source_host}" for service in work.services]
        databases = [f"{move.database} on {move.source}" for move in work.moves if move.database]
        text += f"; services stopped there: {', '.join(services) or 'none'}"
        text += f"; databases closed there: {', '.join(databases) or 'none'}"
        text += f"; records that point at what is gone: {', '.join(s.name for s in work.switches) or 'none'}"
    remedy = "Start the old side by its own commands, open its databases, and point the records at it again."
    return finding("PSE-M004", workload, text, remedy, source="campaign")


def _frozen(journal: Journal, prefix: str, one: WorkloadProgress) -> list[Finding]:
    """Writers were stopped and nobody works on it; whether the source's guards end that by themselves."""
    keys = frozen_by(journal, prefix)
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
        if any(step.step == "start" for step in one.steps[-_WINDOW:]):
            text += ". The new side runs, too, and users of the source do not see what is written there"
            remedy = "Run `pse migrate` or `pse rollback` soon: both stop the new side first, and keep what it has."
    return [finding("PSE-M003", one.workload, text, remedy, source="campaign")]
