"""The time line of the report: bars of steps over an axis with times."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pse.core.documents.campaign import Campaign, StepRecord, WorkloadProgress

if TYPE_CHECKING:
    from pse.core.documents.plan import Plan

_WIDTH = 860.0
_LEFT = 120.0
_ROW = 26.0
_AXIS = 24.0
_TICKS = 8
"""Most ticks of the axis."""
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_FROZEN = frozenset(
    {"freeze", "final-delta", "finish", "verify", "arm", "start", "switch"}
    | {"freeze-target", "catch-up", "verify-back", "switch-back", "start-source"}
)
"""Steps during which the writers of one side stand still."""
_INTERRUPTED = "interrupted"


def outcome_of(step: StepRecord) -> str:
    """How a step ended: ``done``, ``failed``, ``running``, or ``interrupted`` when it was cut off and begun again."""
    return _INTERRUPTED if step.outcome == "failed" and step.note.startswith(_INTERRUPTED) else step.outcome


def draw(plan: "Plan", campaign: Campaign | None) -> dict[str, Any] | None:
    """Rows with bars, and ticks of the axis, in pixels; waves in order. None when nothing ran yet."""
    done = {one.workload: one for one in campaign.workloads if one.steps} if campaign else {}
    times = [moment for one in done.values() for moment in _moments(one)]
    if not times:
        return None
    first, last = min(times), max(times)
    span = max(1.0, (last - first).total_seconds())
    scale = (_WIDTH - _LEFT) / span
    rows: list[dict[str, Any]] = []
    for number, name in ((wave.number, name) for wave in plan.waves for name in wave.workloads if name in done):
        bars = [_bar(step, first, last, scale) for step in done[name].steps]
        rows.append({"wave": number, "workload": name, "bars": bars, "y": len(rows) * _ROW})
    return {
        "width": _WIDTH,
        "left": _LEFT,
        "row": _ROW,
        "axis": len(rows) * _ROW + 4,
        "height": len(rows) * _ROW + _AXIS,
        "day": first.astimezone(UTC).strftime("%Y-%m-%d"),
        "lines": rows,
        "ticks": _ticks(first, span, scale),
    }


def _bar(step: StepRecord, first: datetime, last: datetime, scale: float) -> dict[str, Any]:
    seconds = ((step.ended or last) - step.started).total_seconds()
    outcome = outcome_of(step)
    return {
        "x": round(_LEFT + (step.started - first).total_seconds() * scale, 1),
        "width": max(1.0, round(seconds * scale, 1)),
        "step": step.step,
        "outcome": outcome,
        "class": "frozen" if outcome == "done" and step.step in _FROZEN else outcome,
        "seconds": round(seconds, 1),
    }


def _ticks(first: datetime, span: float, scale: float) -> list[dict[str, Any]]:
    """Times of the clock (UTC) at round distances."""
    step = next((s for s in _STEPS_S if span / s < _TICKS), _STEPS_S[-1] * (1 + int(span / _STEPS_S[-1] / _TICKS)))
    begin = first.timestamp()
    moments = range(int(-(-begin // step)) * step, int(begin + span) + 1, step)
    words = "%H:%M:%S" if span < 2 * 86400 else "%m-%d %H:%M"
    return [
        {"x": round(_LEFT + (at - begin) * scale, 1), "label": datetime.fromtimestamp(at, UTC).strftime(words)}
        for at in moments
    ]


def _moments(one: WorkloadProgress) -> Iterable[datetime]:
    for step in one.steps:
        yield step.started
        if step.ended is not None:
            yield step.ended
