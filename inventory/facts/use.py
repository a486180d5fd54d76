"""What a host did since it started, as counters: the difference of two visits is its use between them."""

import re
from collections.abc import Collection

from inventory.facts.base import Fact, Section, bare, number, text
from pse.core.documents.metering import Meter

_PARTITION = (re.compile(r"^(.*\D)\d+$"), re.compile(r"^(.*\d)p\d+$"))
"""``sda1`` of ``sda``, ``nvme0n1p1`` of ``nvme0n1``."""
_DERIVED = re.compile(r"^(dm-|md|loop|ram|zram|sr|fd|nbd|drbd)\d")
MADE = re.compile(r"^(lo$|veth|docker|br-|virbr|bond|team|vlan|tun|tap|wg|dummy|ifb|cni|flannel|cali|.*\.)")
"""Interfaces that lie on cards, whose bytes those count already."""


class UseFact(Fact[Meter]):
    """Counters of CPU, disks and network cards: two runs of discovery say what a host did between them."""

    name = "use"
    section = Section(
        sh="""
read -r up rest < /proc/uptime && echo "uptime $up"
read -r all < /proc/stat && echo "$all"
:""",
        files=("/proc/sys/kernel/random/boot_id", "/proc/diskstats", "/proc/net/dev", "/proc/meminfo"),
        reads=("/proc/uptime", "/proc/stat (first line)"),
        group="quick",
    )

    def parse(self, raw: bytes) -> Meter | None:
        """See `Meter`; None without the kernel's counters of CPU time or its id of this boot."""
        uptime = re.search(rb"^uptime (\d{1,12}(?:\.\d{1,3})?)$", raw, re.MULTILINE)
        ticks = re.search(rb"^cpu +((?:\d{1,19} *){4,12})$", raw, re.MULTILINE)
        boot = re.search(rb"^/proc/sys/kernel/random/boot_id:([0-9a-f-]{36})$", raw, re.MULTILINE)
        if not uptime or not ticks or not boot:
            return None
        times = [int(word) for word in ticks[1].split()][:8]  # guests are in the first two already
        idle = times[3] + (times[4] if len(times) > 4 else 0)
        ios, disk_bytes = _disks(raw)
        return Meter(
            boot=text(boot[1]),
            uptime_s=float(uptime[1]),
            cpu_busy=sum(times) - idle,
            cpu_total=sum(times),
            memory_percent=_memory(raw),
            ios=ios,
            disk_bytes=disk_bytes,
            network_bytes=_network(raw),
        )


def _memory(raw: bytes) -> float | None:
    found = dict(re.findall(rb"^/proc/meminfo:(MemTotal|MemAvailable): +(\d{1,15}) kB", raw, re.MULTILINE))
    total, available = int(found.get(b"MemTotal", 0)), found.get(b"MemAvailable")
    if not total or available is None:
        return None
    return round(100 * max(0.0, 1 - int(available) / total), 2)


def _disks(raw: bytes) -> tuple[int, int]:
    rows = {}
    for line in bare(raw, "/proc/diskstats").decode("utf-8", "backslashreplace").split("\n"):
        words = line.split()
        if len(words) >= 14 and number(words[0]) is not None and number(words[1]) is not None:
            rows[words[2]] = [number(word) or 0 for word in words[3:11]]
    whole = [row for name, row in rows.items() if not _DERIVED.match(name) and not _is_part(name, rows.keys())]
    return sum(r[0] + r[4] for r in whole), sum(r[2] + r[6] for r in whole) * 512


def _is_part(name: str, names: Collection[str]) -> bool:
    return any((match := pattern.match(name)) and match[1] in names for pattern in _PARTITION)


def _network(raw: bytes) -> int:
    total = 0
    for line in bare(raw, "/proc/net/dev").decode("utf-8", "backslashreplace").split("\n"):
        name, colon, rest = line.strip().partition(":")
        words = rest.split()
        if colon and len(words) == 16 and not MADE.match(name):
            total += (number(words[0]) or 0) + (number(words[8]) or 0)
    return total
