"""What the mandate costs, and how lines without a price are named."""

from decimal import Decimal

from blueprints.bills.remarks import Mandate, unpriced
from pse.core.documents.plan import Cost, CostLine, PlaceOption
from pse.core.documents.verdicts import Refusal

COUNTRIES = {"isb": "PK", "khi": "PK", "out": "XA", "far": "XB"}


MANDATE = Mandate(countries=COUNTRIES, rules={"PSE-R003"})


def option(place: str, monthly: str | None, *, allowed: bool, no_price: int = 0, rule: str = "PSE-R003") -> PlaceOption:
    """A place; what is not allowed is refused by ``rule``, at home by another one."""
    said = Refusal(rule=rule if COUNTRIES[place] != "PK" else "PSE-R005", clause="", message="", source="")
    cost = None if monthly is None else Cost(monthly=Decimal(monthly), one_time=Decimal(0), no_price=no_price)
    return PlaceOption(place=place, allowed=allowed, cost=cost, refusals=() if allowed else (said,))


def test_a_place_chosen_abroad_is_not_compared_with_a_refused_one_at_home() -> None:
    out = option("out", "100", allowed=True)
    options = (out, option("isb", "150", allowed=True), option("khi", "120", allowed=False))
    assert MANDATE.cost(out, options) == (Decimal(0), "")


def test_the_mandate_is_the_chosen_place_less_the_cheapest_refused_one_abroad() -> None:
    home = option("isb", "150", allowed=True)
    options = (
        home,
        option("khi", "10", allowed=False),
        option("far", "90", allowed=False),
        option("out", "100", allowed=False),
    )
    assert MANDATE.cost(home, options) == (Decimal(60), "far")


def test_another_place_abroad_that_is_refused_counts_for_one_abroad() -> None:
    out = option("out", "100", allowed=True)
    assert MANDATE.cost(out, (out, option("far", "70", allowed=False))) == (Decimal(30), "far")


def test_a_place_abroad_that_is_refused_for_something_else_is_not_what_the_mandate_costs() -> None:
    home = option("isb", "150", allowed=True)
    suspended = option("far", "90", allowed=False, rule="PSE-R002")
    assert MANDATE.cost(home, (home, suspended)) == (Decimal(0), "")
    forbidden = option("out", "100", allowed=False)
    assert MANDATE.cost(home, (home, suspended, forbidden)) == (Decimal(50), "out")


def test_what_has_no_price_is_not_compared() -> None:
    home = option("isb", "150", allowed=True)
    assert MANDATE.cost(home, (home, option("out", "100", allowed=False, no_price=1))) == (None, "")
    assert MANDATE.cost(home, (home, option("out", None, allowed=False))) == (None, "")
    lacking = option("isb", "150", allowed=True, no_price=1)
    assert MANDATE.cost(lacking, (lacking, option("out", "100", allowed=False))) == (None, "")


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
