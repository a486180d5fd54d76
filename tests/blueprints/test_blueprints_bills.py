"""What the mandate costs, and how lines without a price are named."""

from decimal import Decimal

from blueprints.bills import mandate, unpriced
from pse.core.documents.plan import Cost, CostLine, PlaceOption

COUNTRIES = {"isb": "PK", "khi": "PK", "out": "XA", "far": "XB"}


def option(place: str, monthly: str | None, *, allowed: bool, no_price: int = 0) -> PlaceOption:
    cost = None if monthly is None else Cost(monthly=Decimal(monthly), one_time=Decimal(0), no_price=no_price)
    return PlaceOption(place=place, allowed=allowed, cost=cost)


def test_a_place_chosen_abroad_is_not_compared_with_a_refused_one_at_home() -> None:
    out = option("out", "100", allowed=True)
    options = (out, option("isb", "150", allowed=True), option("khi", "120", allowed=False))
    assert mandate(out, options, COUNTRIES) == 0


def test_the_mandate_is_the_chosen_place_less_the_cheapest_refused_one_abroad() -> None:
    home = option("isb", "150", allowed=True)
    options = (
        home,
        option("khi", "10", allowed=False),
        option("far", "90", allowed=False),
        option("out", "100", allowed=False),
    )
    assert mandate(home, options, COUNTRIES) == 60


def test_another_place_abroad_that_is_refused_counts_for_one_abroad() -> None:
    out = option("out", "100", allowed=True)
    assert mandate(out, (out, option("far", "70", allowed=False)), COUNTRIES) == 30


def test_what_has_no_price_is_not_compared() -> None:
    home = option("isb", "150", allowed=True)
    assert mandate(home, (home, option("out", "100", allowed=False, no_price=1)), COUNTRIES) is None
    assert mandate(home, (home, option("out", None, allowed=False)), COUNTRIES) is None
    lacking = option("isb", "150", allowed=True, no_price=1)
    assert mandate(lacking, (lacking, option("out", "100", allowed=False)), COUNTRIES) is None


def line(item: str, kind: str, offer: str, price: str | None) -> CostLine:
    return CostLine(
        item=item,
        kind=kind,
        offer=offer,
        quantity=Decimal(1),
        unit="month",
        price=None if price is None else Decimal(price),
    )


def test_lines_without_a_price_are_named() -> None:
    lines = [
        line("app", "egress", "p:egress:internet", None),
        line("web", "address", "", None),
        line("web", "compute", "p:compute:s", "1"),
    ]
    (said,) = unpriced("app", "p", lines)
    assert said.code == "PSE-B003"
    assert said.message.startswith("2 lines of its bill at p have no price")
    assert "egress internet, address of web" in said.message
    assert "compute" not in said.message
    assert list(unpriced("app", "p", lines[2:])) == []


def test_a_long_list_of_lines_is_counted() -> None:
    (said,) = unpriced("app", "p", [line(f"s{n}", "compute", "", None) for n in range(15)])
    assert "and 5 more" in said.message
