"""Waves in a plan: what moves when, and how good that is."""

from datetime import date
from decimal import Decimal

import msgspec


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Days in a row, both included."""

    start: date
    end: date


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """Workloads that move at the same time.

    Attributes:
        number: From 1.
        workloads: Ids, sorted.
        servers: Servers that move.
        size_mib: MiB that move, as far as known.
        why: Why these and why now.
        hours: Hours of engineers; not in plans of before there were any.
        periods: Days on which it works, those of freezes left out; unset when waves have no dates.
    """

    number: int
    workloads: tuple[str, ...]
    servers: int
    size_mib: int
    why: str
    hours: int | msgspec.UnsetType = msgspec.UNSET
    periods: tuple[Period, ...] | msgspec.UnsetType = msgspec.UNSET


class FrozenPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """When a change freeze is in force.

    Attributes:
        name: Of the freeze.
        period: The days.
        workloads: Patterns of ids that it is for; empty is everything.
    """

    name: str
    period: Period
    workloads: tuple[str, ...] = ()


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How good the waves are: what counts is few waves, and few dependencies parted by a wave.

    Attributes:
        last: Number of the last wave that planning chose.
        last_bound: No schedule is over before this wave.
        dependencies: Pairs of moving workloads, or groups of them, of which one uses the other.
        parted: Those that are in different waves.
        parted_bound: No schedule with so few waves parts fewer.
        wave_worth: Dependencies that count as much as a wave; 0 when the fewest waves come first, whatever they part.
        gap_percent: How far at most from the best: waves times ``wave_worth`` and parted dependencies, above the bound
            of both, in percent of it. With 0: waves above their bound.
        parted_gap_percent: Dependencies that might be kept together, by the bound, and are not, in percent of those
            that might. The bound is weak where everything uses everything.
        solver: Name and version; empty when the quick way reached the bounds.
        sample: The calendar is a sample.
        frozen: Change freezes from the first wave to the last.
    """

    last: int
    last_bound: int
    dependencies: int
    parted: int
    parted_bound: int
    gap_percent: Decimal
    parted_gap_percent: Decimal
    solver: str = ""
    sample: bool = False
    wave_worth: int = 0
    frozen: tuple[FrozenPeriod, ...] = ()
