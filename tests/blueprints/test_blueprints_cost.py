"""Bills by an independent sum, and the report's and Infracost's words for them."""

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal

from blueprints import cost_report, infracost
from blueprints.bills.catalogue import Catalogue
from blueprints.bills.pricing import totals
from blueprints.planning.bundle import Bundle
from providers.catalog import load_offers
from pse.core.documents.plan import Strategy
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, IN_COUNTRY, bundle, ministry_estate

CENT = Decimal("0.01")


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def test_every_line_is_quantity_times_a_row_of_the_book(planned: Workspace, ministry_plan: Bundle) -> None:
    rows = {offer.id: offer for offer in load_offers(planned).offers}
    kinds = set()
    for unit in ministry_plan.units.values():
        for line in unit.costs:
            kinds.add(line.kind)
            if line.kind == "tax":
                continue
            offer = rows[line.offer]
            assert line.price == offer.price
            amount = line.one_time if line.unit == "once" else line.monthly
            assert amount == (None if offer.price is None else rounded(line.quantity * offer.price))
            assert offer.place == unit.place
    assert kinds == {"compute", "image", "address", "storage", "egress", "migration", "support", "tax"}


def test_the_portal_is_billed_to_the_rupee(ministry_plan: Bundle) -> None:
    """Worked out by hand from the sample's price book and the estate of the tests."""
    monthly = (
        2 * Decimal(730) * Decimal("8.40")  # two std-2-4
        + 10 * Decimal("21.00")  # the database: 900 MiB x 1.3 are less than the least of 10 GiB of ssd
        + 12 * Decimal("9.50")  # the front: 9000 MiB x 1.3 are 12 GiB of hdd
        + 2 * 10 * Decimal("9.50")  # their system disks, of the size that the image states
        + Decimal("950.00")  # one published server
        + 120 * Decimal("2.40")  # egress
    )
    once = 2 * Decimal("18000.00")
    unit = ministry_plan.units["portal"]
    assert unit.cost.monthly == rounded(monthly) + rounded(monthly * Decimal("0.15"))
    assert unit.cost.one_time == rounded(once * Decimal("1.15"))
    assert unit.cost.no_price == 0


def test_tax_is_on_the_sum_of_the_lines(ministry_plan: Bundle) -> None:
    for unit in ministry_plan.units.values():
        plain = totals(line for line in unit.costs if line.kind != "tax")
        tax = totals(line for line in unit.costs if line.kind == "tax")
        assert tax.monthly == rounded(plain.monthly * Decimal("0.15"))
        assert tax.one_time == rounded(plain.one_time * Decimal("0.15"))


def test_parts_add_up_to_the_whole(ministry_plan: Bundle) -> None:
    report = cost_report(ministry_plan)
    assert report.total == ministry_plan.plan.cost
    for rows in (report.workloads, report.places):
        assert sum(r.cost.monthly for r in rows) == report.total.monthly
        assert sum(r.cost.one_time for r in rows) == report.total.one_time
        assert sum(r.cost.no_price for r in rows) == report.total.no_price


def test_a_missing_price_is_counted_and_named(ministry_plan: Bundle) -> None:
    """The sample's in-country support has no price."""
    report = cost_report(ministry_plan)
    zone = next(r for r in report.workloads if r.strategy == "landing")
    assert zone.cost.no_price == 1
    assert zone.cost.monthly == 0
    assert zone.lines[0].monthly is None
    assert report.total.no_price == 1
    (said,) = (f for f in ministry_plan.plan.findings if f.code == "PSE-B003")
    assert said.subject == zone.workload
    assert "1 line of its bill" in said.message
    assert "support business-hours" in said.message


def test_the_mandate_is_the_difference_to_the_cheapest_forbidden_place(ministry_plan: Bundle) -> None:
    report = cost_report(ministry_plan)
    records = next(r for r in report.workloads if r.workload == "records")
    decision = next(d for d in ministry_plan.plan.decisions if d.workload == "records")
    abroad = next(o for o in decision.options if o.place == ABROAD)
    assert not abroad.allowed
    assert abroad.cost
    assert records.forbidden_place == ABROAD
    assert records.mandate_monthly == records.cost.monthly - abroad.cost.monthly
    # Open data may go abroad: what keeps it here is its egress, and what keeps it from the third place a suspension.
    assert next(r for r in report.workloads if r.workload == "opendata").mandate_monthly == 0
    assert report.not_comparable == ()
    assert report.mandate_monthly == sum(
        (r.mandate_monthly for r in report.workloads if r.mandate_monthly is not None), Decimal(0)
    )


