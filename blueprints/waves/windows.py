"""Windows: on which days a wave works. No clock: the first day is a setting."""

from collections.abc import Sequence
from datetime import date, timedelta

from pse.core.documents.schedule import Calendar, Freeze, ScheduleSettings
from pse.core.documents.waves import Period
from pse.core.errors import BadInput

_LONGEST_FREEZE = 400
"""Days in a row that everything may be frozen, before the calendar is taken for a mistake."""


class Windows:
    """The days of every wave, from 1 on: the next ``wave_days`` days on which not everything is frozen.

    Made as far as they are asked for. Without a first day there are no days, and nothing is ever frozen.
    """

    def __init__(self, settings: ScheduleSettings, calendar: Calendar) -> None:
        """Take the first day, the days of a wave, and the freezes."""
        self._next = settings.start
        self._days = settings.wave_days
        self._all = tuple(f for f in calendar.freeze if not f.workloads)
        self.scoped: tuple[Freeze, ...] = tuple(f for f in calendar.freeze if f.workloads)
        self._made: list[tuple[date, ...]] = []

    @property
    def dated(self) -> bool:
        """Whether waves have days."""
        return self._next is not None

    def days(self, number: int) -> tuple[date, ...]:
        """Days on which wave ``number`` works; none when waves have no dates.

        Raises:
            BadInput: The calendar leaves no day.
        """
        if self._next is None:
            return ()
        while len(self._made) < number:
            days = []
            for _ in range(self._days):
                while_frozen = 0
                while any(f.covers(self._next) for f in self._all):
                    self._next = _after(self._next)
                    while_frozen += 1
                    if while_frozen > _LONGEST_FREEZE:
                        raise _never(self._all)
                days.append(self._next)
                self._next = _after(self._next)
            self._made.append(tuple(days))
        return self._made[number - 1]

    def last_by(self, day: date) -> int:
        """The last wave that is over on ``day``; 0 when none is.

        Raises:
            BadInput: As `days`.
        """
        number = 0
        while self.days(number + 1)[-1] <= day:
            number += 1
        return number

    def hit_by(self, freeze: Freeze, until: int) -> frozenset[int]:
        """Waves from 1 to ``until`` that work on a day of ``freeze``."""
        return frozenset(n for n in range(1, until + 1) if any(freeze.covers(day) for day in self.days(n)))

    def periods(self, number: int) -> tuple[Period, ...]:
        """The days of a wave as unbroken periods."""
        return tuple(Period(start=run[0], end=run[-1]) for run in _runs(self.days(number)))


def frozen_periods(calendar: Calendar, first: date, last: date) -> tuple[tuple[Freeze, Period], ...]:
    """When each freeze is in force from ``first`` to ``last``, for a picture of them."""
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found = []
    for freeze in calendar.freeze:
        runs = _runs([day for day in span if freeze.covers(day)])
        found += [(freeze, Period(start=run[0], end=run[-1])) for run in runs]
    return tuple(found)


def _runs(days: Sequence[date]) -> list[list[date]]:
    runs: list[list[date]] = []
    for day in days:
        if runs and (day - runs[-1][-1]).days == 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _after(day: date) -> date:
    try:
        return day + timedelta(days=1)
    except OverflowError as exc:
        raise BadInput(
            "the waves go on beyond the year 9999",
            where="plan.schedule",
            hint="Give a wave more servers or fewer days, or an earlier start.",
        ) from exc


def _never(freezes: Sequence[Freeze]) -> BadInput:
    names = ", ".join(sorted(f.name for f in freezes))
    return BadInput(
        f"the calendar leaves no day for {_LONGEST_FREEZE} days: {names}",
        where="plan.schedule.calendar",
        hint="Shorten a freeze, or name the workloads that it is for.",
    )
