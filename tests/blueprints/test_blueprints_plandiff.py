"""What differs between two plans, and what would differ under another price, category, place or size."""

import hashlib
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from blueprints.comparing.plandiff import DecisionChange, Outline, PlanDiff, plan_diff
from blueprints.comparing.whatif import read_change, what_if
from blueprints.planning.bundle import Bundle
from pse.core.documents.category import Category
from pse.core.errors import BadInput, UsageError
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, AS_OF, IN_COUNTRY, bundle, known, ministry_estate


def changed(diff: PlanDiff) -> dict[str, DecisionChange]:
    return {change.workload: change for change in diff.workloads}


def fields(change: DecisionChange) -> dict[str, tuple[str, str]]:
    return {one.field: (one.before, one.after) for one in change.fields}


def test_decisions_sizes_waves_and_findings_that_differ_are_told(planned: Workspace, ministry_plan: Bundle) -> None:
    said = planned.path("workloads.toml")
    text = said.read_text().replace("[workload.records]\n", '[workload.records]\nstrategy = "retire"\n')
    said.write_text(text.replace("wave = 2", "wave = 3", 1))
    estate = ministry_estate()
    servers = tuple(msgspec.structs.replace(s, vcpus=6) if s.hostname == "portal" else s for s in estate.servers)
    new = bundle(planned, msgspec.structs.replace(estate, servers=servers))
    diff = plan_diff(ministry_plan, new)
    assert {"portal", "records"} <= set(changed(diff))
    assert fields(changed(diff)["records"])["strategy"] == ("rehost", "retire")
    portal = fields(changed(diff)["portal"])
    assert portal["wave"] == ("2", "3")
    assert list(portal) == ["wave", *(key for key in portal if key.startswith("size of "))]
    assert diff.monthly == new.plan.cost.monthly - ministry_plan.plan.cost.monthly
    assert sum((change.monthly for change in diff.workloads), Decimal(0)) == diff.monthly
    assert "workloads" in diff.inputs
    assert set(diff.found) == set(new.plan.findings) - set(ministry_plan.plan.findings)
    back = plan_diff(new, ministry_plan)
    assert (back.monthly, back.found, back.gone) == (-diff.monthly, diff.gone, diff.found)


def test_a_plan_does_not_differ_from_itself_and_currencies_are_not_mixed(ministry_plan: Bundle) -> None:
    diff = plan_diff(ministry_plan, ministry_plan)
    assert (diff.workloads, diff.inputs, diff.found, diff.gone) == ((), (), (), ())
    other = Outline(plan=msgspec.structs.replace(ministry_plan.plan, currency="USD"), units={})
    with pytest.raises(BadInput, match="two currencies"):
        plan_diff(ministry_plan, other)


@pytest.fixture
def estate(planned: Workspace) -> Workspace:
    """A workspace that knows the ministry's servers."""
    known(planned, ministry_estate())
    return planned


def supposed(workspace: Workspace, *texts: str) -> tuple[PlanDiff, Outline]:
    now, then = what_if(workspace, [read_change(text) for text in texts], as_of=AS_OF)
    return plan_diff(now, then), then


def test_a_dearer_place_a_lost_place_and_more_comfort(estate: Workspace) -> None:
    dearer, _ = supposed(estate, f"price:{IN_COUNTRY}:compute=+10%")
    assert dearer.monthly > 0
    assert dearer.inputs == ("offers",)
    assert not any(change.fields for change in dearer.workloads)
    free, then = supposed(estate, "price:*:*=0")
    assert then.plan.cost.monthly == 0
    assert free.monthly == -free.before.monthly
    lost, then = supposed(estate, "without:sample-markhor/*")
    assert all(decision.place != IN_COUNTRY for decision in then.plan.decisions)
    assert fields(changed(lost)["portal"])["strategy"][1] == "REFUSED"
    bigger, _ = supposed(estate, "comfort=4")
    assert any(key.startswith("size of ") for change in bigger.workloads for key in fields(change))


def test_another_category_and_place_are_only_looked_at(estate: Workspace) -> None:
    supposed(estate, "comfort=2")  # whoever reads the estate first notes what workloads.toml says of it
    before = _state(estate.root)
    diff, then = supposed(estate, "category:portal=open", f"place:portal={ABROAD}")
    assert fields(changed(diff)["portal"])["place"] == (IN_COUNTRY, ABROAD)
    assert next(d for d in then.plan.decisions if d.workload == "portal").category is Category.OPEN
    assert _state(estate.root) == before  # no gate, no ledger's entry, no record of categories
    assert then.plan.hash == ""
    assert then.plan.units == {}
    assert not hasattr(then, "write")
    # The next plan knows nothing of it.
    assert (
        next(d for d in bundle(estate, ministry_estate()).plan.decisions if d.workload == "portal").place == IN_COUNTRY
    )


def _state(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".db"
    }


@pytest.mark.parametrize(
    "text",
    [
        "price:x=+10%",
        "price:*:compute",
        "price:*:compute=+10",
        "price:*:compute=10%",
        "price:*:compute=-101%",
        "price:nowhere:compute=+1%",
        "category:portal=",
        "category:portal=lowest",
        "category:nobody=open",
        "place:portal=nowhere",
        "place:portal=sample-*",
        "without:nowhere",
        "without:a=b",
        "comfort=0.5",
        "comfort=much",
        "size=1",
    ],
)
def test_what_cannot_be_supposed_is_usage(estate: Workspace, text: str) -> None:
    with pytest.raises(UsageError):
        supposed(estate, text)
