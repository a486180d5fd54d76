"""What is not known is not free: it is a line without a price, or a finding of plan and cost that names it."""

import msgspec
import pytest

from blueprints import cost_report
from inventory.estate import Estate
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, estate, ministry_estate, server, workload


def per_gib(workspace: Workspace) -> None:
    """Let migration cost by the GiB at every place."""
    book = workspace.path("policy", "prices.toml")
    rows = book.read_text().split("[[offer]]")
    rows = [row.replace('unit = "once"', 'unit = "GiB"') if 'kind = "migration"' in row else row for row in rows]
    book.write_text("[[offer]]".join(rows))


def sized(size: int | None) -> Estate:
    """The ministry, whose payments database has ``size`` MiB, and with nothing known of its file systems' use."""
    base = ministry_estate()
    databases = tuple(msgspec.structs.replace(d, size_mib=size) if d.name == "payments" else d for d in base.databases)
    return msgspec.structs.replace(base, databases=databases)


@pytest.mark.parametrize("known", [True, False])
def test_migration_by_the_gib_of_unknown_size_has_no_price(planned: Workspace, *, known: bool) -> None:
    per_gib(planned)
    made = bundle(planned, sized(900 if known else None))
    unit = made.units["portal"]
    assert all(m.size_mib is not None for m in unit.moves) is known
    (line,) = (line for line in unit.costs if line.kind == "migration")
    assert (line.price is not None, line.one_time is not None) == (known, known)
    assert unit.cost.no_price == (0 if known else 1)


def test_egress_of_a_published_workload_that_is_not_declared_is_said(planned: Workspace) -> None:
    declared = planned.path("workloads.toml")
    assert "PSE-B023" not in {f.code for f in bundle(planned, ministry_estate()).plan.findings}
    text = declared.read_text()
    declared.write_text("".join(row for row in text.splitlines(keepends=True) if not row.startswith("egress_gib")))
    found = cost_report(bundle(planned, ministry_estate())).findings
    assert {f.subject for f in found if f.code == "PSE-B023"} == {"portal", "records", "opendata"}
    declared.write_text(text.replace("egress_gib = 4000", "egress_gib = 0"))
    assert "PSE-B023" not in {f.code for f in bundle(planned, ministry_estate()).plan.findings}


def test_what_an_import_left_out_is_named_by_plan_and_cost(planned: Workspace) -> None:
    base = ministry_estate()
    left = Finding(
        code="PSE-I020",
        severity=Severity.ERROR,
        subject="bigdb",
        message="sheet vDisk, row 3 was left out",
        source="rvtools:b.xlsx#vDisk:3",
    )
    manifest = msgspec.structs.replace(base.manifest, findings=(*base.manifest.findings, left))
    made = bundle(planned, msgspec.structs.replace(base, manifest=manifest))
    (finding,) = cost_report(made).findings
    assert (finding.code, finding.subject) == ("PSE-B020", "bigdb")
    assert finding in made.plan.findings
    assert "not in the bill: sheet vDisk, row 3" in finding.message


def test_egress_of_what_nobody_was_seen_to_reach_is_said_once(planned: Workspace) -> None:
    planned.path("policy", "labels.toml").write_text('[[label]]\ncategory = "restricted"\nhosts = ["*"]\n')
    planned.path("workloads.toml").write_text("[workload.b]\negress_gib = 0\n")
    imported = estate(tuple(map(server, "abc")), tuple(map(workload, "abc")))
    (said,) = (f for f in cost_report(bundle(planned, imported)).findings if f.code == "PSE-B024")
    assert "of 2 workloads" in said.message
    assert said.message.endswith("a, c")
