"""What sysstat kept of a host's use over the days before, where it is installed and collects."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from inventory.facts.base import Fact, Section, text
from inventory.facts.use import MADE

_FILES = "/var/log/sysstat/sa[0-9]* /var/log/sa/sa[0-9]*"
_DAYS = 8
_MOST = 10_000
_LONGEST_S = 3600
"""A mean over more says nothing of peaks: see `inventory.use`."""
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC$")
_NUMBER = re.compile(r"^\d{1,15}(?:\.\d{1,6})?$")


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Use in one interval of the past; None for what was not collected.

    Attributes:
        until: Its end.
        seconds: Its length.
        cpu: Percent of all CPUs that were busy; waiting for a disk is idle.
        memory: Percent of memory in use at its end, caches left out.
        iops: Reads and writes a second.
        disk_mbps: MB a second.
        network_mbps: MB a second, of cards.
    """

    until: datetime
    seconds: int
    cpu: float | None = None
    memory: float | None = None
    iops: float | None = None
    disk_mbps: float | None = None
    network_mbps: float | None = None


class HistoryFact(Fact[tuple[Past, ...]]):
    """The last eight days of sysstat, by its own `sadf`, in steps of ten minutes; nothing is run where it is not.

    A file of another version of sysstat than the one installed gives nothing.
    """

    name = "history"
    section = Section(
        sh=rf"""
command -v sadf >/dev/null || return 0
set --
for f in {_FILES}; do
  case $f in *.*) continue;; esac
  if [ -f "$f" ] && [ -r "$f" ]; then set -- "$@" "$f"; fi
done
while [ $# -gt {_DAYS} ]; do
  old=$1
  for f in "$@"; do if [ "$old" -nt "$f" ]; then old=$f; fi; done
  for f in "$@"; do shift; if [ "$f" != "$old" ]; then set -- "$@" "$f"; fi; done
done
for f in "$@"; do sadf -d "$f" 600 -- -u -r -b -n DEV; done
:""",
        reads=("/var/log/sysstat/sa*", "/var/log/sa/sa*"),
        runs=("sadf",),
        when=f'for f in {_FILES}; do if [ -r "$f" ]; then return 0; fi; done; return 1',
        timeout_s=15,
        cap=4 * 1024 * 1024,
    )

    def parse(self, raw: bytes) -> tuple[Past, ...] | None:
        """See `Past`, the oldest first; None without a whole interval."""
        heads: list[str] = []
        found: dict[str, dict[str, float]] = {}
        for line in raw.splitlines():
            words = text(line).split(";")
            if words[0].startswith("# "):
                heads = words
            elif len(words) == len(heads) and len(found) < _MOST:
                _take(found, dict(zip(heads, words, strict=True)))
        made = (_past(stamp, values) for stamp, values in found.items())
        return tuple(sorted((past for past in made if past is not None), key=lambda p: p.until)) or None


def _take(found: dict[str, dict[str, float]], row: Mapping[str, str]) -> None:
    """Add one row, of whichever kind its columns say, to what is known of its interval."""
    match = _STAMP.match(row.get("timestamp", ""))
    if match is None or row.get("CPU", "-1") not in {"-1", "all"}:
        return
    known = found.setdefault(match[1], {})

    def of(name: str) -> float | None:
        word = row.get(name, "").replace(",", ".")
        return float(word) if _NUMBER.match(word) else None

    def put(name: str, value: float | None) -> None:
        if value is not None:
            known[name] = max(0.0, value)

    put("seconds", of("interval"))
    if (idle := of("%idle")) is not None:
        put("cpu", 100 - idle - (of("%iowait") or 0))
    if used := of("kbmemused"):
        put("memory", _memory(used, of("%memused"), of("kbavail"), (of("kbbuffers") or 0) + (of("kbcached") or 0)))
    if (tps := of("tps")) is not None:
        put("iops", tps)
        put("disk_mbps", ((of("bread/s") or 0) + (of("bwrtn/s") or 0)) * 512 / 1e6)
    if "IFACE" in row and not MADE.match(row["IFACE"]):
        put("network_mbps", known.get("network_mbps", 0.0) + ((of("rxkB/s") or 0) + (of("txkB/s") or 0)) * 1024 / 1e6)


def _memory(used: float, percent: float | None, available: float | None, caches: float) -> float | None:
    """Percent in use. What ``kbmemused`` counts differs by version; its own percent says of how much that is."""
    if not percent:
        return None
    whole = used * 100 / percent
    return 100 * (1 - min(available, whole) / whole) if available is not None else 100 * (used - caches) / whole


def _past(stamp: str, values: dict[str, float]) -> Past | None:
    seconds = int(values.pop("seconds", 0))
    if not 0 < seconds <= _LONGEST_S or not values:
        return None
    try:
        until = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Past(until=until, seconds=seconds, **{name: round(value, 4) for name, value in values.items()})