def test_a_place_without_a_price_comes_after_those_that_have_one(planned: Workspace) -> None:
    path = planned.path("policy", "prices.toml")
    rows = path.read_text().split("[[offer]]")
    path.write_text(
        "[[offer]]".join(
            row.replace('price = "2.40"\n', "") if IN_COUNTRY in row and 'kind = "egress"' in row else row
            for row in rows
        )
    )
    made = bundle(planned, ministry_estate())
    decision = next(d for d in made.plan.decisions if d.workload == "opendata")
    assert decision.place == ABROAD
    assert made.units["portal"].cost.no_price == 1
    assert next(d for d in made.plan.decisions if d.workload == "portal").mandate_monthly is None
    assert "portal" in cost_report(made).not_comparable


def test_infracost_has_strings_totals_and_missing_prices(ministry_plan: Bundle) -> None:
    made = infracost(ministry_plan)
    assert made["version"] == "0.2"
    assert made["currency"] == "PKR"
    assert Decimal(made["totalMonthlyCost"]) == ministry_plan.plan.cost.monthly
    assert sum(Decimal(p["breakdown"]["totalMonthlyCost"]) for p in made["projects"]) == Decimal(
        made["totalMonthlyCost"]
    )
    assert made["summary"]["totalNoPriceResources"] == 1
    portal = next(p for p in made["projects"] if p["name"] == "portal")
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for resource in portal["breakdown"]["resources"]:
        for part in resource["costComponents"]:
            assert isinstance(part["price"], str)
            amounts[resource["name"]] += Decimal(part["monthlyCost"] or 0)
    assert sum(amounts.values()) == ministry_plan.units["portal"].cost.monthly
    learning = next(p for p in made["projects"] if p["name"] == "learning")
    assert [part["name"] for part in learning["breakdown"]["resources"]] == ["saas of learning", "tax of learning"]
    (seats,) = learning["breakdown"]["resources"][0]["costComponents"]
    assert (seats["monthlyQuantity"], seats["price"]) == ("150", "95.00")  # before tax, by the row of the book


def test_a_service_is_billed_by_seat(ministry_plan: Bundle) -> None:
    learning = next(d for d in ministry_plan.plan.decisions if d.workload == "learning")
    assert learning.strategy is Strategy.SAAS
    assert learning.saas.startswith(IN_COUNTRY)
    assert learning.cost.monthly == rounded(150 * Decimal("95.00") * Decimal("1.15"))
    row = next(row for row in cost_report(ministry_plan).workloads if row.workload == "learning")
    assert [(line.kind, line.offer) for line in row.lines] == [("saas", learning.saas), ("tax", "")]
    assert totals(row.lines) == row.cost


def test_offers_of_a_place_are_found_whatever_their_order(planned: Workspace) -> None:
    import msgspec

    offers = load_offers(planned)
    turned = msgspec.structs.replace(offers, offers=tuple(reversed(offers.offers)))
    from pse.core.documents.offers import OfferKind

    assert Catalogue(offers).at(IN_COUNTRY, OfferKind.COMPUTE) == Catalogue(turned).at(IN_COUNTRY, OfferKind.COMPUTE)


def test_days_after_the_plan_are_said(planned: Workspace) -> None:
    book = planned.path("policy", "prices.toml")
    text = book.read_text().replace("dated = 2026-01-01", "dated = 2026-11-26", 1)
    book.write_text(text.replace('unit = "hour"\n', 'unit = "hour"\ndated = 2027-01-01\n', 1))
    planned.path("usage.csv").write_text("host,first,last,coverage\nportal,2026-11-01,2026-11-30,100\n")
    made = bundle(Workspace(planned.root), ministry_estate())  # of 2026-11-25
    (said,) = [finding for finding in cost_report(made).findings if finding.code == "PSE-B074"]
    for words in (
        "price book Sample price book",
        "(2026-11-26)",
        ":compute:std-1-2 (2027-01-01)",
        "of portal (2026-11-30)",
    ):
        assert words in said.message
