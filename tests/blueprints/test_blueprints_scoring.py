"""The most advantageous place, and the old room against the plan: by arithmetic done again here."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from blueprints.comparing.room import ownership
from blueprints.comparing.scoring import scored
from pse.core.comparing import CompareSettings
from pse.core.documents.category import Category
from pse.core.documents.plan import Cost, Decision, PlaceOption, Plan, Strategy
from pse.core.documents.room import Room, load_room
from pse.core.errors import BadInput
from pse.core.settings import Workspace


def cost(monthly: str, once: str = "0", no_price: int = 0) -> Cost:
    return Cost(monthly=Decimal(monthly), one_time=Decimal(once), no_price=no_price)


def decided(name: str, place: str, strategy: Strategy | None, *options: PlaceOption, members: int = 1) -> Decision:
    return Decision(
        workload=name,
        members=tuple(f"{name}{number}" for number in range(members)),
        category=Category.PUBLIC,
        strategy=strategy,
        reasons=(),
        place=place,
        options=options,
        cost=cost("0"),
    )


def option(place: str, of: Cost | None, *, allowed: bool = True) -> PlaceOption:
    return PlaceOption(place=place, allowed=allowed, cost=of)


def plan(*decisions: Decision, bill: Cost | None = None, servers: int = 0) -> Plan:
    return Plan(
        entity="Test",
        as_of=date(2026, 11, 25),
        sample=True,
        currency="PKR",
        inputs={},
        servers=servers,
        decisions=decisions,
        waves=(),
        cost=bill or cost("0"),
        findings=(),
        units={},
    )


OPTIONS = (option("a", cost("100", "1000")), option("b", cost("150")), option("x", cost("1"), allowed=False))
"""Over 10 months: a is 2,000, b is 1,500, and x is refused."""


def test_a_score_is_the_weighted_mean_of_its_parts() -> None:
    of = plan(
        decided("one", "b", Strategy.REHOST, *OPTIONS),
        decided("two", "a", Strategy.REHOST, *OPTIONS),
        decided("three", "a", Strategy.REHOST, *OPTIONS),
    )
    one = scored(of, CompareSettings(), horizon_months=10)[0]
    parts = {
        score.place: ({name: int(part) for name, part in score.parts.items()}, score.score) for score in one.scores
    }
    assert parts["b"] == ({"price": 100, "known": 100, "together": 0}, Decimal("80.0"))  # (6000 + 2000 + 0) / 100
    assert parts["a"] == ({"price": 75, "known": 100, "together": 100}, Decimal("85.0"))  # (4500 + 2000 + 2000) / 100
    assert [score.place for score in one.scores] == ["a", "b"]
    assert (one.chosen, one.cheapest) == ("b", "b")


def test_marks_of_the_entity_count_and_a_missing_one_is_said() -> None:
    settings = CompareSettings(weights={"price": 50, "support": 50}, marks={"a": {"support": 80}})
    (one,) = scored(plan(decided("one", "b", Strategy.REHOST, *OPTIONS)), settings, horizon_months=10)
    assert [(s.place, s.score, s.unmarked) for s in one.scores] == [
        ("a", Decimal("77.5"), ()),
        ("b", Decimal("50.0"), ("support",)),
    ]


def test_what_lacks_a_price_never_wins_by_it() -> None:
    options = (option("a", cost("1", no_price=2)), option("b", cost("100")))
    (one,) = scored(plan(decided("one", "b", Strategy.REHOST, *options)), CompareSettings(), horizon_months=10)
    assert one.cheapest == "b"
    assert one.scores[0].place == "b"
    assert one.scores[1].parts["price"] == 0


def test_what_is_at_no_place_has_no_score() -> None:
    of = plan(decided("kept", "", Strategy.RETAIN), decided("refused", "", None, *OPTIONS))
    assert scored(of, CompareSettings(), horizon_months=10) == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"weights": {"price": 0}}, "come to 0"),
        ({"weights": {"price": 1, "support": 1}}, "a weight for support, and no marks"),
        ({"weights": {"price": 1}, "marks": {"a": {"support": 1}}}, "marks for support, and no weight"),
        ({"weights": {"price": 1}, "marks": {"a": {"price": 1}}}, "price is told by the plan"),
    ],
)
def test_weights_and_marks_that_say_nothing_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(given, CompareSettings)


ROOM = Room(
    currency="PKR",
    source="Sample figures",
    hosts=10,
    watts_per_host=Decimal(400),
    pue=Decimal(2),
    price_kwh=Decimal(50),
    hosts_per_rack=Decimal(8),
    rack_month=Decimal(100_000),
    price_host=Decimal(3_000_000),
    refresh_years=Decimal(5),
    maintenance_month=Decimal(40_000),
    licences_month=Decimal(90_000),
    network_month=Decimal(60_000),
    people=Decimal(4),
    person_month=Decimal(200_000),
    people_after=Decimal(1),
)


def test_the_room_is_held_against_the_plan() -> None:
    of = plan(
        decided("moved", "a", Strategy.REHOST, members=30),
        decided("kept", "", Strategy.RETAIN, members=6),
        decided("refused", "", None, members=4),
        bill=cost("500000", "2000000", no_price=1),
        servers=40,
    )
    found = ownership(of, ROOM, horizon_months=36)
    today = {
        "power": Decimal(10) * 400 / 1000 * 730 * 2 * 50,
        "space": Decimal(2) * 100_000,
        "hardware": Decimal(10) * 3_000_000 / 60,
        "maintenance": Decimal(40_000),
        "licences": Decimal(90_000),
        "network": Decimal(60_000),
        "people": Decimal(800_000),
    }
    after = {  # a quarter of the servers stays: 3 of 10 hosts, in 1 rack
        "power": Decimal(3) * 400 / 1000 * 730 * 2 * 50,
        "space": Decimal(100_000),
        "hardware": Decimal(3) * 3_000_000 / 60,
        "maintenance": Decimal(10_000),
        "licences": Decimal(22_500),
        "network": Decimal(60_000),
        "people": Decimal(200_000),
    }
    assert {line.name: line.today for line in found.lines} == today
    assert {line.name: line.after for line in found.lines} == after
    assert found.staying == 10
    assert found.stay == sum(today.values()) * 36
    assert found.move == (sum(after.values()) + 500_000) * 36 + 2_000_000
    saved = sum(today.values()) - sum(after.values()) - 500_000
    assert saved == 851_900  # which pays 2,000,000 back in the third month
    assert found.even_after == 3
    assert found.no_figure == 0
    assert not any(line.defaults for line in found.lines)


def test_defaults_are_marked_and_money_has_none() -> None:
    found = ownership(plan(servers=25), Room(currency="PKR", price_kwh=Decimal(50)), horizon_months=36)
    lines = {line.name: line for line in found.lines}
    assert lines["power"].today == Decimal(3) * 350 / 1000 * 730 * Decimal("1.6") * 50
    assert [text.split(" ")[0] for text in lines["power"].defaults] == ["vms_per_host", "watts_per_host", "pue"]
    assert all("default: " in text for text in lines["power"].defaults)
    assert lines["people"].today is None
    assert lines["people"].missing == ("people", "person_month")
    assert found.no_figure == 6
    assert found.today == lines["power"].today
    assert lines["network"].after is None


def test_a_room_in_another_currency_is_refused() -> None:
    with pytest.raises(BadInput, match="in USD"):
        ownership(plan(), Room(currency="USD"), horizon_months=36)


def test_a_room_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    with pytest.raises(BadInput):
        load_room(Workspace(tmp_path))
    for text, words in (("pue = 0.9", "pue"), ("refresh_years = 0", "refresh_years"), ("rent = 1", "rent")):
        (tmp_path / "room.toml").write_text(f'currency = "PKR"\n{text}\n')
        with pytest.raises(BadInput, match=words):
            load_room(Workspace(tmp_path))
