"""The waves as a picture: one row a wave, days to the right, change freezes as bands behind. Plain SVG, no script."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from xml.sax.saxutils import escape

from pse.core.documents.plan import Plan
from pse.core.documents.waves import Period, Schedule, Wave
from pse.core.text import counted, printable

_LEFT, _RIGHT, _TOP, _ROW = 250, 30, 96, 26
_WIDTH = 1200
_LETTERS = 52
"""Letters of a row's label beside its bar."""
_TICKS = 12
_LEGEND = 12
"""Most freezes that the legend names."""
_STYLE = (
    "text{font:12px sans-serif;fill:#111}.h{font-size:18px;font-weight:bold}.s{fill:#333}"
    ".bar{fill:#9cc4ec;stroke:#123}.all{fill:#e3b8a0}.own{fill:#efe3b8}.grid{stroke:#bbb}"
)


def gantt(plan: Plan) -> str:
    """The waves of ``plan`` as an SVG document; by number only when they have no dates."""
    schedule = plan.schedule if isinstance(plan.schedule, Schedule) else None
    periods = {wave.number: _periods(wave) for wave in plan.waves}
    dated = any(wave.periods for wave in plan.waves)
    every = [p for some in periods.values() for p in some]
    first = min((p.start for p in every), default=date.min)
    last = max((p.end for p in every), default=date.min)
    scale = (_WIDTH - _LEFT - _RIGHT) / ((last - first).days + 1)
    bottom = _TOP + _ROW * len(plan.waves)
    frozen = schedule.frozen if schedule else ()
    names = sorted({f.name for f in frozen})
    height = bottom + 40 + 18 * (min(len(names), _LEGEND) + (len(names) > _LEGEND))

    def across(day: date) -> float:
        return round(_LEFT + (day - first).days * scale, 1)

    def bar(period: Period, top: float, size: float, kind: str, title: str) -> str:
        wide = max(1.0, round(((period.end - period.start).days + 1) * scale, 1))
        return (
            f'<rect class="{kind}" x="{across(period.start)}" y="{top}" width="{wide}" height="{size}">'
            f"<title>{_safe(title)}</title></rect>"
        )

    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{_safe(f'Waves of {plan.entity}')}</title><style>{_STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        _text(16, 30, f"Waves of {plan.entity}", "h"),
        _text(16, 52, _subtitle(plan, schedule), "s"),
    ]
    for one in frozen:
        title = f"{one.name}: {_span(one.period)}{' for ' if one.workloads else ''}{', '.join(one.workloads)}"
        parts.append(bar(one.period, _TOP, _ROW * len(plan.waves), "own" if one.workloads else "all", title))
    for x, label in _ticks(first, last, scale) if dated else ():
        parts.append(f'<line class="grid" x1="{x}" y1="{_TOP - 4}" x2="{x}" y2="{bottom}"/>')
        parts.append(_text(x + 3, _TOP - 10, label, "s"))
    for place, wave in enumerate(plan.waves):
        top = _TOP + place * _ROW
        label = f"{wave.number}: {counted(len(wave.workloads), 'workload')}, {counted(wave.servers, 'server')}"
        parts.append(_text(16, top + 17, label))
        title = f"wave {wave.number}: {', '.join(wave.workloads[:40])}"
        parts += [bar(period, top + 5, _ROW - 10, "bar", title) for period in periods[wave.number]]
        left, right = across(periods[wave.number][0].start), across(periods[wave.number][-1].end + timedelta(days=1))
        parts.append(_names(wave, left, right, top + 17))
    for place, name in enumerate(names[:_LEGEND]):
        kind = "own" if all(f.workloads for f in frozen if f.name == name) else "all"
        parts.append(f'<rect class="{kind}" x="16" y="{bottom + 22 + 18 * place}" width="14" height="12"/>')
        parts.append(_text(38, bottom + 33 + 18 * place, f"freeze: {name}"))
    if len(names) > _LEGEND:
        parts.append(_text(38, bottom + 33 + 18 * _LEGEND, f"and {len(names) - _LEGEND} more"))
    return "\n".join([*parts, "</svg>", ""])


def _periods(wave: Wave) -> Sequence[Period]:
    """When the wave works; without dates a day by its number, so that there is something to see."""
    if isinstance(wave.periods, tuple):
        return wave.periods
    day = date(2000, 1, 1) + timedelta(days=wave.number)
    return (Period(start=day, end=day),)


def _subtitle(plan: Plan, schedule: Schedule | None) -> str:
    parts = [f"plan {plan.hash[:12]}", counted(len(plan.waves), "wave"), f"as of {plan.as_of}"]
    if schedule is not None:
        parts.append(f"{schedule.parted} of {counted(schedule.dependencies, 'dependency', 'dependencies')} parted")
        parts.append(f"gap {schedule.gap_percent} %")
    if not any(wave.periods for wave in plan.waves):
        parts.append("no dates: plan.schedule.start is not set")
    if plan.sample or (schedule is not None and schedule.sample):
        parts.append("SAMPLE")
    return " · ".join(parts)


def _names(wave: Wave, left: float, right: float, y: float) -> str:
    """Names of the workloads: right of the bars, left of them where there is no room, or else on them."""
    label = ", ".join(wave.workloads)
    if len(label) > _LETTERS:
        kept = label[: _LETTERS - 12].rpartition(", ")[0] or label[: _LETTERS - 12]
        more = len(wave.workloads) - kept.count(", ") - 1
        label = f"{kept} and {more} more" if more else f"{kept}…"
    if right + 7 * len(label) < _WIDTH - _RIGHT:
        return _text(right + 6, y, label)
    if left - 7 * len(label) > _LEFT:
        return _text(left - 6, y, label, end=True)
    return _text(left + 6, y, label)


def _ticks(first: date, last: date, scale: float) -> Iterator[tuple[float, str]]:
    step = max(1, -(-((last - first).days + 1) // _TICKS))
    step = next((s for s in (1, 7, 14, 28) if s >= step), step)
    for days in range(0, (last - first).days + 1, step):
        yield round(_LEFT + days * scale, 1), (first + timedelta(days=days)).isoformat()


def _span(period: Period) -> str:
    return f"{period.start}" if period.start == period.end else f"{period.start} to {period.end}"


def _text(x: float, y: float, words: str, kind: str = "", *, end: bool = False) -> str:
    return (
        f'<text x="{round(x, 1)}" y="{round(y, 1)}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}'
        f"{' text-anchor=' + chr(34) + 'end' + chr(34) if end else ''}>{_safe(words)}</text>"
    )


def _safe(words: str) -> str:
    return escape(printable(words), {'"': "&quot;"})
