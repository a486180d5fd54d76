"""The waves for people's calendars: iCalendar (RFC 5545), an event for each unbroken period of a wave."""

from datetime import UTC, datetime, time, timedelta

from pse.core.documents.plan import Plan
from pse.core.documents.waves import Schedule
from pse.core.errors import UsageError
from pse.core.text import counted, printable


def icalendar(plan: Plan) -> bytes:
    """The waves of ``plan`` as an iCalendar file; the same plan gives the same bytes.

    Raises:
        UsageError: Its waves have no dates.
    """
    from icalendar import Calendar, Event

    if not any(wave.periods for wave in plan.waves):
        raise UsageError(
            "the waves of this plan have no dates",
            hint="Set plan.schedule.start in pse.toml and run `pse plan` again.",
            where=plan.hash[:12],
        )
    sample = plan.sample or (isinstance(plan.schedule, Schedule) and plan.schedule.sample)
    # No clock: the stamp is the plan's own day.
    stamp = datetime.combine(plan.as_of, time(), UTC)
    file = Calendar()
    file.add("prodid", "-//pse//waves//EN")
    file.add("version", "2.0")
    for wave in plan.waves:
        for place, period in enumerate(wave.periods or (), start=1):
            event = Event()
            event.add("uid", f"{plan.hash[:32]}-{wave.number}-{place}@pse.invalid")
            event.add("dtstamp", stamp)
            event.add("dtstart", period.start)
            event.add("dtend", period.end + timedelta(days=1))
            amount = f"{counted(len(wave.workloads), 'workload')}, {counted(wave.servers, 'server')}"
            event.add("summary", printable(f"{'SAMPLE ' if sample else ''}Wave {wave.number}: {amount}"))
            event.add("description", printable(f"{', '.join(wave.workloads)}. {wave.why}. Plan {plan.hash[:12]}"))
            event.add("transp", "TRANSPARENT")
            file.add_component(event)
    data: bytes = file.to_ical()
    return data
