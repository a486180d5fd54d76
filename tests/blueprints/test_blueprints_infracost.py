"""The bill as Infracost's tools read it: within their schema, and with totals that are true."""

import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from jsonschema import ValidationError

from blueprints import cost_report, infracost
from blueprints.planning.bundle import Bundle
from pse.cli.render_ci import write_files
from pse.core.canonical import encode
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate
from tests.schemas import INFRACOST, valid


@pytest.fixture
def dearer(planned: Workspace, ministry_plan: Bundle) -> tuple[Bundle, Bundle]:
    """The ministry's plan, and the one after a shape became dearer, egress lost its price and records was retired."""
    book = planned.path("policy", "prices.toml")
    rows = book.read_text().replace('price = "8.40"', 'price = "9.40"').split("[[offer]]")
    book.write_text(
        "[[offer]]".join(row.replace('price = "2.40"\n', "") if 'kind = "egress"' in row else row for row in rows)
    )
    said = planned.path("workloads.toml")
    said.write_text(said.read_text().replace("[workload.records]\n", '[workload.records]\nstrategy = "retire"\n'))
    return ministry_plan, bundle(planned, ministry_estate())


def summed(parts: list[dict[str, Any]], field: str = "monthlyCost") -> Decimal:
    return sum((Decimal(part[field] or 0) for part in parts), Decimal(0))


def test_a_bill_is_within_the_schema_and_the_schema_is_strict(ministry_plan: Bundle) -> None:
    made = infracost(ministry_plan)
    valid(made, INFRACOST)
    assert made["metadata"]["infracostCommand"] == "breakdown"
    assert {made[f"pastTotal{word}Cost"] for word in ("Hourly", "Monthly", "MonthlyUsage")} == {"0"}
    for wrong in ({"note": ""}, {"currency": None}, {"timeGenerated": "today"}):
        with pytest.raises(ValidationError):
            valid(made | wrong, INFRACOST)
    with pytest.raises(ValidationError):
        valid({key: made[key] for key in made if key != "summary"}, INFRACOST)


def test_a_difference_has_the_totals_of_both_plans(dearer: tuple[Bundle, Bundle]) -> None:
    old, new = dearer
    made = infracost(new, old)
    valid(made, INFRACOST)
    assert encode(made) == encode(infracost(new, old))
    before, after = cost_report(old).total.monthly, cost_report(new).total.monthly
    assert made["metadata"]["infracostCommand"] == "diff"
    assert [Decimal(made[key]) for key in ("pastTotalMonthlyCost", "totalMonthlyCost", "diffTotalMonthlyCost")] == [
        before,
        after,
        after - before,
    ]
    for field, total in (("pastBreakdown", before), ("breakdown", after), ("diff", after - before)):
        parts = [project[field] for project in made["projects"]]
        assert summed(parts, "totalMonthlyCost") == total
        for part in parts:
            assert summed(part["resources"]) == Decimal(part["totalMonthlyCost"])
            for resource in part["resources"]:
                assert summed(resource["costComponents"]) == Decimal(resource["monthlyCost"])
    gone = next(project for project in made["projects"] if project["name"] == "records")
    assert gone["breakdown"]["resources"] == []
    assert Decimal(gone["diff"]["totalMonthlyCost"]) == -Decimal(gone["pastBreakdown"]["totalMonthlyCost"])


def test_what_has_no_price_is_null_and_marked_on_either_side(dearer: tuple[Bundle, Bundle]) -> None:
    made = infracost(dearer[1], dearer[0])
    portal = next(project for project in made["projects"] if project["name"] == "portal")
    (now,) = next(r for r in portal["breakdown"]["resources"] if r["resourceType"] == "egress")["costComponents"]
    assert (now["price"], now["monthlyCost"], now["priceNotFound"]) == (None, None, True)
    (change,) = next(r for r in portal["diff"]["resources"] if r["resourceType"] == "egress")["costComponents"]
    assert change["priceNotFound"] is True
    assert Decimal(change["monthlyCost"]) == -Decimal(120) * Decimal("2.40")
    assert made["summary"]["totalNoPriceResources"] >= 1


def test_a_plan_against_itself_changes_nothing(ministry_plan: Bundle) -> None:
    made = infracost(ministry_plan, ministry_plan)
    assert {project["diff"]["totalMonthlyCost"] for project in made["projects"]} <= {"0", "0.00"}
    assert all(project["diff"]["resources"] == [] for project in made["projects"])


def test_a_base_in_another_currency_keeps_no_file_of_a_pipeline_back(
    planned: Workspace, ministry_plan: Bundle, tmp_path: Path
) -> None:
    base = msgspec.structs.replace(ministry_plan, plan=msgspec.structs.replace(ministry_plan.plan, currency="USD"))
    run: Any = SimpleNamespace(bundle=ministry_plan, base=base)
    write_files(planned, run, (), fail_on="error", code=4, out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"ci.md", "ci.sarif", "ci.xml", "infracost.json"}
    assert json.loads((tmp_path / "infracost.json").read_text())["metadata"]["infracostCommand"] == "breakdown"
