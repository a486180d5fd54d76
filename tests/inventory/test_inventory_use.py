"""Use over time: what counters of repeated visits say, what they do not, and the file that sizing reads."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import inventory
from inventory.facts.history import Past
from inventory.store import keep, record, sightings
from inventory.use import SOURCE, advance, percentile, recall, usage_of, write_usage
from pse.core.documents.metering import Meter, Use
from pse.core.documents.snapshot import Server, Sighting
from pse.core.documents.usage import load_usage
from pse.core.settings import Workspace
from tests.inventory.sshd import Sshd
from tests.inventory.test_inventory_discovery import Room

AT = datetime(2026, 11, 2, tzinfo=UTC)


def meter(minutes: float, *, busy: float = 0.1, boot: str = "a", ios: int = 0, memory: float = 50.0) -> Meter:
    """Counters ``minutes`` after the boot of a host with 100 ticks a second, so and so busy since."""
    ticks = int(minutes * 6000)
    return Meter(
        boot=boot,
        uptime_s=minutes * 60,
        cpu_busy=int(ticks * busy),
        cpu_total=ticks,
        memory_percent=memory,
        ios=ios,
        disk_bytes=ios * 4096,
    )


def visited(*meters: Meter, every: timedelta = timedelta(minutes=15)) -> Use:
    use = None
    for number, one in enumerate(meters):
        use = advance(use, one, AT + number * every)
    assert use is not None
    return use


def test_two_visits_give_the_mean_between_them() -> None:
    use = visited(meter(1000, busy=0.5), meter(1015, busy=0.5, ios=9000))
    assert (use.intervals, use.seconds, use.cpu, use.memory) == (1, 900.0, {50: 900.0}, {50: 900.0})
    ((level, _),) = use.iops.items()
    assert 10 <= 1.1**level / 100 <= 11, "10 a second, told at most a tenth too high"


@pytest.mark.parametrize(
    ("meters", "why"),
    [
        ((meter(1000), meter(5, boot="b")), "it started anew"),
        ((meter(1000), meter(1061)), "a mean over more than an hour hides every peak"),
        ((meter(1000), meter(1000.1)), "too soon"),
        ((meter(1000), msgspec.structs.replace(meter(1015), cpu_total=0)), "its clock of CPU time went back"),
    ],
)
def test_what_says_nothing_is_no_interval(meters: tuple[Meter, ...], why: str) -> None:
    assert visited(*meters).intervals == 0, why


def test_a_counter_that_went_back_is_left_out_and_the_others_count() -> None:
    use = visited(meter(1000, ios=500), meter(1015, ios=3))
    assert (use.intervals, use.iops, use.cpu) == (1, {}, {10: 900.0})


def test_a_visit_told_twice_counts_once() -> None:
    use = visited(meter(1000), meter(1015))
    assert advance(use, use.meter, use.last) == use


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(1, 3600)), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_where_so_much_of_the_time_was(seen: list[tuple[int, float]], share: float) -> None:
    levels: dict[int, float] = {}
    for level, seconds in seen:
        levels[level] = levels.get(level, 0.0) + seconds
    found = percentile(levels, share)
    assert found in levels
    total = sum(levels.values())
    assert sum(s for level, s in levels.items() if level <= found) >= share * total - 1e-3
    assert sum(s for level, s in levels.items() if level < found) < share * total + 1e-3


def test_a_row_takes_twenty_visits_and_three_days() -> None:
    quarter = [meter(1000 + 15 * n) for n in range(21)]
    assert usage_of("h", visited(*quarter)) is None, "twenty intervals of one afternoon"
    days = [meter(1000 + 15 * n, busy=0.2) for n in range(4 * 24 * 4)]
    row = usage_of("h", visited(*days))
    assert row is not None
    assert (row.first, row.last) == (AT.date(), (AT + timedelta(days=3, hours=23)).date())
    assert row.coverage == Decimal("100.00")
    assert [row.cpu_p95, row.cpu_peak, row.memory_peak] == [Decimal(20), Decimal(20), Decimal(50)]
    assert row.source == SOURCE


def test_gaps_are_not_covered() -> None:
    hours = [meter(1000 + 15 * n) for n in range(40)] + [
        meter(1000 + 15 * 40 + 4 * 24 * 60 + 15 * n) for n in range(40)
    ]
    use = None
    for one in hours:
        use = advance(use, one, AT + timedelta(minutes=one.uptime_s / 60 - 1000))
    assert use is not None
    row = usage_of("h", use)
    assert row is not None
    assert 15 < row.coverage < 20


def seen(name: str, minutes: float, at: datetime) -> Sighting:
    use = Use(first=at, last=at, meter=meter(minutes))
    return Sighting(
        source=f"ssh:{name}", seen=at, identity={"machine_id": name}, server=Server(id="", hostname=name), use=use
    )


def test_visits_are_added_to_the_host_whoever_keeps_them(workspace: Workspace) -> None:
    record(workspace, [seen("one", 1000, AT)])
    keep(workspace, [seen("one", 1015, AT + timedelta(minutes=15)), seen("nobody", 5, AT)], use_only=True)
    keep(workspace, [seen("one", 1030, AT + timedelta(minutes=30))])
    record(workspace, [seen("one", 1045, AT + timedelta(minutes=45))])
    record(workspace, [msgspec.structs.replace(seen("one", 1045, AT), use=None)])
    (kept,) = sightings(workspace)
    assert kept.use is not None
    assert (kept.use.intervals, kept.use.first) == (3, AT)


def test_rows_of_people_stay_and_ours_are_made_anew(workspace: Workspace) -> None:
    workspace.path("usage.csv").write_text(
        "host,first,last,coverage,cpu_p95,source\nother,2026-01-01,2026-02-01,90,10,Monitoring\n"
        f"gone,2026-01-01,2026-02-01,90,10,{SOURCE}\n",
        encoding="utf-8",
    )
    use = visited(*(meter(1000 + 15 * n, busy=0.3) for n in range(384)))
    often = msgspec.structs.replace(seen("one", 1000, AT), use=use)
    record(workspace, [often, msgspec.structs.replace(seen("other", 1000, AT), use=use), seen("young", 1000, AT)])
    assert write_usage(workspace) == (1, 1)
    rows = load_usage(workspace).of
    assert list(rows) == ["one", "other"]
    assert rows["one"].cpu_p95 == Decimal(30)
    assert rows["other"].source == "Monitoring"


def test_a_measuring_visit_leaves_the_snapshot_as_it_is(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd) -> None:
    room = Room(tmp_path_factory.mktemp("room"), sshd.key)
    room.add("one", sshd.address, sshd.port)
    before = room.discover()
    room.add("two", sshd.address, sshd.port)
    after = inventory.discover(room.workspace(), accept_new=True, measure=True)
    assert [r.status for r in after.hosts] == ["ok", "ok"]
    assert after.estate == before.estate
    (kept,) = sightings(room.workspace())
    assert kept.use is not None
    assert kept.use.meter.uptime_s > 0
    assert kept.server.vcpus, "what was known before is still known"


def past(hours: float, *, seconds: int = 600, **use: float) -> Past:
    """An interval that ended so many hours before the first visit."""
    return Past(until=AT - timedelta(hours=hours), seconds=seconds, **use)


def test_what_a_host_kept_itself_counts_before_the_first_visit() -> None:
    days = [past(hours / 6, cpu=30.0, memory=40.0, iops=10.0, disk_mbps=1.0) for hours in range(6 * 24 * 4)]
    use = recall(advance(None, meter(1000), AT), reversed(days))
    assert (use.intervals, use.seconds, use.cpu) == (576, 345_600.0, {30: 345_600.0})
    assert use.first == AT - timedelta(days=4)
    assert use.network_mbps == {}
    row = usage_of("h", use)
    assert row is not None
    assert (row.cpu_p95, row.memory_peak, row.coverage) == (Decimal(30), Decimal(40), Decimal("100.00"))
    later = advance(use, meter(1015, busy=0.1), AT + timedelta(minutes=15))
    assert later.intervals == 577


@pytest.mark.parametrize(
    "one",
    [
        past(-1, cpu=99.0),
        past(24 * 32, cpu=99.0),
        past(1, seconds=7200, cpu=99.0),
    ],
    ids=["after the visit", "more than a month ago", "a mean over two hours"],
)
def test_what_says_nothing_of_the_past_does_not_count(one: Past) -> None:
    first = advance(None, meter(1000), AT)
    assert recall(first, [one]) == first


def test_intervals_that_overlap_count_once() -> None:
    use = recall(advance(None, meter(1000), AT), [past(1, cpu=10.0), past(1, cpu=90.0), past(0.9, cpu=90.0)])
    assert use.cpu == {10: 600.0}
