"""`pse audit PLAN` judges by the gates of PLAN, not by those that another plan left behind."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import providers.audit
from blueprints.building.auditing import audit_units
from pse.core.canonical import write_bytes
from pse.core.documents.deployment import Deployment
from pse.core.errors import Refused
from pse.core.settings import Workspace
from tests.cli.conftest import Run
from tests.cli.test_cli_rooms import DAY, ministry, told

__all__ = ["ministry"]


def test_each_unit_is_judged_by_the_gate_of_the_named_plan(
    run: Run, ministry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blueprints import Bundle
    from providers.engine import Engine

    plan = told(run, "plan", "--as-of", DAY)
    bundle = Bundle.read(Workspace(ministry), Path(plan["path"]))
    judged: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        Engine, "deployment", lambda _self, unit: Deployment(stack=unit, plan="", unit_hash="", place="")
    )

    def judge_live(_workspace: object, unit: str, gate: object, _lives: object, *, plan: str) -> tuple[()]:
        judged.append((unit, gate, plan))
        return ()

    monkeypatch.setattr(providers.audit, "judge_live", judge_live)
    # What another plan left in .pse/gate is not even readable here.
    for unit in bundle.units:
        write_bytes(ministry / ".pse" / "gate" / f"{unit}.json", b"of another plan")
    assert told(run, "audit", plan["path"])["items"] != []
    assert judged == [(unit, bundle.gates[unit].gate, bundle.plan.hash) for unit in sorted(bundle.units)]


def test_what_stands_outside_the_plan_is_judged_by_its_category_of_today_and_told(
    run: Run, ministry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blueprints import Bundle
    from pse.core.canonical import write
    from pse.core.documents.verdicts import Refusal

    plan = told(run, "plan", "--as-of", DAY)
    workspace = Workspace(ministry)
    bundle = Bundle.read(workspace, Path(plan["path"]))
    unit = bundle.units["analytics"]
    # An earlier plan built one workload that nobody knows any more, and one that is not planned here.
    for name, unit_hash in (("survey", "0" * 64), ("analytics", bundle.plan.units["analytics"])):
        stands = Deployment(stack=name, plan="0" * 64, unit_hash=unit_hash, place=unit.place)
        write(workspace.private / "deployments" / f"{name}.json", stands)
    judged: dict[str, Any] = {}

    def judge_live(_workspace: object, name: str, gate: Any, _lives: object, *, plan: str) -> tuple[Refusal, ...]:
        del plan
        judged[name] = gate
        here = [entry for entry in gate.refused if entry.place == unit.place]
        return here[0].refusals if here else ()

    monkeypatch.setattr(providers.audit, "judge_live", judge_live)
    fewer = SimpleNamespace(
        plan=bundle.plan,
        units={name: one for name, one in bundle.units.items() if name != "analytics"},
        gates={name: one for name, one in bundle.gates.items() if name != "analytics"},
        verdicts=bundle.verdicts,
    )
    found = audit_units(workspace, fewer, lambda _event: None)  # type: ignore[arg-type]  # as much of a bundle as is read
    assert set(judged) == {"analytics", "survey"}
    assert judged["analytics"].category is unit.category
    assert found.refused["analytics"] == ()
    assert found.refused["survey"]
    by_stack = {finding.subject: finding for finding in found.findings}
    assert len(found.findings) == 2
    analytics, survey = by_stack["analytics"], by_stack["survey"]
    assert (analytics.severity, survey.severity) == ("warning", "error")
    assert f"costs {unit.cost.monthly} a month" in analytics.message
    assert "price is not known" in survey.message
    assert "pse destroy --unit survey" in survey.remedy


def test_a_clock_behind_the_ledger_audits_nothing(run: Run, ministry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    from policy.ledger import Ledger

    del run
    workspace = Workspace(ministry)
    Ledger(workspace).record("note", {})
    monkeypatch.setattr("pse.core.time.today", lambda: dt.date(2020, 1, 1))
    with pytest.raises(Refused, match="the clock says 2020-01-01"):
        audit_units(workspace, SimpleNamespace(units={}), lambda _event: None)  # type: ignore[arg-type]  # nothing stands
