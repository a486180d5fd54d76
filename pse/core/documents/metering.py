"""Metering: counters of a host at one moment, and how long each level of its use was seen over time."""

from datetime import datetime

import msgspec

STEP = 1.1
"""Levels of rates grow by this factor, so that a figure is at most a tenth too high."""

Levels = dict[int, float]
"""Level to seconds. A level of a share is its percent; one of a rate is a power of `STEP` of a hundredth."""


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """Counters at one moment; they begin again when the host does.

    Attributes:
        boot: The kernel's id of this boot.
        uptime_s: Seconds since it.
        cpu_busy: Ticks of all CPUs that were not idle; waiting for a disk is idle, stolen time is not.
        cpu_total: Ticks of all CPUs.
        memory_percent: Memory in use now; None where the kernel does not tell.
        ios: Reads and writes of whole disks.
        disk_bytes: Bytes read and written.
        network_bytes: Bytes received and sent by the cards; bridges, bonds and the like lie on cards.
    """

    boot: str
    uptime_s: float
    cpu_busy: int
    cpu_total: int
    memory_percent: float | None = None
    ios: int = 0
    disk_bytes: int = 0
    network_bytes: int = 0


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one host over time.

    Attributes:
        first: Beginning of the window.
        last: The newest visit.
        meter: Its counters.
        intervals: Intervals that count.
        seconds: Seconds that they cover.
        cpu: Percent of CPU.
        memory: Percent of memory, at the visits.
        iops: Reads and writes a second.
        disk_mbps: MB a second.
        network_mbps: MB a second.
    """

    first: datetime
    last: datetime
    meter: Meter
    intervals: int = 0
    seconds: float = 0.0
    cpu: Levels = {}
    memory: Levels = {}
    iops: Levels = {}
    disk_mbps: Levels = {}
    network_mbps: Levels = {}
