"""What the report says, on a plan that was made and a campaign that is made up."""

import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from blueprints import Bundle
from blueprints.building.auditing import audit_path
from migrate.chart import draw, outcome_of
from migrate.evidence import gather_evidence
from migrate.refused import forbidden_places, refused_attempts
from migrate.replicators.files.replicator import Files
from migrate.report import write_report
from policy.approvals import approve
from policy.deeds import noting_refusal
from policy.ledger import Ledger
from pse.cli.render_progress import line_of
from pse.core.canonical import write
from pse.core.documents.audit import Audit
from pse.core.documents.campaign import Campaign, MoveState, StepRecord, WorkloadProgress
from pse.core.documents.evidence import Evidence
from pse.core.documents.verdicts import Refusal
from pse.core.documents.waves import Period
from pse.core.errors import BadInput, Refused
from pse.core.findings import Finding, Severity
from pse.core.progress import Event
from pse.core.settings import Workspace
from tests.blueprints.estates import AS_OF, bundle, ministry_estate
from tests.migrate.rig import Rig, awkward
from tests.migrate.test_migrate_files import MOVE

BEGAN = datetime(2026, 11, 25, 10, 0, 7, tzinfo=UTC)


@pytest.fixture
def plan(sample: Workspace) -> Bundle:
    return bundle(sample, ministry_estate())


def step(name: str, start: float, length: float, outcome: str = "done", note: str = "") -> StepRecord:
    started = BEGAN + timedelta(seconds=start)
    ended = started + timedelta(seconds=length)
    return StepRecord(workload="records", step=name, started=started, ended=ended, outcome=outcome, note=note)


STEPS = (
    step("seed", 0, 0, "failed", "interrupted; begun again"),
    step("seed", 3, 20),
    step("freeze", 23, 1),
    step("switch", 24, 1, "failed", "no answer"),
)


