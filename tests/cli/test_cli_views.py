"""Views of documents that only a running estate gives: made by hand here, shown as they are."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from inventory.importers.reading import Totals
from pse.cli import render
from pse.cli.render_compare import compare_view
from pse.cli.render_cost import cost_view
from pse.cli.render_estate import discovery_view, estate_blocks, import_view, labels_view
from pse.cli.render_moves import campaign_view, migrate_intent, refuse_unfinished, rollback_intent, show_change
from pse.cli.render_plan import plan_view
from pse.cli.render_work import audit_view, deployments_view, destroyed_view
from pse.cli.session import Session
from pse.cli.view import View
from pse.core.documents.audit import Audit
from pse.core.documents.campaign import Campaign, MoveState, StepRecord, WorkloadProgress
from pse.core.documents.category import Category
from pse.core.documents.deployment import BuiltResource, BuiltServer, Deployment
from pse.core.documents.plan import (
    Cost,
    CostLine,
    Decision,
    DnsSwitch,
    Move,
    PlaceOption,
    Plan,
    Service,
    Strategy,
    Unit,
)
from pse.core.documents.snapshot import ProposedWorkload, Server, Snapshot, Table
from pse.core.documents.verdicts import Refusal
from pse.core.documents.waves import Wave
from pse.core.errors import Incomplete, Refused, UsageError
from pse.core.findings import Finding, Severity

IN, OUT = "sample-markhor/islamabad/ict-1", "sample-elsewhere/abroad/abr-1"
REFUSAL = Refusal(rule="PSE-R003", clause="residency", message="abroad", source="sample, confidence C")
NOTHING = Cost(monthly=Decimal(0), one_time=Decimal(0), no_price=0)
SOME = Cost(monthly=Decimal("1200.5"), one_time=Decimal(3), no_price=0)


def decision(workload: str, **changed: Any) -> Decision:
    fields: dict[str, Any] = {
        "workload": workload,
        "members": (workload,),
        "category": Category.RESTRICTED,
        "strategy": Strategy.REHOST,
        "reasons": ("it fits",),
        "blueprint": "single-server",
        "place": IN,
        "wave": 1,
        "mandate_monthly": Decimal("200.25"),
        "mandate_against": OUT,
        "options": (
            PlaceOption(place=OUT, allowed=False, cost=NOTHING, refusals=(REFUSAL,)),
            PlaceOption(place=IN, allowed=True, cost=SOME),
        ),
        "cost": SOME,
    }
    return Decision(**fields | changed)


REFUSED = decision("payroll", strategy=None, place="", wave=0, refusals=(REFUSAL,), cost=NOTHING, category=None)
PLAN = Plan(
    entity="Ministry of Works",
    as_of=date(2026, 11, 25),
    sample=True,
    currency="PKR",
    inputs={},
    servers=2,
    decisions=(REFUSED, decision("portal")),
    waves=(Wave(number=1, workloads=("portal",), servers=1, size_mib=2048, why="first"),),
    cost=SOME,
    findings=(),
    units={"portal": "0" * 64},
    hash="ab" * 32,
)
UNIT = Unit(
    id="portal",
    workload="portal",
    blueprint="single-server",
    category=Category.RESTRICTED,
    class_id="restricted",
    place=IN,
    provider="lab",
    wave=1,
    moves=(
        Move(id="m1", kind="files", source="portal", target="portal-web", paths=("/srv/portal",), size_mib=12),
        Move(id="m2", kind="postgresql", source="payments", target="portal-db", database="payments"),
    ),
    services=(Service(name="nginx", server="portal-web", start="true", stop="true"),),
    switches=(DnsSwitch(name="portal.ministry.example.", server="portal-web"),),
    cost=SOME,
)
BUNDLE: Any = SimpleNamespace(plan=PLAN, units={"portal": UNIT})
ESTATE: Any = SimpleNamespace(
    manifest=Snapshot(
        tables={"servers": Table(rows=1, sha256="0"), "flows": Table(rows=0, sha256="0")}, hash="cd" * 32
    ),
    servers=(Server(id="srv-1", hostname="portal", os_family="debian", os_version="12"),),
    workloads=(ProposedWorkload(id="portal", members=("srv-1",), reasons=("alone",)),),
)
DOWN = Finding(code="PSE-I001", severity=Severity.ERROR, subject="legacy", message="timed out")


def both(view: View, capsys: pytest.CaptureFixture[str]) -> tuple[str, Any]:
    """``view`` as people and as machines see it."""
    render.show(view)
    text = capsys.readouterr().out
    render.show(view, "json")
    return text, json.loads(capsys.readouterr().out)


def test_a_plan_says_what_is_refused_and_that_it_is_a_sample(capsys: pytest.CaptureFixture[str]) -> None:
    view = plan_view(PLAN, "plans/ab/plan.json")  # type: ignore[arg-type]  # a text is as good as a path here
    text, data = both(view, capsys)
    assert view.refused == 1
    assert data["refused"] == ["payroll"]
    assert [d["workload"] for d in data["items"]] == ["payroll", "portal"]
    for part in ("SAMPLE", "payroll is REFUSED: PSE-R003: abroad", "REFUSED", "1,200.50", "2,048", "none"):
        assert part in text


def test_places_side_by_side_say_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    text, data = both(compare_view(PLAN), capsys)
    assert f"mandate costs PKR 200.25 a month (against {OUT})" in " ".join(text.split())
    assert f"→ {IN}" in text
    assert "PSE-R003: abroad" in text
    assert data["items"][1]["options"][0]["refusals"][0]["clause"] == "residency"


def test_a_bill_says_the_mandate_and_what_is_not_comparable(capsys: pytest.CaptureFixture[str]) -> None:
    from blueprints.bills.cost import CostReport, PlaceCost, WorkloadCost

    lacking = Cost(monthly=Decimal(5), one_time=Decimal(0), no_price=1)
    priced = CostLine(
        item="web",
        kind="compute",
        offer=f"{IN}:compute:std-2-4",
        quantity=Decimal(730),
        unit="hour",
        price=Decimal("0.01"),
        monthly=Decimal("7.30"),
    )
    unknown = msgspec.structs.replace(priced, kind="storage", offer="", unit="month", price=None, monthly=None)
    report = CostReport(
        plan=PLAN.hash,
        currency="PKR",
        sample=True,
        workloads=(
            WorkloadCost(
                workload="portal",
                place=IN,
                strategy="rehost",
                cost=lacking,
                forbidden_place=OUT,
                lines=(priced, unknown),
            ),
        ),
        places=(PlaceCost(place=IN, workloads=1, cost=lacking),),
        total=lacking,
        mandate_monthly=Decimal("200.25"),
        not_comparable=("portal",),
        refused=("payroll",),
        staying=("legacy",),
    )
    text, data = both(cost_view(PLAN, report), capsys)
    assert "the in-country mandate costs PKR 200.25 a month" in text
    for part in ("5.00 + 1 without a price", "not comparable", "1 line WITHOUT A PRICE"):
        assert part in text
    for part in ("refused: 1 workload (payroll)", "kept where they are: 1 workload (legacy)"):
        assert part in text
    assert data["total"]["no_price"] == 1
    assert (data["refused"], data["staying"]) == (["payroll"], ["legacy"])
    # What has no price is named; a whole bill has each line with the row that prices it.
    _, _, named = text.partition("Without a price, in no sum")
    assert re.search(r"portal +web +storage +none +730 +month", named)
    assert "compute:std-2-4" not in text
    whole = both(cost_view(PLAN, report, whole=True), capsys)[0]
    assert re.search(r"portal +web +compute +compute:std-2-4 +730 +hour +0.01 +7.30 +–", whole)
    assert re.search(r"portal +web +storage +– +730 +month +no price +– +–", whole)


def test_what_a_migration_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    text, data = both(migrate_intent(BUNDLE, None, waves=(1,), workloads=()), capsys)
    assert [m["what"] for m in data["items"]] == ["/srv/portal", "payments"]
    for part in ("portal: nginx", "portal.ministry.example.", "postgresql"):
        assert part in text
    back = both(rollback_intent(BUNDLE, "portal", Campaign(plan="0" * 64, workloads=(moved(),))), capsys)[1]["items"]
    assert [(m["source"], m["target"]) for m in back] == [(m["target"], m["source"]) for m in data["items"]]
    with pytest.raises(Refused, match="nothing to roll back"):
        rollback_intent(BUNDLE, "portal", None)
    assert both(migrate_intent(BUNDLE, None, waves=(), workloads=("payroll",)), capsys)[1]["items"] == []


def test_what_is_moved_already_is_not_listed_again(capsys: pytest.CaptureFixture[str]) -> None:
    def shown(state: MoveState) -> tuple[str, Any]:
        campaign = Campaign(plan=PLAN.hash, workloads=(WorkloadProgress(workload="portal", state=state),))
        return both(migrate_intent(BUNDLE, campaign, waves=(), workloads=()), capsys)

    text, data = shown(MoveState.VERIFIED)
    assert (data["items"], data["services"], data["records"]) == ([], [], [])
    assert "moved already, left alone: portal" in text
    assert data["done"] == {"verified": ["portal"], "switched": []}
    assert "only checked again: portal" in shown(MoveState.SWITCHED)[0]
    assert shown(MoveState.ROLLED_BACK)[1]["items"]


def test_what_was_closed_is_not_rolled_back(capsys: pytest.CaptureFixture[str]) -> None:
    closed = WorkloadProgress(workload="portal", state=MoveState.VERIFIED, closed=True)
    campaign = Campaign(plan=PLAN.hash, workloads=(closed,))
    with pytest.raises(Refused, match="ended by `pse close`"):
        rollback_intent(BUNDLE, "portal", campaign)
    assert "verified, closed" in both(campaign_view(campaign), capsys)[0]


def test_what_the_plan_does_not_have_cannot_be_moved() -> None:
    with pytest.raises(UsageError, match="no workload nonsense") as caught:
        migrate_intent(BUNDLE, None, waves=(), workloads=("nonsense",))
    assert "portal" in caught.value.hint
    with pytest.raises(UsageError, match="no wave 9") as caught:
        migrate_intent(BUNDLE, None, waves=(9,), workloads=())
    assert "Its waves are: 1" in caught.value.hint
    with pytest.raises(UsageError):
        rollback_intent(BUNDLE, "nonsense", None)


def moved() -> WorkloadProgress:
    step = StepRecord(
        workload="portal", step="cut-over", started=datetime(2026, 11, 25, tzinfo=UTC), ended=None, outcome="running"
    )
    return WorkloadProgress(
        workload="portal", state=MoveState.SWITCHED, bytes_moved=123456, downtime_s=1.234, steps=(step,)
    )


def test_where_the_moves_stand(capsys: pytest.CaptureFixture[str]) -> None:
    text, data = both(campaign_view(Campaign(plan=PLAN.hash, workloads=(moved(),), findings=(DOWN,))), capsys)
    for part in ("portal", "switched", "123,456", "1.23", "cut-over", "PSE-I001"):
        assert part in text
    assert data["items"][0]["downtime_s"] == 1.234
    assert both(campaign_view(None, plan=PLAN.hash), capsys)[1] == {"plan": PLAN.hash, "items": []}


def test_a_change_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_change(Session(), moved(), json_lines=True)
    show_change(Session(), moved(), json_lines=False)
    shown = capsys.readouterr()
    (line,) = shown.out.splitlines()
    assert json.loads(line)["state"] == "switched"
    assert shown.err == "portal: switched, cut-over, 123,456 bytes\n"


def test_stacks_and_their_servers(capsys: pytest.CaptureFixture[str]) -> None:
    server = BuiltServer(name="web", id="1", address="127.1.2.3", ssh_port=2222, ssh_user="admin", host_key="k")
    resource = BuiltResource(urn="u", type="pse:index:Server", id="1")
    stack = Deployment(stack="portal", plan="p", unit_hash="h", place=IN, servers=(server,), resources=(resource,))
    text, data = both(deployments_view((stack,)), capsys)
    assert "web=127.1.2.3" in text
    assert data["items"][0]["resources"][0]["urn"] == "u"
    assert both(destroyed_view(("portal",)), capsys) == ("removed: portal\n", {"items": ["portal"]})


def test_an_audit_names_what_rests_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    text, data = both(
        audit_view(
            Audit(plan="p", as_of=date(2026, 11, 25), refused={"portal": (REFUSAL,), "records": ()}, findings=())
        ),
        capsys,
    )
    assert "PSE-R003: abroad" in text
    assert "as allowed" in text
    assert [len(item["refusals"]) for item in data["items"]] == [1, 0]
    assert (
        "nothing stands"
        in both(audit_view(Audit(plan="p", as_of=date(2026, 11, 25), refused={}, findings=())), capsys)[0]
    )


def test_a_discovery_names_each_host_and_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    from inventory import HostResult

    hosts = (
        HostResult(host="portal", status="partial", seconds=1.25, failed=("databases: not permitted",)),
        HostResult(host="legacy", status="deadline", seconds=90.0, message="gave up"),
    )
    found: Any = SimpleNamespace(estate=ESTATE, hosts=hosts, empty=3, findings=(DOWN,))
    text, data = both(discovery_view(found), capsys)
    assert "nobody answered at 3 addresses of ranges" in text
    for part in ("databases: not permitted", "gave up", "1 server, 0 flows", "1 × debian 12", "PSE-I001"):
        assert part in text
    assert data["estate"] == {"servers": 1, "flows": 0}
    assert [host["status"] for host in data["items"]] == ["partial", "deadline"]


def test_an_import_counts_what_it_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    found: Any = SimpleNamespace(
        importer="rvtools",
        title="RVTools",
        files=("a.xlsx",),
        totals=Totals(),
        estate=ESTATE,
        rows=10,
        servers=7,
        templates=1,
        skipped=2,
        findings=(DOWN,),
    )
    text, data = both(import_view(found), capsys)
    assert "in this file: 10 rows: 7 servers, 1 template, 2 left out" in text
    assert "the import is done; each error below is about one row or machine" in text
    assert "known now: " in text
    assert data["skipped"] == 2


def test_systems_that_are_not_named_are_counted_and_none_is_no_line() -> None:
    def lines(servers: tuple[Server, ...]) -> list[str]:
        estate: Any = SimpleNamespace(manifest=ESTATE.manifest, servers=servers, workloads=())
        return [b for b in estate_blocks(estate) if isinstance(b, str) and b.startswith("systems")]

    assert lines(()) == []
    kinds = [f"{n:02}" for n in range(10)] + ["00", "09"]
    servers = tuple(Server(id=str(i), hostname="h", os_family="rhel", os_version=v) for i, v in enumerate(kinds))
    (line,) = lines(servers)
    assert line.startswith("systems: 2 × rhel 00, 2 × rhel 09, 1 × rhel 01")
    assert line.endswith("1 × rhel 06, and 2 more on 2 servers")


def test_what_has_no_category_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    labels: Any = SimpleNamespace(by_workload={"portal": None}, findings=())
    text, data = both(labels_view(ESTATE, labels), capsys)
    assert "none: will be refused" in text
    assert data["items"] == [{"workload": "portal", "category": None, "servers": 1}]


def test_only_what_was_asked_for_and_is_not_moved_counts() -> None:
    portal = WorkloadProgress(workload="portal", state=MoveState.FAILED)
    campaign = Campaign(plan="0" * 64, workloads=(portal,))
    with pytest.raises(Incomplete, match=r"portal \(failed\)") as caught:
        refuse_unfinished(campaign, BUNDLE, waves=(), workloads=())
    assert caught.value.exit_code == 6
    refuse_unfinished(campaign, BUNDLE, waves=(), workloads=("payroll",))
    moved = msgspec.structs.replace(portal, state=MoveState.VERIFIED)
    old = Finding(code="PSE-M001", severity=Severity.ERROR, subject="portal", message="an old story")
    refuse_unfinished(
        msgspec.structs.replace(campaign, workloads=(moved,), findings=(old,)), BUNDLE, waves=(), workloads=()
    )
