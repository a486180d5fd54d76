"""The limiter: a storm of calls gets through, with few refused, and without a storm nothing waits."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kit.retryafter import retry_after_s
from providers.plugin.calls import Calls, Interrupted, Paces
from providers.plugin.pace import MOST_HELD_S, Pace
from providers.ports import PortError
from tests.fakes.throttled import HeedlessPaces, Throttled, storm
from tests.providers.house import HERE, House
from tests.providers.plugins import plugin


def test_storm_gets_through_with_far_fewer_refused_calls() -> None:
    paced, heedless = Throttled(24), Throttled(24)
    with ThreadPoolExecutor(2) as pool:
        with_pace, without = pool.submit(storm, paced, Paces()), pool.submit(storm, heedless, HeedlessPaces())
        assert (with_pace.result(), without.result()) == (64, 64)
    assert paced.refused < 0.5 * heedless.refused


def test_nothing_waits_where_nothing_is_refused() -> None:
    pace = Pace(lambda: 0.0)
    assert [pace.ask() for _ in range(1000)] == [0.0] * 1000


@given(limit=st.integers(1, 60), calls=st.integers(64, 250))
def test_whatever_a_cloud_takes_is_found_and_used(limit: int, calls: int) -> None:
    """In a time of our own: a call for each thread waits for its turn, and is back as soon as it is refused."""
    now = 0.0
    cloud, pace = Throttled(limit, clock=lambda: now), Pace(lambda: now)
    left = calls
    while left:
        wanted = pace.ask()
        if wanted:
            now += wanted
            continue
        try:
            cloud()
            left -= 1
        except PortError:
            pace.refused(now)
        now += 0.0001
    # No more than a second for each refusal, and half of the rate at least where it counts.
    assert now <= 4 + 2.5 * calls / limit
    assert cloud.refused <= 3 + now


def test_volley_slows_down_once_and_what_the_cloud_took_is_the_rate() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    for _ in range(64):
        assert pace.ask() == 0.0
    now = 100.1
    for _ in range(54):
        pace.refused(100.0)
    assert pace.ask() == pytest.approx(1.0)
    now = 101.1
    assert pace.ask() == 0.0
    assert pace.ask() == pytest.approx(1 / 7)
    # Quiet for a while: as free as before.
    now = 120.0
    assert [pace.ask() for _ in range(64)] == [0.0] * 64


def test_cloud_that_says_how_long_is_obeyed_within_reason() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    assert pace.ask() == 0.0
    pace.refused(0.0, retry_after_s=7.0)
    assert pace.ask() == pytest.approx(7.0)
    pace.refused(0.0, retry_after_s=3600.0)
    assert pace.ask() == pytest.approx(MOST_HELD_S)


def test_places_do_not_wait_for_each_other() -> None:
    paces = Paces()
    assert paces.at("a").ask() == 0.0
    paces.at("a").refused(0.0, 60.0)
    assert paces.at("a").ask() > 0
    assert paces.at("b").ask() == 0.0


def test_who_waits_for_a_turn_heeds_cancel_and_deadline_and_never_calls() -> None:
    calls, called = Calls(), []
    with pytest.raises(PortError):
        calls.run(Throttled(0, retry_after_s=30.0), at=HERE, deadline=time.monotonic() + 5)
    with pytest.raises(Interrupted, match="longer than its timeout"):
        calls.run(lambda: called.append(1), at=HERE, deadline=time.monotonic() + 5)
    threading.Timer(0.2, calls.cancel).start()
    begun = time.monotonic()
    with pytest.raises(Interrupted, match="cancelled"):
        calls.run(lambda: called.append(1), at=HERE, deadline=time.monotonic() + 60)
    assert time.monotonic() - begun < 5
    assert called == []


def test_cloud_that_wants_more_time_than_there_is_is_quoted() -> None:
    with pytest.raises(PortError, match="too many"):
        Calls().again(Throttled(0, retry_after_s=3600.0), at=HERE, deadline=time.monotonic() + 1800)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), (" 7 ", 7.0), ("0", 0.0), ("soon", 0.0), ("-3", 0.0), ("1.5", 0.0), ("", 0.0),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("9" * 400, 999_999_999.0)],
)  # fmt: skip
def test_retry_after_is_read(said: str, seconds: float) -> None:
    assert retry_after_s({"Retry-After": said}) == seconds
    assert retry_after_s({"retry-after": said}) == seconds
    assert retry_after_s({}) == 0.0


def test_retry_after_may_be_a_moment() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < retry_after_s({"Retry-After": in_a_minute}) <= 60


def test_sixty_four_creates_at_once_weather_a_storm(house: House) -> None:
    (house.faults / "limit").write_text("40")
    with plugin() as running:
        connection = running.connect().configure(house)
        answers = [connection.volume(f"v{number}") for number in range(64)]
        ids = {answer.result(timeout=60).id for answer in answers}
    assert ids == house.ids("Volume")
    assert len(ids) == 64
    calls = house.calls()
    assert [call["taken"] for call in calls if call["verb"] == "create"].count(True) == 64
    assert sum(not call["taken"] for call in calls) < 64
