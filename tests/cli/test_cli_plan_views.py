"""Views of a plan and of a preview: rows add up, nothing unknown is a number, words are the same everywhere."""

import re
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from blueprints.building.preview import Preview, PricedChange, UnitPreview
from pse.cli import render
from pse.cli.render_plan import decisions_grid, plan_view
from pse.cli.render_waves import waves_view
from pse.cli.render_work import preview_view
from pse.core.documents.plan import Cost, Strategy
from pse.core.documents.waves import Schedule, Wave
from tests.cli.test_cli_views import IN, NOTHING, PLAN, SOME, decision

ZONE = Cost(monthly=Decimal("63250.00"), one_time=Decimal(7), no_price=1)


def plan(*decisions: Any, **changed: Any) -> Any:
    own = [d.cost for d in decisions]
    total = Cost(
        monthly=sum((c.monthly for c in own), Decimal(0)) + ZONE.monthly,
        one_time=sum((c.one_time for c in own), Decimal(0)) + ZONE.one_time,
        no_price=sum(c.no_price for c in own) + ZONE.no_price,
    )
    return msgspec.structs.replace(PLAN, decisions=decisions, cost=total, **changed)


def text_of(view: Any, capsys: pytest.CaptureFixture[str]) -> str:
    render.people(view)
    return capsys.readouterr().out


def cell(text: str) -> Decimal:
    return Decimal(text.split(" ", maxsplit=1)[0].replace(",", "")) if text[:1].isdigit() else Decimal(0)


@pytest.mark.parametrize("workloads", [1, 75])
def test_the_rows_of_the_table_add_up_to_the_total(workloads: int) -> None:
    made = plan(*(decision(f"w{n:03}") for n in range(workloads)))
    rows = decisions_grid(made).rows
    assert sum(cell(row[-2]) for row in rows) == made.cost.monthly
    assert sum(cell(row[-1]) for row in rows) == made.cost.one_time
    assert rows[-1][0] == "1 landing zone"
    assert rows[-1][4] == IN
    assert "1 without a price" in rows[-1][-2]


def test_nothing_that_is_built_has_no_landing_zone() -> None:
    saas = decision("learning", strategy=Strategy.SAAS, blueprint="", saas="p:saas:learning")
    made = msgspec.structs.replace(PLAN, decisions=(saas,), cost=saas.cost)
    assert [row[0] for row in decisions_grid(made).rows] == ["learning"]


def test_a_retained_workload_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    why = "legacy: PSE-I101 a 32-bit kernel"
    kept = decision(
        "legacy", strategy=Strategy.RETAIN, reasons=(why, "x" * 500), place="", blueprint="", wave=0, cost=NOTHING
    )
    shown = text_of(plan_view(plan(kept), "p.json"), capsys)  # type: ignore[arg-type]  # a text is as good as a path
    assert f"legacy is retained: {why}" in shown
    assert "x" * 300 not in shown


def test_an_unknown_size_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    wave = Wave(number=1, workloads=("portal",), servers=1, size_mib=0, why="first; 2 moves of unknown size")
    shown = text_of(plan_view(plan(decision("portal"), waves=(wave,)), "p"), capsys)  # type: ignore[arg-type]
    (row,) = (line for line in shown.splitlines() if "unknown size" in line)
    assert re.search(r"portal\s+1\s+–\s+first", row)


def test_waves_are_over_with_the_last_one_declared_or_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    waves = tuple(Wave(number=n, workloads=(name,), servers=1, size_mib=0, why="") for n, name in ((1, "a"), (2, "b")))
    schedule = Schedule(
        last=1,
        last_bound=1,
        dependencies=0,
        parted=0,
        parted_bound=0,
        gap_percent=Decimal(0),
        parted_gap_percent=Decimal(0),
    )
    declared = text_of(waves_view(plan(waves=waves, schedule=schedule)), capsys)
    assert "over after wave 2, as declared; what planning chose is over after wave 1; no schedule" in declared
    chosen = text_of(waves_view(plan(waves=waves[:1], schedule=schedule)), capsys)
    assert "over after wave 1; no schedule" in chosen


def test_a_preview_says_what_it_leaves_out_and_prices_nothing_that_goes(capsys: pytest.CaptureFixture[str]) -> None:
    change = PricedChange(urn="u", type="pse:index:Server", name="web", op="delete", cost=None)
    unit = UnitPreview(unit="portal", place=IN, changes=(change,), cost=SOME)
    found = Preview(plan=PLAN.hash, offline=True, currency="PKR", units=(unit,), cost=SOME)
    saas = decision("learning", strategy=Strategy.SAAS, blueprint="", saas="p:saas:learning")
    bundle: Any = SimpleNamespace(plan=plan(decision("portal"), saas))
    shown = text_of(preview_view(bundle, found), capsys)
    (row,) = (line for line in shown.splitlines() if "delete" in line and "web" in line)
    assert re.search(r"web\s+–\s+–", row)
    assert "not in it: 1 software service (learning); see `pse cost`" in shown
    bundle = SimpleNamespace(plan=plan(decision("portal")))
    assert "not in it" not in text_of(preview_view(bundle, found), capsys)
