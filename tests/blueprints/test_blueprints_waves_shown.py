"""Days, calendars, reasons and findings of waves; the picture, and the file for calendars."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from icalendar import Calendar as File

from blueprints.waves.calendars import from_ics
from blueprints.waves.gantt import gantt
from blueprints.waves.ical import icalendar
from pse.core.documents.category import Category
from pse.core.documents.plan import Cost, Plan
from pse.core.documents.schedule import Calendar, Every, Freeze, ScheduleSettings, Uses, Weekday
from pse.core.errors import BadInput, UsageError
from tests.blueprints.wave_world import MONDAY, World, wanted

WEEKEND = Freeze(name="Weekend", every=Every.WEEK, weekdays=(Weekday.SATURDAY, Weekday.SUNDAY))
EXAMS = Freeze(name="Exams <b>", start=MONDAY, end=MONDAY + dt.timedelta(days=6), workloads=("learn*",))
DATED = ScheduleSettings(start=MONDAY, wave_days=6)
WORLD = World(
    moving=(wanted("learning", 1), wanted("a&b", 2), wanted("<script>", 2), wanted("records", 3, Category.SENSITIVE)),
    capacity=4,
    uses={"learning": ["a&b"]},
    settings=DATED,
    calendar=Calendar(sample=True, freeze=(WEEKEND, EXAMS)),
)


def plan_of(world: World) -> Plan:
    made = world.made()
    return Plan(
        entity='Ministry of "Works" & <Co>',
        as_of=MONDAY,
        sample=False,
        currency="PKR",
        inputs={},
        servers=8,
        decisions=(),
        waves=made.waves,
        schedule=made.schedule,
        cost=Cost(monthly=Decimal(0), one_time=Decimal(0), no_price=0),
        findings=made.findings,
        units={},
        hash="ab" * 32,
    )


def test_a_wave_works_on_open_days_and_its_members_say_why() -> None:
    made = WORLD.made()
    assert [w.workloads for w in made.waves] == [("<script>",), ("a&b", "learning"), ("records",)]
    # Six days from a Monday, and no weekend among them: over the weekend to the next Monday.
    assert [[(p.start.day, p.end.day) for p in w.periods or ()] for w in made.waves] == [
        [(4, 8), (11, 11)],
        [(12, 15), (18, 19)],
        [(20, 22), (25, 27)],
    ]
    assert made.reasons["learning"] == (
        "wave 2: among the waves of open data, which are as few as found; with a&b, which it uses or is used by; "
        "frozen by 'Exams <b>' in wave 1"
    )
    assert made.reasons["records"] == "wave 3: the first wave of sensitive data"
    assert [w.hours for w in made.waves] == [16, 24, 24]


def test_what_uses_each_other_is_said_to_be_together() -> None:
    made = World(moving=(wanted("a", 2), wanted("b", 3), wanted("c", 3)), capacity=5, uses={"a": ["c"]}).made()
    assert made.number["a"] == made.number["c"]
    assert "with c, which it uses or is used by" in made.reasons["a"]
    assert made.schedule.parted == 0


def test_rules_that_a_declared_wave_breaks_are_said() -> None:
    moving = (
        wanted("learning", 1, wave=1),
        wanted("late", 1, wave=4, deadline=MONDAY + dt.timedelta(days=8)),
        wanted("other", 1, wave=2),
    )
    world = World(
        moving=moving,
        capacity=4,
        uses={"late": ["other"]},
        settings=msgspec.structs.replace(DATED, uses=Uses.TOGETHER),
        calendar=Calendar(freeze=(EXAMS,)),
    )
    said = sorted((f.subject, f.message) for f in world.made().findings if f.code == "PSE-B085")
    assert said == [
        ("late", "is declared for wave 4, after its deadline"),
        ("late", "uses other, and both are declared for different waves"),
        ("learning", "is declared for wave 1, in the freeze 'Exams <b>'"),
    ]


def test_what_is_larger_than_a_wave_by_another_limit_is_alone_and_said() -> None:
    world = World(
        moving=(wanted("big", 1, gib=3000), wanted("small", 1, gib=10)),
        capacity=9,
        settings=ScheduleSettings(wave_tib=2, wave_hours=7),
    )
    made = world.made()
    assert [len(w.workloads) for w in made.waves] == [1, 1]
    assert {f.code for f in made.findings} == {"PSE-B081"}
    assert any("2.93 TiB: at most 2.00 TiB (wave_tib)" in f.message for f in made.findings)
    assert any("8 hours: at most 7 hours of engineers (wave_hours)" in f.message for f in made.findings)


def test_days_without_a_first_one_are_a_finding() -> None:
    world = World(moving=(wanted("a", 1, deadline=MONDAY),), capacity=4, calendar=Calendar(freeze=(WEEKEND,)))
    (said,) = world.made().findings
    assert said.code == "PSE-B083"
    assert "deadlines of a and the calendar" in said.message


def test_a_calendar_without_a_day_is_refused() -> None:
    always = Freeze(name="Always", every=Every.WEEK, weekdays=tuple(Weekday))
    with pytest.raises(BadInput, match="leaves no day for 400 days: Always"):
        World(moving=(wanted("a", 1),), capacity=4, settings=DATED, calendar=Calendar(freeze=(always,))).made()
    own = msgspec.structs.replace(always, workloads=("a",))
    made = World(moving=(wanted("a", 1),), capacity=4, settings=DATED, calendar=Calendar(freeze=(own,))).made()
    assert [f.code for f in made.findings] == ["PSE-B080"]
    assert "the freeze 'Always' of a" in made.findings[0].message


@pytest.mark.parametrize(
    ("freeze", "inside", "outside"),
    [
        (Freeze(name="x", every=Every.MONTH, days=(-1, 1)), (2027, 2, 28), (2027, 2, 27)),
        (Freeze(name="x", every=Every.MONTH, days=(-1, 1)), (2028, 3, 1), (2028, 2, 28)),
        (Freeze(name="x", every=Every.YEAR, start=dt.date(2020, 3, 23)), (2031, 3, 23), (2031, 3, 24)),
        (
            Freeze(name="x", every=Every.YEAR, start=dt.date(2020, 12, 30), end=dt.date(2021, 1, 2)),
            (2027, 1, 2),
            (2027, 1, 3),
        ),
        (Freeze(name="x", start=dt.date(2027, 1, 4)), (2027, 1, 4), (2028, 1, 4)),
    ],
)
def test_days_of_a_freeze(freeze: Freeze, inside: tuple[int, int, int], outside: tuple[int, int, int]) -> None:
    assert freeze.covers(dt.date(*inside))
    assert not freeze.covers(dt.date(*outside))


@pytest.mark.parametrize(
    "row",
    [
        {"name": "x"},
        {"name": "x", "every": "month", "start": dt.date(2027, 1, 1)},
        {"name": "x", "start": dt.date(2027, 1, 2), "end": dt.date(2027, 1, 1)},
        {"name": "x", "every": "month", "days": [0]},
    ],
)
def test_a_freeze_without_its_days_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(row, Freeze)


def test_an_icalendar_file_is_read_by_whole_days(tmp_path: Path) -> None:
    file = tmp_path / "holidays.ics"
    file.write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//sample//EN\r\n"
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20270310\r\nDTEND;VALUE=DATE:20270313\r\nSUMMARY:Eid (sample)\r\n"
        "END:VEVENT\r\n"
        "BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20270323\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Day\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )
    eid, day = from_ics(file).freeze
    assert (eid.name, eid.start, eid.end) == ("Eid (sample)", dt.date(2027, 3, 10), dt.date(2027, 3, 12))
    assert (day.every, day.start, day.end) == (Every.YEAR, dt.date(2027, 3, 23), dt.date(2027, 3, 23))
    file.write_text(file.read_text().replace("FREQ=YEARLY", "FREQ=WEEKLY"))
    with pytest.raises(BadInput, match="comes back in a way that is not read"):
        from_ics(file)
    file.write_text("nothing")
    with pytest.raises(BadInput, match="not an iCalendar file"):
        from_ics(file)


def event(*lines: str) -> str:
    inside = "\r\n".join(("BEGIN:VEVENT", "UID:1", "SUMMARY:Day", *lines, "END:VEVENT"))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//sample//EN\r\n{inside}\r\nEND:VCALENDAR\r\n"


DAY = "DTSTART;VALUE=DATE:20270323"


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        (("DTSTART:20270322T200000Z", "DTEND:20270322T210000Z"), (Every.ONCE, 23, 23)),  # one o'clock in Pakistan
        (
            ("DTSTART;TZID=Asia/Karachi:20270323T000000", "DTEND;TZID=Asia/Karachi:20270324T000000"),
            (Every.ONCE, 23, 23),
        ),
        (("DTSTART:20270323T230000", "DTEND:20270324T010000"), (Every.ONCE, 23, 24)),
        ((DAY, "RRULE:FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=23;BYMONTH=3"), (Every.YEAR, 23, 23)),
        ((DAY, "STATUS:CANCELLED"), None),
    ],
)
def test_an_event_is_a_freeze_on_its_day_in_pakistan(
    tmp_path: Path, lines: tuple[str, ...], days: tuple[Every, int, int] | None
) -> None:
    file = tmp_path / "days.ics"
    file.write_text(event(*lines), newline="")
    found = [(f.every, f.start and f.start.day, f.end and f.end.day) for f in from_ics(file).freeze]
    assert found == ([] if days is None else [days])


@pytest.mark.parametrize(
    "text",
    [
        event(DAY, "DURATION:P999999999D"),
        event(DAY, "RRULE:FREQ=YEARLY", "EXDATE;VALUE=DATE:20280323"),
        event(DAY, "RRULE:FREQ=YEARLY;BYMONTH=4"),
        event(DAY, "RRULE:FREQ=SECONDLY"),
        event(DAY).replace("VCALENDAR", "VJOURNAL"),
        event(DAY).replace("END:VEVENT\r\n", ""),
        event("DTSTART;VALUE=DATE:20270231"),
        event("DTSTART;TZID=Asia:20270323T000000"),
    ],
)
def test_an_icalendar_file_that_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "days.ics"
    file.write_text(text, newline="")
    with pytest.raises(BadInput, match="not an iCalendar file that can be used"):
        from_ics(file)


def test_the_picture_is_svg_with_dark_words_and_nothing_of_the_names_runs() -> None:
    text = gantt(plan_of(WORLD))
    assert "<script" not in text
    root = ET.fromstring(text)
    names = {name.rpartition("}")[2] for name in (e.tag for e in root.iter())}
    assert names == {"svg", "title", "style", "rect", "line", "text"}
    words = [e.text or "" for e in root.iter() if e.tag.endswith("text")]
    assert "2: 2 workloads, 3 servers" in words
    assert "a&b, learning" in words
    assert any("SAMPLE" in word for word in words)
    assert "freeze: Exams <b>" in words
    assert "text{font:12px sans-serif;fill:#111}" in text
    width = float(root.get("width", "0"))
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        if rect.get("class"):
            assert (
                0 <= float(rect.get("x", "-1")) <= float(rect.get("x", "-1")) + float(rect.get("width", "0")) <= width
            )
    assert gantt(plan_of(World(moving=(), capacity=3))).startswith("<svg")
    undated = gantt(plan_of(msgspec.structs.replace(WORLD, settings=ScheduleSettings())))
    assert "no dates: plan.schedule.start is not set" in undated


def test_the_file_for_calendars_has_each_period_and_no_clock() -> None:
    plan = plan_of(WORLD)
    data = icalendar(plan)
    assert data == icalendar(plan)
    events = [dict(event.property_items(sorted=False)) for event in File.from_ical(data).events]
    days = [(_day(event["DTSTART"]), _day(event["DTEND"])) for event in events]
    assert days == [(4, 9), (11, 12), (12, 16), (18, 20), (20, 23), (25, 28)]
    assert len({str(event["UID"]) for event in events}) == 6
    assert b"DTSTAMP:20270104T000000Z" in data
    with pytest.raises(UsageError, match="no dates"):
        icalendar(plan_of(msgspec.structs.replace(WORLD, settings=ScheduleSettings())))


def _day(moment: Any) -> int:
    day: int = moment.dt.day
    return day


def test_names_have_a_place_of_their_own_where_one_wave_is_all() -> None:
    root = ET.fromstring(gantt(plan_of(World(moving=(wanted("a", 1),), capacity=3, settings=DATED))))
    places = {e.text: float(e.get("x", "0")) for e in root.iter() if e.tag.endswith("text")}
    assert places["a"] > places["1: 1 workload, 1 server"] + 200
