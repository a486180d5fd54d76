"""What a file measured of a machine's use: figures that stand in its row, or points in time of a table of their own."""

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from inventory.importers.values import Numbers, share
from inventory.use import LEVELS, figures
from pse.core.documents.metering import Levels
from pse.core.documents.usage import Usage

_SHARES = ("cpu", "memory")
_RATES = {
    "iops": ("iops", 1.0),
    "disk_mbps": ("disk_mbps", 1.0),
    "disk_kbps": ("disk_mbps", 1 / 1000),
    "network_mbps": ("network_mbps", 1.0),
    "network_kbps": ("network_mbps", 1 / 1000),
    "network_bytes": ("network_mbps", 1 / 1e6),
}
"""Fields of rates: the figure that each belongs to, and what it is multiplied by. KB and MB a second are decimal."""
_KINDS = ("p50", "p95", "peak")
SUMS = frozenset(f"{rate}_{kind}" for rate in _RATES for kind in _KINDS)
"""Fields of which all columns are added up: reads and writes, sent and received."""
FIELDS = SUMS | {f"{name}_{kind}" for name in _SHARES for kind in _KINDS}
_TIMES = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y, %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M")
NO_WINDOW = "window not given"


def in_row(
    cells: Mapping[str, str], names: tuple[str, ...], numbers: Numbers, *, day: date, source: str
) -> Usage | None:
    """The figures in a row, which says nothing of when they were measured: of ``day``, and no data point is known.

    Args:
        cells: By field.
        names: Those of `FIELDS`, with their numbers where several columns are added up.
        numbers: How the table writes numbers.
        day: That of the import.
        source: The import, for people.
    """
    found: dict[str, float] = {}
    for name in names:
        value = _number(cells[name], numbers)
        if value is None:
            continue
        field, _, kind = name.partition("#")[0].partition("~")[0].rpartition("_")
        into, by = _RATES.get(field, (field, 1.0))
        value = 100 * share(value) if field in _SHARES else value * by
        found[f"{into}_{kind}"] = found.get(f"{into}_{kind}", 0.0) + value
    if not found.keys() - {"cpu_peak", "memory_peak"}:
        return None
    said = {name: _up(value) for name, value in found.items()}
    return Usage(host="", first=day, last=day, coverage=Decimal(0), source=f"{source}, {NO_WINDOW}", **said)  # type: ignore[arg-type]  # figures only


class Points:
    """Points in time of one machine, kept as how often each level was seen: a year of them takes no more room."""

    __slots__ = ("_count", "_first", "_last", "_levels", "_step", "_when")

    def __init__(self) -> None:
        self._levels: dict[str, Levels] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._when: datetime | None = None
        self._step = math.inf
        self._count = 0

    def add(self, cells: Mapping[str, str], numbers: Numbers) -> None:
        """One row of such a table; what is no number is passed over."""
        seen: dict[str, float] = {}
        for name, text in cells.items():
            field, _, kind = name.partition("#")[0].partition("~")[0].rpartition("_")
            if kind != "peak" or (field not in _SHARES and field not in _RATES):
                continue
            value = _number(text, numbers)
            if value is not None:
                into, by = _RATES.get(field, (field, 1.0))
                seen[into] = seen.get(into, 0.0) + value * by
        for into, value in seen.items():
            level = LEVELS[into](value)
            levels = self._levels.setdefault(into, {})
            levels[level] = levels.get(level, 0.0) + 1
        self._count += bool(seen)
        if seen and (at := _time(cells.get("time", ""))) is not None:
            if self._when is not None and at != self._when:
                self._step = min(self._step, max(60.0, abs((at - self._when).total_seconds())))
            self._when = at
            self._first = at if self._first is None else min(self._first, at)
            self._last = at if self._last is None else max(self._last, at)

    def usage(self, *, day: date, source: str) -> Usage | None:
        """The row of ``usage.csv``, without its host; of ``day`` and without coverage where no time could be read."""
        if not self._levels:
            return None
        first, last, coverage = day, day, 0.0
        # A day that is still to come is none, and would count as the newest for ever; a day more is another time zone.
        if self._first is not None and self._last is not None and self._last.date() <= day + timedelta(days=1):
            first, last = self._first.date(), self._last.date()
            wanted = 1 + (self._last - self._first).total_seconds() / self._step if self._step < math.inf else 1
            coverage = min(100.0, 100 * self._count / wanted)
        else:
            source = f"{source}, {NO_WINDOW}"
        return Usage(
            host="",
            first=first,
            last=last,
            coverage=Decimal(f"{coverage:.2f}"),
            source=source,
            **figures(self._levels),  # type: ignore[arg-type]  # figures only
        )


def _number(text: str, numbers: Numbers) -> float | None:
    """Use is a hint for sizing: what cannot be read is not known, and costs no row."""
    try:
        return numbers.number(text.rstrip("% "))
    except ValueError:
        return None


def _time(text: str) -> datetime | None:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - two of one machine are compared, and their day is told
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _up(value: float) -> Decimal:
    return Decimal(f"{min(math.ceil(value * 100 - 1e-6) / 100, 999_999_999_999):.2f}")
