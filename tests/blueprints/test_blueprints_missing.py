"""A price that the bill needs and the book does not have: said, never 0, and no reason to win."""

from decimal import Decimal

from blueprints import cost_report, infracost
from blueprints.building.provision import preview
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, IN_COUNTRY, bundle, ministry_estate


def without(workspace: Workspace, *dropped: tuple[str, str]) -> None:
    """Take the rows of ``dropped`` (place, kind) out of the price book."""
    path = workspace.path("policy", "prices.toml")
    head, *rows = path.read_text().split("[[offer]]")
    kept = [row for row in rows if not any(p in row and f'kind = "{kind}"' in row for p, kind in dropped)]
    assert len(kept) < len(rows)
    path.write_text("[[offer]]".join((head, *kept)))


def test_a_place_that_offers_no_migration_lacks_its_price(planned: Workspace) -> None:
    without(planned, (IN_COUNTRY, "migration"))
    made = bundle(planned, ministry_estate())
    (line,) = (line for line in made.units["portal"].costs if line.kind == "migration")
    assert line.price is None
    assert line.quantity == Decimal(2)
    assert made.units["portal"].cost.no_price == 1
    assert any(f.code == "PSE-B003" and f.subject == "portal" and "migration" in f.message for f in made.plan.findings)
    assert cost_report(made).total.no_price == made.plan.cost.no_price > 1
    assert infracost(made)["summary"]["totalNoPriceResources"] == made.plan.cost.no_price
    shown = preview(planned, made, offline=True, units=("portal",))
    assert next(u for u in shown.units if u.unit == "portal").cost.no_price == 1


def test_a_place_that_offers_no_migration_does_not_win_by_it(planned: Workspace) -> None:
    """Open data may be at home or abroad; home is cheaper until nobody knows what moving there costs."""
    assert next(d for d in bundle(planned, ministry_estate()).plan.decisions if d.workload == "opendata").place == (
        IN_COUNTRY
    )
    without(planned, (IN_COUNTRY, "migration"))
    decision = next(d for d in bundle(planned, ministry_estate()).plan.decisions if d.workload == "opendata")
    assert decision.place == ABROAD
    assert any(IN_COUNTRY in r and "without a price" in r for r in decision.reasons)


def test_a_choice_among_places_that_all_lack_a_price_says_so(planned: Workspace) -> None:
    without(planned, (IN_COUNTRY, "migration"), (ABROAD, "migration"), (ABROAD, "egress"))
    decision = next(d for d in bundle(planned, ministry_estate()).plan.decisions if d.workload == "opendata")
    assert decision.place == IN_COUNTRY, "the one that lacks fewer prices"
    assert any("lacks a price for 1 line" in r for r in decision.reasons)


def test_a_place_that_offers_no_support_has_a_landing_zone_without_a_price(planned: Workspace) -> None:
    without(planned, (IN_COUNTRY, "support"))
    made = bundle(planned, ministry_estate())
    (zone,) = (row for row in cost_report(made).workloads if row.strategy == "landing")
    assert [line.price for line in zone.lines] == [None]
    assert zone.cost.no_price == 1
    assert any(f.code == "PSE-B003" and f.subject == zone.workload for f in made.plan.findings)
