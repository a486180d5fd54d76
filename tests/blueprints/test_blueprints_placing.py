"""Places weighed with their landing zones: never dearer than each workload's own choice, and said."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.bills.catalogue import Catalogue
from blueprints.bills.placing import Choice, Placed, Weigher
from blueprints.planning.making import Draft, draft_plan
from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.documents.plan import Cost, Decision, PlaceOption
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, IN_COUNTRY, inputs, ministry_estate

MONTHS = 36
TWO_WEB = """
category = "open"
egress_gib = 10
[[servers]]
role = "web"
count = 2
vcpus = 2
memory_mib = 4096
ports = [443]
"""


def weigher(zones: Mapping[str, str | None]) -> Weigher:
    """A weigher of places whose landing zones cost so much a month; None has no price."""
    offers = tuple(
        Offer(
            id=f"{place}:support",
            place=place,
            kind=OfferKind.SUPPORT,
            name="support",
            unit="month",
            price=None if price is None else Decimal(price),
        )
        for place, price in zones.items()
    )
    book = Offers(book="b", dated="2026-01-01", currency="PKR", tax_percent=None, offers=offers)  # type: ignore[arg-type]
    return Weigher(Catalogue(book), horizon_months=MONTHS)


def choice(name: str, costs: dict[str, str], *, demanded: str = "", no_price: tuple[str, ...] = ()) -> Choice:
    options = tuple(
        PlaceOption(
            place=place,
            allowed=True,
            cost=Cost(monthly=Decimal(monthly), one_time=Decimal(0), no_price=int(place in no_price)),
        )
        for place, monthly in costs.items()
    )
    best = min(options, key=lambda o: (o.cost.no_price if o.cost else 9, o.cost.monthly if o.cost else 0, o.place))
    return Choice(workload=name, place=demanded or best.place, options=options, demanded=bool(demanded))


def at(placed: dict[str, Placed]) -> dict[str, str]:
    return {name: p.place for name, p in placed.items()}


def test_a_landing_zone_that_costs_more_than_it_saves_is_closed() -> None:
    anchor = choice("anchor", {"home": "100"})
    light = choice("light", {"home": "14131", "away": "10719"})
    placed = weigher({"home": "0", "away": "63250"}).weigh([light, anchor])
    assert at(placed) == {"anchor": "home", "light": "home"}
    assert "away" in placed["light"].why
    assert "63,250.00" in placed["light"].why
    assert "14,131.00" in placed["light"].why or "10,719.00" in placed["light"].why
    assert placed["anchor"].why == ""


def test_a_landing_zone_that_pays_for_itself_stays() -> None:
    anchor = choice("anchor", {"home": "100"})
    heavy = choice("heavy", {"home": "90000", "away": "10719"})
    assert at(weigher({"home": "0", "away": "63250"}).weigh([heavy, anchor]))["heavy"] == "away"


def test_a_landing_zone_is_paid_once_for_all_of_its_workloads() -> None:
    many = [choice(f"w{n}", {"home": "20", "away": "10"}) for n in range(10)]
    anchor = choice("anchor", {"home": "1"})
    assert set(at(weigher({"home": "0", "away": "99"}).weigh([*many, anchor])).values()) == {"away", "home"}
    assert set(at(weigher({"home": "0", "away": "101"}).weigh([*many, anchor])).values()) == {"home"}


def test_a_place_that_is_not_in_use_is_opened_where_that_is_cheaper() -> None:
    placed = weigher({"home": "5", "away": "50"}).weigh([choice("a", {"home": "20", "away": "10"})])
    assert at(placed) == {"a": "home"}


def test_a_demanded_place_stays_whatever_its_landing_zone_costs() -> None:
    held = choice("held", {"home": "1", "away": "1000"}, demanded="away")
    assert at(weigher({"home": "0", "away": "63250"}).weigh([held]))["held"] == "away"


def test_a_landing_zone_without_a_price_does_not_win_by_it_and_is_said() -> None:
    placed = weigher({"home": None, "away": "63250"}).weigh([choice("light", {"home": "14131", "away": "10719"})])
    assert at(placed) == {"light": "away"}
    assert "not comparable" in placed["light"].why
    assert "home" in placed["light"].why


def test_a_landing_zone_without_a_price_that_is_needed_anyway_is_on_both_sides() -> None:
    anchor = choice("anchor", {"home": "100"})
    light = choice("light", {"home": "14131", "away": "10719"})
    assert at(weigher({"home": None, "away": "63250"}).weigh([light, anchor]))["light"] == "home"


def test_a_bill_that_lacks_a_price_does_not_win_by_it() -> None:
    anchor = choice("anchor", {"home": "100"})
    light = choice("light", {"home": "1", "away": "10719"}, no_price=("home",))
    assert at(weigher({"home": "0", "away": "63250"}).weigh([light, anchor]))["light"] == "away"


amounts = st.integers(0, 300).map(str)
estates = st.lists(st.dictionaries(st.sampled_from("pqrs"), amounts, min_size=1), min_size=1, max_size=6)


@given(estates, st.fixed_dictionaries(dict.fromkeys("pqrs", amounts)))
def test_weighing_never_costs_more_and_does_not_hang_on_the_order(
    costs: list[dict[str, str]], zones: dict[str, str]
) -> None:
    choices = [choice(f"w{n}", row) for n, row in enumerate(costs)]

    def bill(places: dict[str, str]) -> int:
        own = sum(int(row[places[f"w{n}"]]) for n, row in enumerate(costs))
        return own + sum(int(zones[place]) for place in set(places.values()))

    placed = weigher(zones).weigh(choices)
    before = {c.workload: c.place for c in choices}
    assert bill(at(placed)) <= bill(before)
    assert weigher(zones).weigh(list(reversed(choices))) == placed
    for name, where in at(placed).items():
        assert (where == before[name]) or placed[name].why


def web(workspace: Workspace) -> Draft:
    workspace.path("environments", "front.toml").write_text(TWO_WEB)
    return draft_plan(inputs(workspace, ministry_estate()))


def found(made: Draft, name: str) -> Decision:
    return next(d for d in made.decisions if d.workload == name)


def test_two_web_servers_do_not_open_a_landing_zone_abroad(planned: Workspace) -> None:
    made = web(planned)
    front = found(made, "front")
    costs = {o.place: o.cost.monthly for o in front.options if o.cost and o.allowed}
    assert costs[ABROAD] < costs[IN_COUNTRY]
    assert front.place == IN_COUNTRY
    assert front.cost.monthly == costs[IN_COUNTRY]
    assert made.units["front"].place == IN_COUNTRY
    assert [u for u in made.units if u.startswith("landing-")] == ["landing-sample-markhor-islamabad-ict-1"]
    assert any("landing zone of 63,250.00 a month" in reason for reason in front.reasons)


@pytest.mark.parametrize("place", [ABROAD, IN_COUNTRY])
def test_a_place_that_people_demand_is_not_weighed(planned: Workspace, place: str) -> None:
    planned.path("environments", "front.toml").write_text(f'place = "{place}"\n{TWO_WEB}')
    made = draft_plan(inputs(planned, ministry_estate()))
    assert found(made, "front").place == place


def test_what_cannot_be_compared_is_said_in_the_plan(planned: Workspace) -> None:
    planned.path("environments", "analytics.toml").unlink()
    planned.path("environments", "front.toml").write_text(TWO_WEB)
    given_ = inputs(planned, ministry_estate())
    alone = msgspec.structs.replace(
        given_, estate=msgspec.structs.replace(given_.estate, servers=(), workloads=(), databases=(), flows=())
    )
    front = found(draft_plan(alone), "front")
    assert front.place == ABROAD
    assert any("not comparable" in reason and IN_COUNTRY in reason for reason in front.reasons)
