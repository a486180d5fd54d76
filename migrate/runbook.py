"""The runbook of a wave: who does what, when and for how long, and how it is taken back; filled in as it happens.

Made from the plan, the settings and the campaign: the same three give the same runbook. What is not known is said so.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from migrate.limits import Touching
from migrate.work import Work, chosen
from pse.core.documents.campaign import Campaign, StepRecord, WorkloadProgress
from pse.core.documents.schedule import Weekday
from pse.core.documents.waves import Period
from pse.core.moving import GIVE_BACK, STEPS, CutOver, is_for
from pse.core.settings import Workspace
from pse.core.text import counted, duration

if TYPE_CHECKING:
    from blueprints import Bundle
    from pse.core.documents.plan import Decision

FORWARD = tuple(step for step in STEPS[: STEPS.index("rest") + 1])
"""Steps of a move that goes well, in order."""
_FROZEN = FORWARD[FORWARD.index("freeze") : FORWARD.index("switch") + 1]
_OWN_TIME = ("seed", "wait-ttl", "clearance")
"""Steps whose time is that of the data, of a record or of people, and says nothing of other workloads."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one workload.

    Attributes:
        step: Its name.
        what: In words.
        expected_s: Seconds that it should take; None when nobody can know.
        basis: Where that comes from.
        back: How it is taken back from here.
        started: When it began last; None while it did not.
        ended: When it ended.
        outcome: ``done``, ``failed``, ``running``; empty before it began.
        note: What it said.
    """

    step: str
    what: str
    expected_s: float | None = None
    basis: str = ""
    back: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    outcome: str = ""
    note: str = ""


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """One workload.

    Attributes:
        workload: Its id.
        owners: Who owns its data, by the labels.
        category: Data category; empty when it has none.
        place: Where it goes.
        state: Where its move stands.
        cut_over: When its writers may be stopped, and who has to agree.
        approved: Who has agreed to its cut-over.
        by_hand: What this tool does not do and a person has to.
        lines: Its steps; what ran and is no step of a move that goes well comes last.
    """

    workload: str
    owners: tuple[str, ...]
    category: str
    place: str
    state: str
    cut_over: str
    approved: tuple[str, ...]
    by_hand: tuple[str, ...]
    lines: tuple[Line, ...]


class Runbook(msgspec.Struct, frozen=True, kw_only=True):
    """A wave.

    Attributes:
        plan: Hash of the plan.
        sample: Register or prices are samples.
        wave: Its number.
        why: Why these and why now.
        periods: Days on which it works; empty when waves have no dates.
        approved: Who approved the plan.
        needed: Approvals of the plan that the settings ask for.
        at_once: Workloads that move at once, in words.
        chapters: Workloads in the order they begin.
    """

    plan: str
    sample: bool
    wave: int
    why: str
    periods: tuple[Period, ...]
    approved: tuple[str, ...]
    needed: int
    at_once: str
    chapters: tuple[Chapter, ...]


def make_runbook(workspace: Workspace, bundle: "Bundle", wave: int, campaign: Campaign | None) -> Runbook:
    """The runbook of a wave, with what has happened so far.

    Raises:
        UsageError: The plan has no such wave, or nothing of it moves.
    """
    from policy.approvals import approvals
    from policy.labels import FILE, load_labels

    ((_, members),) = chosen(bundle, (wave,), ()) or [(wave, [])]
    (row,) = (one for one in bundle.plan.waves if one.number == wave)
    touching = Touching(workspace)
    members = sorted(members, key=lambda work: -touching.priority(work.workload))
    decisions = {one.workload: one for one in bundle.plan.decisions}
    done = {one.workload: one for one in campaign.workloads} if campaign else {}
    labels = load_labels(workspace.path(FILE)).label

    def owners(decision: "Decision") -> tuple[str, ...]:
        found = {
            label.owner
            for label in labels
            if any(fnmatchcase(decision.workload, one) for one in label.workloads)
            or any(fnmatchcase(host, one) for host in decision.members for one in label.hosts)
        }
        return tuple(sorted(found - {""}))

    limits = workspace.settings.migrate.limits
    at_once = f"{workspace.settings.migrate.parallel} in each process"
    at_once += f", {limits.total} in all" if limits.total else ""
    measured = _measured(campaign)
    return Runbook(
        plan=bundle.plan.hash,
        sample=bundle.plan.sample,
        wave=wave,
        why=row.why,
        periods=row.periods if isinstance(row.periods, tuple) else (),
        approved=tuple(f"{one.by} ({one.reference})" for one in approvals(workspace) if one.plan == bundle.plan.hash),
        needed=workspace.settings.approvals.count,
        at_once=at_once,
        chapters=tuple(
            _chapter(workspace, bundle, work, done.get(work.workload), owners(decisions[work.workload]), measured)
            for work in members
        ),
    )


def _chapter(
    workspace: Workspace,
    bundle: "Bundle",
    work: Work,
    progress: WorkloadProgress | None,
    owners: tuple[str, ...],
    measured: Mapping[str, tuple[float, int]],
) -> Chapter:
    from policy.cutovers import cut_over_approvals

    settings = workspace.settings.migrate
    row = next((one for one in settings.cut_over if is_for(one.workloads, work.workload)), CutOver())
    ran = {step.step: step for step in (progress.steps if progress else ())}
    by_hand = () if settings.dns.server else tuple(f"point {one.name} at {one.server}" for one in work.switches)
    return Chapter(
        workload=work.workload,
        owners=owners,
        category=", ".join(sorted({unit.category.value for unit in work.units})),
        place=", ".join(sorted({unit.place for unit in work.units})),
        state=progress.state.value if progress else "waiting",
        cut_over=_when(row),
        approved=tuple(
            f"{one.by} ({one.reference})" for one in cut_over_approvals(workspace, bundle.plan.hash, work.workload)
        ),
        by_hand=by_hand,
        lines=tuple(_lines(workspace, work, ran, measured)),
    )


def _lines(
    workspace: Workspace, work: Work, ran: Mapping[str, StepRecord], measured: Mapping[str, tuple[float, int]]
) -> Iterator[Line]:
    for step in (*FORWARD, *(name for name in ran if name not in FORWARD)):
        record = ran.get(step)
        expected, basis = _expected(workspace, work, step, measured)
        yield Line(
            step=step,
            what=_what(workspace, work, step),
            expected_s=expected,
            basis=basis,
            back=_back(workspace, work, step),
            started=record.started if record else None,
            ended=record.ended if record else None,
            outcome=record.outcome if record else "",
            note=record.note if record else "",
        )


def _what(workspace: Workspace, work: Work, step: str) -> str:
    services = ", ".join(service.name for service in work.services) or "no service"
    records = ", ".join(switch.name for switch in work.switches) or "no record"
    moves = "; ".join(
        f"{move.database or ' '.join(move.paths) or move.kind} of {move.source} to {move.target}" for move in work.moves
    )
    budget = f"at most {workspace.settings.migrate.freeze_budget_s:g} s up to the switch"
    said = {
        "provision": f"build {counted(sum(len(u.servers) for u in work.units), 'server')} where they do not stand",
        "preflight": "look at both ends; what cannot work ends it here",
        "lower-ttl": f"lower the TTL of {records}",
        "seed": f"carry {moves or 'nothing'}",
        "delta": "carry what changed, until the target is near",
        "wait-ttl": "wait until nobody holds a record with its old TTL",
        "clearance": "wait for the window and for who has to agree",
        "freeze": f"stop {services} at the source, {budget}",
        "final-delta": "carry what is left",
        "finish": "carry what passes do not, such as sequences",
        "verify": "compare both ends; a difference ends it here",
        "arm": "keep what the new side writes, for a way back",
        "start": f"start {services} at the target, and ask it directly",
        "switch": f"point {records} at the target",
        "checks": "ask by name, as users do",
        "rest": "take keys away; the way back stays warm",
    }
    hooks = [
        f"{hook.when.value} it: {hook.command}"
        for hook in workspace.settings.migrate.hook
        if hook.step == step and is_for(hook.workloads, work.workload)
    ]
    return "; ".join([said.get(step, "on the way back"), *hooks])


def _back(workspace: Workspace, work: Work, step: str) -> str:
    settings = workspace.settings.migrate
    if step in GIVE_BACK or step not in FORWARD:
        return ""
    if step in _FROZEN[:-1]:
        most = settings.freeze_budget_s + settings.freeze_grace_s
        return f"by itself: the source serves again after a failure, and after {most:g} s whatever happens"
    if step in (_FROZEN[-1], "checks", "rest"):
        return f"`pse rollback {work.workload}`, with what was written since; until `pse close`"
    return "stop at any time: the source serves, and nothing of it was changed"


def _expected(
    workspace: Workspace, work: Work, step: str, measured: Mapping[str, tuple[float, int]]
) -> tuple[float | None, str]:
    if step == "seed":
        return _by_size(workspace, work)
    if step in measured:
        seconds, count = measured[step]
        return seconds, f"median of {count} in this campaign"
    if step in _FROZEN:
        return None, "within the budget of the freeze"
    return None, {"wait-ttl": "as long as the old TTL", "clearance": "up to people"}.get(step, "not measured yet")


def _by_size(workspace: Workspace, work: Work) -> tuple[float | None, str]:
    """Of its slowest move: they run at the same time."""
    touching, worst = Touching(workspace), 0.0
    for move in work.moves:
        rate = touching.rate(work, move).mib_s()
        if move.size_mib is None or rate is None:
            return None, "the size is not known" if move.size_mib is None else "no rate is known of its link"
        worst = max(worst, move.size_mib / rate)
    return worst, f"{sum(move.size_mib or 0 for move in work.moves):,} MiB at its share of the link"


def _measured(campaign: Campaign | None) -> dict[str, tuple[float, int]]:
    """Median seconds and number of the steps that went well so far."""
    found: dict[str, list[float]] = {}
    for one in campaign.workloads if campaign else ():
        for step in one.steps:
            if step.outcome == "done" and step.ended is not None and step.step not in _OWN_TIME:
                found.setdefault(step.step, []).append((step.ended - step.started).total_seconds())
    return {step: (round(median(seconds), 1), len(seconds)) for step, seconds in found.items()}


def _when(row: CutOver) -> str:
    days = ", ".join(day.value for day in row.days) if len(row.days) < len(Weekday) and row.days else "every day"
    window = f"{days} from {row.begin} to {row.end}" if row.begin else "at any time"
    return window + (f", with {counted(row.approvals, 'approval')}" if row.approvals else "")


def total_s(chapter: Chapter) -> str:
    """How long a workload should take, as far as that is known."""
    known = [line.expected_s for line in chapter.lines if line.step in FORWARD and line.expected_s is not None]
    unknown = [line.step for line in chapter.lines if line.step in FORWARD and line.expected_s is None]
    if not known:
        return "not known yet"
    return duration(sum(known)) + (f" and {', '.join(unknown)}" if unknown else "")
