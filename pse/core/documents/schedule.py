"""How waves are planned: the table ``[plan.schedule]`` of ``pse.toml``, and the calendar of change freezes."""

from datetime import date, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]


class Uses(StrEnum):
    """What it means for waves that one workload uses another."""

    PREFER = "prefer"
    """The same wave where it costs no wave more."""
    TOGETHER = "together"
    """Always the same wave."""
    FIRST = "first"
    """What is used moves in the same wave or before."""
    IGNORE = "ignore"


class ScheduleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of the waves beside `PlanSettings.wave_servers`; None is no such rule.

    Attributes:
        start: First day of wave 1; without it waves have no dates.
        wave_days: Days that a wave works, days of a freeze not counted.
        calendar: Path of the change freezes, relative to the workspace: ``.toml`` or ``.ics``; empty for none.
        finish_by: Day by which everything has moved.
        wave_tib: Most TiB that one wave moves.
        wave_hours: Most hours of engineers that one wave takes.
        server_hours: Hours for a server, where a workload does not declare its own.
        link_mbps: Mbit/s between the old room and the places, as measured; what a wave moves fits it within its days.
        link_hours: Hours of a day in which the link may be used.
        wave_risky: Most workloads of high risk in one wave.
        pilot_servers: Most servers of wave 1, whose workloads are of the least sensitive category and of no high risk.
        uses: See `Uses`.
        by_category: A wave holds one category, less sensitive before more.
        wave_worth: A wave more than the fewest is taken where it keeps more than so many dependencies together; 0 takes
            none.
        effort: Deterministic time (CP-SAT's own unit, one to four seconds) that may be spent on improving the waves.
    """

    start: date | None = None
    wave_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 5
    calendar: str = ""
    finish_by: date | None = None
    wave_tib: Count | None = None
    wave_hours: Count | None = None
    server_hours: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 8
    link_mbps: Count | None = None
    link_hours: Annotated[int, msgspec.Meta(ge=1, le=24)] = 24
    wave_risky: Count | None = None
    pilot_servers: Count | None = None
    uses: Uses = Uses.PREFER
    by_category: bool = True
    wave_worth: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 10
    effort: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.5

    @property
    def link_mib(self) -> int | None:
        """MiB that the link carries in the days of one wave; None when nobody said how fast it is."""
        if self.link_mbps is None:
            return None
        return self.link_mbps * 1_000_000 * self.wave_days * self.link_hours * 3600 // 8 // 2**20


class Every(StrEnum):
    """How often a freeze comes back."""

    ONCE = "once"
    YEAR = "year"
    MONTH = "month"
    WEEK = "week"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


MonthDay = Annotated[int, msgspec.Meta(ge=-31, le=31)]


class Freeze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days on which nothing may be changed.

    Attributes:
        name: For people, such as ``Examinations``.
        every: ``once`` and ``year`` take ``start`` and ``end``, ``month`` takes ``days``, ``week`` takes ``weekdays``.
        start: First day.
        end: Last day; by default the first.
        days: Days of the month; -1 is its last day, -2 the one before.
        weekdays: Days of the week.
        workloads: Patterns of workload ids that it is for; empty is everything, and then no wave works on these days.
    """

    name: str
    every: Every = Every.ONCE
    start: date | None = None
    end: date | None = None
    days: tuple[MonthDay, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    workloads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a freeze that names no days, or days of another kind than ``every``.

        Raises:
            ValueError: msgspec turns it into a validation error that names the row.
        """
        wanted = {Every.MONTH: "days", Every.WEEK: "weekdays"}.get(self.every, "start")
        given = {name for name in ("start", "days", "weekdays") if getattr(self, name)}
        if given != {wanted} or (self.end is not None and wanted != "start"):
            raise ValueError(f"a freeze with every = {self.every.value!r} takes {wanted} and no other days")
        if 0 in self.days:
            raise ValueError("days of a month are from 1 to 31, or from -1 backwards")
        if self.start is not None and self.end is not None:
            if self.end < self.start:
                raise ValueError("end is before start")
            if self.every is Every.YEAR and self.end - self.start > timedelta(days=364):
                raise ValueError("a freeze that comes back every year is shorter than a year")

    def covers(self, day: date) -> bool:
        """Whether ``day`` is frozen by it, for those that it is for."""
        if self.every is Every.WEEK:
            return list(Weekday)[day.weekday()] in self.weekdays
        if self.every is Every.MONTH:
            left = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            return day.day in self.days or day.day - left.day - 1 in self.days
        start = self.start or day
        end = self.end or start
        if self.every is Every.ONCE:
            return start <= day <= end
        first, last, now = (start.month, start.day), (end.month, end.day), (day.month, day.day)
        return first <= now <= last if first <= last else now >= first or now <= last

    def is_for(self, workload: str) -> bool:
        """Whether it holds for ``workload``."""
        return not self.workloads or any(fnmatchcase(workload, pattern) for pattern in self.workloads)


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change freezes: national holidays, month end, examinations, days on which salaries or grants are paid.

    Attributes:
        sample: Invented, for trying out; said wherever the waves are shown.
        source: Where the days come from, such as a notification's number.
        freeze: The freezes.
    """

    sample: bool = False
    source: str = ""
    freeze: tuple[Freeze, ...] = ()
