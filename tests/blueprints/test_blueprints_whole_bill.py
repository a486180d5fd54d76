"""One plan with every kind of line: rows of the book times quantities, and totals that add up in every output."""

import csv
import io
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
import pytest

from blueprints import cost_report, infracost
from blueprints.outputs.focus import as_csv
from blueprints.planning.bundle import Bundle
from providers.catalog import load_offers
from pse.core.canonical import encode
from pse.core.documents.offers import Offer
from pse.core.settings import Workspace
from tests.blueprints.estates import IN_COUNTRY, bundle, ministry_estate
from tests.schemas import INFRACOST, valid

CENT = Decimal("0.01")
ROWS = """
[[offer]]
place = "{place}"
kind = "egress"
name = "egress"
unit = "GiB"
above = "100"
price = "1.10"

[[offer]]
place = "{place}"
kind = "compute"
name = "std-2-4"
unit = "hour"
price = "5.00"
term_months = 12
upfront = "9000"
vcpus = 2
memory_mib = 4096

[[offer]]
place = "{place}"
kind = "backup"
name = "vault"
unit = "GiB-month"
price = "1.75"

[[offer]]
place = "{place}"
kind = "support"
name = "desk"
unit = "percent"
price = "4"
minimum = "100"

[[offer]]
place = "{place}"
kind = "licence"
name = "suite"
unit = "vcpu-hour"
price = "0.31"
"""
SETTINGS = """
commitment = "1y"
keep = [{kind = "backup", copies = 14, change_percent = 3}, {kind = "snapshot", copies = 2}]
move = {link_mbit_s = 100, link_hour = "900", egress_gib = "2", person_hour = "1500", hours_per_server = 8}
"""


@pytest.fixture
def made(planned: Workspace) -> Bundle:
    """The ministry's plan with steps, a commitment, copies, licences, moves, support by percent; no snapshot price."""
    book = planned.path("policy", "prices.toml")
    kept = [
        row
        for row in book.read_text().split("[[offer]]")
        if not (IN_COUNTRY in row and ('kind = "support"' in row or 'kind = "snapshot"' in row))
    ]
    text = "[[offer]]".join(kept)
    book.write_text(text + ROWS.replace("{place}", IN_COUNTRY))
    settings = planned.path("pse.toml")
    settings.write_text(settings.read_text() + f"\n[plan.cost]{SETTINGS}")
    said = planned.path("workloads.toml")
    said.write_text(said.read_text().replace('role = "files"\n', 'role = "files"\nlicences = ["suite"]\n', 1))
    return bundle(Workspace(planned.root), ministry_estate())


def rows(workspace: Workspace) -> dict[str, Offer]:
    return {offer.id: offer for offer in load_offers(Workspace(workspace.root)).offers}


def test_every_line_is_a_row_times_a_quantity_and_all_kinds_are_there(planned: Workspace, made: Bundle) -> None:
    book = rows(planned)
    kinds = set()
    for unit in made.units.values():
        for line in unit.costs:
            kinds.add((line.kind, line.unit))
            if line.kind == "tax" or line.offer.startswith("pse.toml:plan.cost.move:"):
                continue
            assert (line.offer in book) == (line.offer != "")
            offer = book.get(line.offer)
            prices = (offer.price, offer.upfront, offer.minimum) if offer else (None,)
            assert line.price in prices
            amount = line.one_time if line.one_time is not None else line.monthly
            rounded = None if line.price is None else (line.quantity * line.price).quantize(CENT, ROUND_HALF_EVEN)
            assert amount == rounded
    assert kinds == {
        ("compute", "hour"), ("compute", "term"), ("image", "month"), ("storage", "GiB-month"), ("address", "month"),
        ("egress", "GiB"), ("backup", "GiB-month"), ("snapshot", "GiB-month"), ("licence", "vcpu-hour"),
        ("support", "percent"), ("migration", "once"), ("migration", "hour"), ("migration", "GiB"), ("tax", "tax"),
    }  # fmt: skip


def test_the_landing_zone_settles_what_the_workloads_use_together(made: Bundle) -> None:
    """120 GiB of the portal, 20 of records and 4000 of open data: 100 at the first price, 4040 at the second."""
    here = [unit for unit in made.units.values() if unit.place == IN_COUNTRY]
    paid = [line for unit in here for line in unit.costs if line.kind == "egress"]
    total = sum(line.monthly or Decimal(0) for line in paid)
    egress = {unit.id: sum(line.quantity for line in unit.costs if line.kind == "egress") for unit in here}
    whole = sum(egress.values())
    assert egress[next(unit.id for unit in here if unit.landing)] == 0  # it only shifts between steps
    assert total == 100 * Decimal("2.40") + (whole - 100) * Decimal("1.10")
    lines = [line for unit in here for line in unit.costs]
    spend = sum((line.monthly or Decimal(0) for line in lines if line.kind not in ("support", "tax")), Decimal(0))
    support = [line for line in lines if line.kind == "support"]
    assert (
        abs(sum((line.monthly or Decimal(0) for line in support), Decimal(0)) - spend * 4 / 100)
        <= CENT * len(support) / 2
    )


def test_totals_are_those_of_every_output(made: Bundle) -> None:
    report = cost_report(made)
    assert report.total.no_price == sum(row.cost.no_price for row in report.workloads) > 0
    for parts in (report.workloads, report.places):
        assert sum(part.cost.monthly for part in parts) == report.total.monthly
        assert sum(part.cost.one_time for part in parts) == report.total.one_time
    shown = infracost(made)
    valid(shown, INFRACOST)
    assert Decimal(shown["totalMonthlyCost"]) == report.total.monthly
    assert shown["summary"]["totalNoPriceResources"] >= 1
    table = list(csv.DictReader(io.StringIO(as_csv(made).decode())))
    assert sum(Decimal(row["BilledCost"] or 0) for row in table) == report.total.monthly + report.total.one_time
    assert sum(row["x_NoPrice"] == "true" for row in table) == report.total.no_price
    moves = [row for row in table if row["ServiceName"] == "migration"]
    assert {row["ChargeFrequency"] for row in moves} == {"One-Time"}  # one without a price too
    own = [row for row in moves if row["ProviderName"] == made.plan.entity]
    assert own
    assert {row["SkuId"] for row in own} == {""}
    assert {row["PricingUnit"] for row in table if row["ServiceName"] == "compute"} == {"Hours", "Terms"}
    said = {finding.code for finding in made.plan.findings}
    assert {"PSE-B003", "PSE-B071"} <= said


def test_the_plan_names_its_price_book(planned: Workspace, made: Bundle) -> None:
    offers = load_offers(Workspace(planned.root))
    used = made.plan.prices
    assert used
    assert (used.book, used.dated, used.file) == (offers.book, offers.dated, "policy/prices.toml")
    assert used.hash == offers.hash == made.plan.inputs["offers"]
    older = msgspec.structs.replace(made.plan, prices=msgspec.UNSET)
    assert b'"prices":' not in encode(older)  # so that plans from before are still what their hash says


def test_the_same_inputs_give_the_same_plan(planned: Workspace, made: Bundle) -> None:
    book = planned.path("policy", "prices.toml")
    head, *offers = book.read_text().split("[[offer]]")
    book.write_text("[[offer]]".join([head, *(f"{offer.rstrip()}\n\n" for offer in reversed(offers))]))
    assert bundle(Workspace(planned.root), ministry_estate()).plan.hash == made.plan.hash
