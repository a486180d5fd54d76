"""The calendar of change freezes: from the workspace's own file, ``.toml`` or iCalendar (RFC 5545)."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pse.core.canonical import read_bytes
from pse.core.documents.schedule import Calendar, Every, Freeze
from pse.core.errors import BadInput
from pse.core.settings import Workspace, load_toml
from pse.core.text import printable

if TYPE_CHECKING:
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
    """Each event of an iCalendar file as a freeze of everything; whole days, in the file's own time zones.

    Raises:
        BadInput: Not iCalendar, or an event without a day, or that comes back otherwise than every year.
    """
    from icalendar import Calendar as File

    try:
        file = File.from_ical(read_bytes(path))
        return Calendar(source=path.name, freeze=tuple(sorted((_freeze(event) for event in file.events), key=_order)))
    except (ValueError, KeyError, IndexError) as exc:
        raise BadInput(
            f"not an iCalendar file that can be used: {printable(str(exc))}",
            where=str(path),
            hint="Export it again, or write the days into a calendar.toml.",
        ) from exc


def _order(freeze: Freeze) -> tuple[date, str]:
    return (freeze.start or date.min, freeze.name)


def _freeze(event: "Event") -> Freeze:
    name = printable(str(event.get("SUMMARY", "freeze")))
    if "DTSTART" not in event:
        raise ValueError(f"the event {name!r} has no DTSTART")
    start, end = event.start, event.end
    last = _day(end)
    # The end of an event is not part of it (RFC 5545, 3.6.1): a day, or midnight, belongs to the day before.
    if last > _day(start) and (not isinstance(end, datetime) or end.time() == datetime.min.time()):
        last -= timedelta(days=1)
    return Freeze(name=name, every=_every(event, name), start=_day(start), end=last)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _every(event: "Event", name: str) -> Every:
    rule = event.get("RRULE")
    if rule is None and not any(key in event for key in ("RDATE", "EXDATE", "EXRULE")):
        return Every.ONCE
    if rule is not None and {key.upper(): value for key, value in rule.items()} == {"FREQ": ["YEARLY"]}:
        return Every.YEAR
    raise ValueError(f"the event {name!r} comes back in a way that is not read: only RRULE:FREQ=YEARLY is")
