"""Use over time, out of the counters of repeated runs: how long each level of use was seen, and what sizing asks of it.

Between two visits a host's counters give its mean use. Levels are kept as a histogram by seconds, so that a year of
visits takes no more room than a day. Only intervals of an hour or less count: a mean over longer says nothing of peaks.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

import msgspec

from inventory.facts.history import Past
from pse.core.canonical import write_bytes
from pse.core.documents.metering import STEP, Levels, Meter, Use
from pse.core.documents.usage import FILE, Usage, load_usage
from pse.core.settings import Workspace

SOURCE = "pse discover"
"""What ``usage.csv`` says of rows that come from here; all others belong to people and are left alone."""

IMPORTED = "pse import "
"""What it begins with in rows that importers wrote."""
LONGEST = timedelta(hours=1)
_MOST = 999_999_999_999
"""The largest figure that ``usage.csv`` holds."""
_SHORTEST_S = 10.0
_FORGET = timedelta(days=31)
_LEAST_INTERVALS = 20
_LEAST_WINDOW = timedelta(days=3)


def advance(before: Use | None, meter: Meter, at: datetime) -> Use:
    """``before`` with one visit more. A host that started anew, or was not seen for a month, gives no interval."""
    if before is None or at - before.last > _FORGET:
        return Use(first=at, last=at, meter=meter)
    old, seconds = before.meter, meter.uptime_s - before.meter.uptime_s
    moved = msgspec.structs.replace(before, last=at, meter=meter)
    if old.boot != meter.boot or seconds > LONGEST.total_seconds():
        return moved
    ticks = meter.cpu_total - old.cpu_total
    if seconds < _SHORTEST_S or ticks <= 0:
        return before  # too soon to say anything: the next visit goes on from the one before
    return msgspec.structs.replace(
        moved,
        intervals=before.intervals + 1,
        seconds=before.seconds + seconds,
        cpu=_more(before.cpu, _share(100 * (meter.cpu_busy - old.cpu_busy) / ticks), seconds),
        memory=_more(before.memory, _share(meter.memory_percent), seconds),
        iops=_more(before.iops, _rate(meter.ios - old.ios, seconds), seconds),
        disk_mbps=_more(before.disk_mbps, _rate((meter.disk_bytes - old.disk_bytes) / 1e6, seconds), seconds),
        network_mbps=_more(
            before.network_mbps, _rate((meter.network_bytes - old.network_bytes) / 1e6, seconds), seconds
        ),
    )


def recall(use: Use, past: Iterable[Past]) -> Use:
    """``use`` of a first visit with what the host itself kept of the month before.

    Later visits measure by themselves, so that nothing counts twice; of intervals that overlap the first one counts.
    """
    end = use.first - _FORGET
    for one in sorted(past, key=lambda p: p.until):
        begin = one.until - timedelta(seconds=one.seconds)
        if begin < end or one.until > use.last or one.seconds > LONGEST.total_seconds():
            continue
        end, seconds = one.until, float(one.seconds)
        use = msgspec.structs.replace(
            use,
            first=min(use.first, begin),
            intervals=use.intervals + 1,
            seconds=use.seconds + seconds,
            cpu=_more(use.cpu, _share(one.cpu), seconds),
            memory=_more(use.memory, _share(one.memory), seconds),
            iops=_more(use.iops, _told(one.iops), seconds),
            disk_mbps=_more(use.disk_mbps, _told(one.disk_mbps), seconds),
            network_mbps=_more(use.network_mbps, _told(one.network_mbps), seconds),
        )
    return use


def usage_of(host: str, use: Use) -> Usage | None:
    """The row of ``usage.csv``; None for fewer than 20 intervals, or less than three days."""
    window = use.last - use.first
    if use.intervals < _LEAST_INTERVALS or window < _LEAST_WINDOW:
        return None
    return Usage(
        host=host,
        first=use.first.date(),
        last=use.last.date(),
        coverage=_decimal(min(100.0, 100 * use.seconds / window.total_seconds())),
        **figures({name: getattr(use, name) for name in LEVELS}),  # type: ignore[arg-type]  # figures only
        source=SOURCE,
    )


def figures(levels: Mapping[str, Levels]) -> dict[str, Decimal | None]:
    """The columns of ``usage.csv`` for what was seen: p50, p95 and peak of each."""
    found: dict[str, Decimal | None] = {}
    for name, seen in levels.items():
        of = _of_share if name in {"cpu", "memory"} else _of_rate
        found |= {f"{name}_{kind}": of(seen, share) for kind, share in (("p50", 0.5), ("p95", 0.95), ("peak", 1))}
    return found


def take_usage(workspace: Workspace, measured: Iterable[Usage]) -> int:
    """Write what an import measured into ``usage.csv``; how many rows it holds from here now.

    A row of people's own monitoring stays as it is. Of two rows of this program the one with the newer window counts,
    of two with one end the one that covers more of it, then the one that was written last.

    Raises:
        BadInput: ``usage.csv`` cannot be used or written.
    """
    rows = dict(load_usage(workspace).of)
    taken = 0
    fresh: dict[str, Usage] = {}
    for one in measured:
        fresh[one.host] = _either(fresh[one.host], one) if one.host in fresh else one
    for new in fresh.values():
        old = rows.get(new.host)
        if old is not None and (not _is_own(old) or (old.last, old.coverage) > (new.last, new.coverage)):
            continue
        rows[new.host] = new
        taken += 1
    if taken:
        _write(workspace, rows)
    return taken


def _either(one: Usage, two: Usage) -> Usage:
    """What either of two servers of one name needs, trusted as the one that is known less: they share a row."""
    last = min(one.last, two.last)
    figures = [name for name in Usage.__struct_fields__ if name.endswith(("_p50", "_p95", "_peak"))]
    pairs = {name: [v for row in (one, two) if (v := getattr(row, name)) is not None] for name in figures}
    return msgspec.structs.replace(
        one,
        first=min(max(one.first, two.first), last),
        last=last,
        coverage=min(one.coverage, two.coverage),
        **{name: max(values) for name, values in pairs.items() if values},
    )


def _is_own(row: Usage) -> bool:
    return row.source == SOURCE or row.source.startswith(IMPORTED)


def _write(workspace: Workspace, rows: Mapping[str, Usage]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, Usage.__struct_fields__, lineterminator="\n")
    writer.writeheader()
    for host in sorted(rows):
        writer.writerow({k: "" if v is None else v for k, v in msgspec.structs.asdict(rows[host]).items()})
    write_bytes(workspace.path(FILE), out.getvalue().encode())


def write_usage(workspace: Workspace) -> tuple[int, int]:
    """Write what repeated visits measured into ``usage.csv``; rows of another source stay as they are.

    Returns:
        How many rows are from here, and of how many hosts too little is known.

    Raises:
        BadInput: ``usage.csv`` cannot be used.
    """
    from inventory.store import sightings

    rows = {host: row for host, row in load_usage(workspace).of.items() if row.source != SOURCE}
    own = short = 0
    for sighting in sightings(workspace):
        host = sighting.server.hostname
        old = rows.get(host)
        if sighting.use is None or (old is not None and not _is_own(old)):
            continue
        row = usage_of(host, sighting.use)
        if row is None:
            short += 1
        elif old is None or old.last <= row.last:
            own += old is None or old.source != SOURCE
            rows[host] = row
    _write(workspace, rows)
    return own, short


def percentile(levels: Levels, share: float) -> int | None:
    """The level at or below which ``share`` of the seconds were; None when nothing was seen."""
    wanted, so_far = share * sum(levels.values()), 0.0
    for level in sorted(levels):
        so_far += levels[level]
        if so_far >= wanted - 1e-6:
            return level
    return max(levels) if levels else None


def _more(levels: Levels, level: int | None, seconds: float) -> Levels:
    return levels if level is None else {**levels, level: round(levels.get(level, 0.0) + seconds, 2)}


def _share(percent: float | None) -> int | None:
    return None if percent is None or percent < 0 else min(100, math.ceil(percent))


def _rate(amount: float, seconds: float) -> int | None:
    """A counter that went back wrapped, or a device went: nothing is known of this interval."""
    if amount < 0:
        return None
    return max(0, math.ceil(math.log(max(amount / seconds, 1e-9) * 100, STEP)))


def _told(rate: float | None) -> int | None:
    return None if rate is None else _rate(rate, 1)


def _of_share(levels: Levels, share: float) -> Decimal | None:
    level = percentile(levels, share)
    return None if level is None else Decimal(level)


def _of_rate(levels: Levels, share: float) -> Decimal | None:
    level = percentile(levels, share)
    return None if level is None else _decimal(min(STEP**level / 100 if level else 0.0, _MOST))


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def _level(value: float) -> int:
    return _share(value) or 0


def _rate_level(value: float) -> int:
    return _rate(value, 1.0) or 0


LEVELS: Mapping[str, Callable[[float], int]] = MappingProxyType(
    {"cpu": _level, "memory": _level, "iops": _rate_level, "disk_mbps": _rate_level, "network_mbps": _rate_level}
)
"""What is measured, and how a value of it becomes a level."""
