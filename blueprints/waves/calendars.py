"""The calendar of change freezes: from the workspace's own file, ``.toml`` or iCalendar (RFC 5545)."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pse.core.canonical import read_bytes
from pse.core.documents.schedule import Calendar, Every, Freeze
from pse.core.errors import BadInput
from pse.core.settings import Workspace, load_toml
from pse.core.text import printable
from pse.core.time import KARACHI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icalendar import Event


def load_calendar(workspace: Workspace) -> Calendar:
    """Read the calendar that ``plan.schedule.calendar`` names; without one nothing is frozen.

    Raises:
        BadInput: The file is missing or cannot be used.
    """
    named = workspace.settings.plan.schedule.calendar
    if not named:
        return Calendar()
    path = workspace.path(named)
    return from_ics(path) if path.suffix.lower() == ".ics" else load_toml(path, Calendar)


def from_ics(path: Path) -> Calendar:
    """Each event of an iCalendar file as a freeze of everything, but those that were cancelled; whole days.

    A time with a zone counts on the day that it is in Pakistan, where the waves work.

    Raises:
        BadInput: Not iCalendar, or an event without a day, or that comes back otherwise than every year.
    """
    from icalendar import Calendar as File

    try:
        held = _held(File.from_ical(read_bytes(path)))
        return Calendar(source=path.name, freeze=tuple(sorted((_freeze(event) for event in held), key=_order)))
    except (ValueError, KeyError, IndexError, OverflowError, OSError) as exc:  # a zone called "Asia" is a folder
        raise BadInput(
            f"not an iCalendar file that can be used: {printable(str(exc))}",
            where=str(path),
            hint="Export it again, or write the days into a calendar.toml.",
        ) from exc


def _held(file: object) -> "Iterator[Event]":
    from icalendar import Calendar as File

    if not isinstance(file, File):
        message = "it is no VCALENDAR"
        raise ValueError(message)  # noqa: TRY004 - one of the errors of a bad file
    yield from (event for event in file.events if str(event.get("STATUS", "")).upper() != "CANCELLED")


def _order(freeze: Freeze) -> tuple[date, str]:
    return (freeze.start or date.min, freeze.name)


def _freeze(event: "Event") -> Freeze:
    name = printable(str(event.get("SUMMARY", "freeze")))
    if "DTSTART" not in event:
        raise ValueError(f"the event {name!r} has no DTSTART")
    start, end = _here(event.start), _here(event.end)
    last = _day(end)
    # The end of an event is not part of it (RFC 5545, 3.6.1): a day, or midnight, belongs to the day before.
    if last > _day(start) and (not isinstance(end, datetime) or end.time() == datetime.min.time()):
        last -= timedelta(days=1)
    return Freeze(name=name, every=_every(event, name, _day(start)), start=_day(start), end=last)


def _here(moment: date | datetime) -> date | datetime:
    return moment.astimezone(KARACHI) if isinstance(moment, datetime) and moment.tzinfo is not None else moment


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _every(event: "Event", name: str, start: date) -> Every:
    """How often it comes back; parts of a rule that say nothing but what the first day says are passed over."""
    rule = event.get("RRULE")
    if rule is None and not any(key in event for key in ("RDATE", "EXDATE", "EXRULE")):
        return Every.ONCE
    if rule is not None and "EXDATE" not in event and "RDATE" not in event:
        parts = {key.upper(): list(value) for key, value in rule.items()}
        idle = {"INTERVAL": [1], "BYMONTH": [start.month], "BYMONTHDAY": [start.day], "WKST": parts.get("WKST")}
        if parts.pop("FREQ", None) == ["YEARLY"] and all(idle.get(key) == value for key, value in parts.items()):
            return Every.YEAR
    raise ValueError(f"the event {name!r} comes back in a way that is not read: only RRULE:FREQ=YEARLY is")