@pytest.fixture
def page(sample: Workspace, plan: Bundle, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """The report's page, with a campaign in which a step was interrupted and another failed."""
    moved = WorkloadProgress(workload="records", state=MoveState.FAILED, steps=STEPS)
    campaign = Campaign(plan=plan.plan.hash, workloads=(moved,))

    def gathered(workspace: Workspace, of: Bundle) -> Evidence:
        return msgspec.structs.replace(gather_evidence(workspace, of), campaign=campaign)

    monkeypatch.setattr("migrate.report.gather_evidence", gathered)
    return lambda: write_report(sample, plan).read_text(encoding="utf-8")


def refusal(rule: str) -> Refusal:
    return Refusal(rule=rule, clause="a clause", message=f"because of {rule}", source="a source")


def section(text: str, heading: str) -> str:
    return text.partition(f"<h2>{heading}</h2>")[2].partition("<h2>")[0]


def test_forbidden_places_are_grouped_and_are_no_attempts(
    sample: Workspace, plan: Bundle, page: Callable[[], str]
) -> None:
    rows = forbidden_places(plan.plan)
    keys = [(row.category, row.place, row.refusal.rule) for row in rows]
    assert len(keys) == len(set(keys))
    every = {
        (decision.workload, option.place, refused.rule)
        for decision in plan.plan.decisions
        for option in decision.options
        for refused in option.refusals
    }
    assert {(name, row.place, row.refusal.rule) for row in rows for name in row.workloads} == every
    assert any(len(row.workloads) > 1 for row in rows)
    assert refused_attempts(sample) == ()
    text = page()
    assert "<b>0</b>refused attempts" in text
    assert "PSE-R003" in section(text, "Places that the rules forbid")
    assert "Nothing that was tried was refused" in section(text, "Refused attempts")


def test_an_attempt_that_two_rules_refused_is_one(sample: Workspace, page: Callable[[], str]) -> None:
    refusals = (refusal("PSE-R003"), refusal("PSE-R004"))
    Ledger(sample).refuse(plan="p", unit="portal", urn="urn:x", gate="check", refusals=refusals)
    Ledger(sample).refuse(plan="p", unit="portal", urn="urn:x", gate="audit", refusals=refusals[:1])
    assert [(a.gate, a.urn, a.refusals) for a in refused_attempts(sample)] == [
        ("check", "urn:x", refusals),
        ("audit", "urn:x", refusals[:1]),
    ]
    text = page()
    assert "<b>2</b>refused attempts" in text
    assert "because of PSE-R004" in section(text, "Refused attempts")


def test_workloads_with_servers_and_environments_are_counted_apart(plan: Bundle, page: Callable[[], str]) -> None:
    new = [decision.workload for decision in plan.plan.decisions if not decision.members]
    text = page()
    assert new == ["analytics"]
    assert f"<b>{len(plan.plan.decisions) - 1}</b>workloads with servers" in text
    assert "<b>1</b>new environments" in text


def test_what_is_retained_costs_nothing_that_is_known(page: Callable[[], str]) -> None:
    (row,) = [row for row in section(page(), "Decisions").splitlines() if row.startswith("<tr><td>legacy")]
    assert "0.00" not in row
    assert row.count('<td class="n">–</td>') == 2


def test_an_interruption_is_no_failure(page: Callable[[], str]) -> None:
    assert [outcome_of(one) for one in STEPS] == ["interrupted", "done", "done", "failed"]
    text = page()
    assert text.count('<rect class="interrupted"') == 1
    assert text.count('<rect class="failed"') == 1
    assert '<td class="bad">interrupted' not in text
    assert '<td class="time">2026-11-25 10:00:07</td>' in text


def test_the_time_line_has_an_axis_with_times(plan: Bundle, page: Callable[[], str]) -> None:
    labels = re.findall(r"<text [^>]*text-anchor[^>]*>([\d:]+)</text>", page())
    assert labels == ["10:00:10", "10:00:15", "10:00:20", "10:00:25", "10:00:30"]
    assert draw(plan.plan, None) is None


@pytest.mark.parametrize("days", [0.001, 1, 30, 400])
def test_the_axis_stays_readable_for_any_length(plan: Bundle, days: float) -> None:
    moved = WorkloadProgress(workload="records", state=MoveState.VERIFIED, steps=(step("seed", 0, days * 86400),))
    chart = draw(plan.plan, Campaign(plan="p", workloads=(moved,)))
    assert chart is not None
    places = [tick["x"] for tick in chart["ticks"]]
    assert 1 <= len(places) <= 9
    assert all(chart["left"] <= x <= chart["width"] for x in places)


def test_clauses_are_words_for_an_auditor(page: Callable[[], str]) -> None:
    text = page()
    assert "not read" not in text
    assert "to be added from the policy&#39;s own text" in text


def test_hostile_names_do_no_harm(sample: Workspace, plan: Bundle, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = os.fsdecode(b"<script>\x1b[2J\nx\xff")
    root = rig.source.root / "srv/records"
    awkward(root, small=1)
    (root / name).write_text("cats")
    task = rig.task(MOVE)
    Files().seed(task)
    task.target.text("echo dogs >/srv/records/*script*; echo mine >/srv/records/new$'\\e[31m\\n<img>'")
    results = Files().verify(task)
    assert not all(result.equal for result in results)
    kept = Files().catch_up(rig.task(MOVE)).note
    root.joinpath(name).write_text("again")
    kept += Files().catch_up(rig.task(MOVE)).note
    assert "kept aside" in kept
    noted = StepRecord(workload="records", step="seed", started=BEGAN, ended=BEGAN, outcome="done", note=kept)
    moved = WorkloadProgress(workload="records", state=MoveState.FAILED, steps=(noted,), checks=results)
    campaign = Campaign(plan=plan.plan.hash, workloads=(moved,))

    def gathered(workspace: Workspace, of: Bundle) -> Evidence:
        return msgspec.structs.replace(gather_evidence(workspace, of), campaign=campaign)

    monkeypatch.setattr("migrate.report.gather_evidence", gathered)
    text = write_report(sample, plan).read_text(encoding="utf-8")
    for said in (kept, line_of(Event(step="x", state="done", message=kept)), text, *(one.detail for one in results)):
        assert "\x1b" not in said
        said.encode("utf-8")
    assert "script" in kept
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "<img" not in text


def test_the_bill_says_what_a_line_is_and_what_the_mandate_is_against(plan: Bundle, page: Callable[[], str]) -> None:
    costs = section(page(), "Costs")
    assert "none found" not in costs
    records = next(one for one in plan.plan.decisions if one.workload == "records")
    assert records.mandate_monthly
    assert (
        f"against {records.mandate_against}, the cheapest place abroad that it forbids</td>"
        f'<td class="n">{records.mandate_monthly:,.2f}</td>' in costs
    )
    assert 'it forbids no place abroad here</td><td class="n">0.00</td>' in costs
    tax = next(line for line in plan.units["records"].costs if line.kind == "tax")
    assert f'<td>sales tax on the sum above</td><td class="n">{tax.quantity:,.2f}</td><td>PKR</td>' in costs
    assert f'<td class="n">{tax.price * 100:.0f} %</td>' in costs if tax.price else False


def resealed(workspace: Workspace, plan: Bundle, **changed: object) -> str:
    """The report of ``plan`` with other fields of its own, or ``units``."""
    units = changed.pop("units", plan.units)
    made = Bundle.sealed(
        workspace,
        msgspec.structs.replace(plan.plan, **changed),
        units=units,  # type: ignore[arg-type]  # the caller's are units
        gates=plan.gates,
        verdicts=plan.verdicts,
    )
    return write_report(workspace, made).read_text(encoding="utf-8")


def test_each_line_of_the_bill_can_be_reckoned_again(plan: Bundle, sample: Workspace) -> None:
    records = plan.units["records"]
    line = msgspec.structs.replace(records.costs[0], price=Decimal("0.0137"), monthly=Decimal("10.00"))
    units = {**plan.units, "records": msgspec.structs.replace(records, costs=(line, *records.costs[1:]))}
    none = tuple(
        msgspec.structs.replace(one, strategy=None) if one.workload == "legacy" else one for one in plan.plan.decisions
    )
    costs = section(resealed(sample, plan, units=units, decisions=none), "Costs")
    assert '>0.0137</td><td class="n">10.00</td>' in costs  # and not 0.01, of which 730 are 7.30
    service = costs.partition("<h3>learning at ")[2].partition("<h3>")[0]
    assert ":saas:" in service
    assert "sales tax on the sum above" in service
    assert "1 workload is refused and in neither sum: legacy." in costs


def test_waves_have_their_days_where_there_are_any(plan: Bundle, sample: Workspace) -> None:
    first, *others = plan.plan.waves
    days = (
        Period(start=date(2027, 1, 4), end=date(2027, 1, 8)),
        Period(start=date(2027, 1, 11), end=date(2027, 1, 11)),
    )
    dated = (msgspec.structs.replace(first, periods=days), *others)
    assert "<td>2027-01-04 to 2027-01-08, 2027-01-11</td>" in section(resealed(sample, plan, waves=dated), "Waves")
    assert "Days" not in section(resealed(sample, plan), "Waves")


def test_a_wave_whose_size_nobody_knows_has_none(plan: Bundle, sample: Workspace) -> None:
    unknown = tuple(msgspec.structs.replace(wave, size_mib=0) for wave in plan.plan.waves)
    waves = section(resealed(sample, plan, waves=unknown), "Waves")
    assert waves.count('<td class="n">–</td>') == len(unknown)


def test_a_destroy_that_was_refused_is_an_attempt(sample: Workspace, page: Callable[[], str]) -> None:
    with pytest.raises(Refused), noting_refusal(sample, "destroy", {"units": ["portal"]}):
        raise Refused("users are on it")
    (attempt,) = refused_attempts(sample)
    assert (attempt.gate, attempt.unit) == ("destroy", "portal")
    assert "users are on it" in section(page(), "Refused attempts")
    Ledger(sample).refuse(plan="", unit="portal", urn="portal", gate="check", refusals=(refusal("PSE-G010"),))
    assert [one.gate for one in refused_attempts(sample)] == ["destroy", "check"]
    # Of a refused `up` the gate's own entry says more.
    Ledger(sample).refuse(plan="p", unit="portal", urn="portal", gate="plan", refusals=(refusal("PSE-R003"),))
    with pytest.raises(Refused), noting_refusal(sample, "up", {"plan": "p", "units": ["portal"]}):
        raise Refused("abroad")
    assert [one.gate for one in refused_attempts(sample)] == ["destroy", "check", "plan"]


def test_the_last_audit_is_in_the_report(sample: Workspace, plan: Bundle, page: Callable[[], str]) -> None:
    assert "was not audited" in section(page(), "Audit")
    said = Finding(code="PSE-B037", severity=Severity.ERROR, subject="portal", message="a <replica> abroad")
    refused = {"portal": (refusal("PSE-G001"),), "records": ()}
    made = Audit(plan=plan.plan.hash, as_of=AS_OF, refused=refused, findings=(said,))
    write(audit_path(sample, plan.plan.hash), made)
    shown = section(page(), "Audit")
    assert "because of PSE-G001" in shown
    assert "as allowed" in shown
    assert "a &lt;replica&gt; abroad" in shown


def test_who_approved_this_plan_is_in_the_report(sample: Workspace, plan: Bundle, page: Callable[[], str]) -> None:
    assert "asks for no approval" in section(page(), "Approvals")
    approve(sample, plan.plan.hash, by="Director <Records>", reference="Letter 7", on=AS_OF)
    approve(sample, "0" * 64, by="Secretary Works", reference="Letter 8", on=AS_OF)
    said = section(page(), "Approvals")
    assert "Director &lt;Records&gt;" in said
    assert "Secretary" not in said


def test_a_report_makes_no_folders_of_its_own(sample: Workspace, plan: Bundle, tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "report.html"
    with pytest.raises(BadInput, match="no such folder"):
        write_report(sample, plan, out)
    assert not out.parent.exists()
