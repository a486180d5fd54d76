"""View of a plan's waves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pse.cli.render_plan import head
from pse.cli.view import Grid, View, grid
from pse.core.documents.waves import Schedule
from pse.core.text import counted

if TYPE_CHECKING:
    from pse.core.documents.plan import Plan
    from pse.core.documents.waves import Wave

_SHOWN = 40
"""Rows that people read; ``--json`` has all."""


def waves_view(plan: "Plan", written: Sequence[str] = ()) -> View:
    """The waves, why each workload is in its own, and how good they are."""
    reasons = {d.workload: _reason(d.reasons, d.wave) for d in plan.decisions if d.wave}
    data = {
        "plan": plan.hash,
        "schedule": plan.schedule if isinstance(plan.schedule, Schedule) else None,
        "written": list(written),
        "items": plan.waves,
        "reasons": reasons,
    }
    findings = tuple(f for f in plan.findings if f.code == "PSE-B010" or "PSE-B080" <= f.code <= "PSE-B085")
    if not plan.waves:
        return View(data, (*head(plan), "nothing moves, so there are no waves"), findings)
    blocks: list[str | Grid] = [*head(plan), _waves(plan), _why(plan, reasons)]
    if isinstance(plan.schedule, Schedule):
        blocks.append(_quality(plan.schedule, plan.waves[-1].number))
    return View(data, (*blocks, *(f"written to {path}" for path in written)), findings)


def _waves(plan: "Plan") -> Grid:
    left = len(plan.waves) - _SHOWN
    title = f"Waves (the first {_SHOWN}; {left} more with --json)" if left > 0 else "Waves"
    rows = (
        (w.number, *_days(w), len(w.workloads), w.servers, f"{w.size_mib:,}" if w.size_mib else None, w.hours or None)
        for w in plan.waves[:_SHOWN]
    )
    return grid(title, ">wave|from|to|>workloads|>servers|>MiB|>hours", rows)


def _days(wave: "Wave") -> tuple[str | None, str | None]:
    if not isinstance(wave.periods, tuple):
        return None, None
    return wave.periods[0].start.isoformat(), wave.periods[-1].end.isoformat()


def _why(plan: "Plan", reasons: dict[str, str]) -> Grid:
    names = [name for wave in plan.waves for name in wave.workloads]
    left = len(names) - _SHOWN
    title = f"Why (the first {_SHOWN}; {left} more with --json)" if left > 0 else "Why"
    return grid(title, "workload|why", ((name, reasons.get(name)) for name in names[:_SHOWN]))


def _reason(reasons: Sequence[str], wave: int) -> str:
    """The one of a decision's reasons that is about its wave."""
    return next((why for why in reversed(reasons) if why.startswith(f"wave {wave}: ")), "")


def _quality(schedule: Schedule, last: int) -> str:
    """How good the waves are; ``last`` is the last of all, which may be one that was declared."""
    chosen = f"over after wave {schedule.last}"
    if last > schedule.last:
        chosen = f"over after wave {last}, as declared; what planning chose is {chosen}"
    waves = f"{chosen}; no schedule under these rules is over before wave {schedule.last_bound}"
    dependencies = counted(schedule.dependencies, "dependency", "dependencies")
    parted = f"{schedule.parted} of {dependencies} parted by a wave, {schedule.parted_bound} at least"
    found = f" (found by {schedule.solver})" if schedule.solver else ""
    of = f"of the best, a wave counting as {schedule.wave_worth} dependencies" if schedule.wave_worth else "in waves"
    gaps = f"gap {schedule.gap_percent} % {of}, at most {schedule.parted_gap_percent} % in dependencies"
    return f"{waves}; {parted}; {gaps}{found}{'; SAMPLE calendar' if schedule.sample else ''}"
