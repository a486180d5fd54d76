"""`pse audit PLAN` judges by the gates of PLAN, not by those that another plan left behind."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import providers.audit
from blueprints.auditing import audit_units
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

    def audit(_workspace: object, *given: object, plan: str) -> tuple[()]:
        judged.append((*given, plan))
        return ()

    monkeypatch.setattr(providers.audit, "audit", audit)
    # What another plan left in .pse/gate is not even readable here.
    for unit in bundle.units:
        write_bytes(ministry / ".pse" / "gate" / f"{unit}.json", b"of another plan")
    assert told(run, "audit", plan["path"])["items"] != []
    assert judged == [(unit, bundle.gates[unit].gate, bundle.plan.hash) for unit in sorted(bundle.units)]


def test_a_clock_behind_the_ledger_audits_nothing(run: Run, ministry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    from policy.ledger import Ledger

    del run
    workspace = Workspace(ministry)
    Ledger(workspace).record("note", {})
    monkeypatch.setattr("pse.core.time.today", lambda: dt.date(2020, 1, 1))
    with pytest.raises(Refused, match="the clock says 2020-01-01"):
        audit_units(workspace, SimpleNamespace(units={}), lambda _event: None)  # type: ignore[arg-type]  # nothing stands
