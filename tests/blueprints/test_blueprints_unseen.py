"""A workload of which a server was not seen has no category: the rest may be looser than what is missing."""

import msgspec

from blueprints.estate.unseen import withheld
from inventory.hosts import load_hosts
from pse.core.documents.category import Category
from pse.core.documents.snapshot import Flow
from pse.core.documents.workloads import Workloads, load_workloads
from pse.core.settings import Workspace
from tests.blueprints.estates import draft, ministry_estate, workload


def test_a_declared_host_that_is_missing_withholds_the_category(planned: Workspace) -> None:
    whole = ministry_estate()
    payments = next(server for server in whole.servers if server.hostname == "payments")
    portal = next(server for server in whole.servers if server.hostname == "portal")
    alone = msgspec.structs.replace(
        whole,
        servers=tuple(server for server in whole.servers if server.id != payments.id),
        workloads=tuple(w if w.id != "portal" else workload("portal", portal.id) for w in whole.workloads),
        databases=(),
        flows=(),
    )
    made = draft(planned, alone)
    (decided,) = (decision for decision in made.decisions if decision.workload == "portal")
    assert decided.strategy is None
    assert {refusal.rule for refusal in decided.refusals} == {"PSE-R001"}
    assert "portal" not in made.units
    assert "records" in made.units
    assert {"PSE-B018", "PSE-B019"} <= {finding.code for finding in made.findings}
    assert "PSE-B019" not in {finding.code for finding in draft(planned, whole).findings}


def test_a_call_to_a_host_that_was_never_reached_withholds_it_too(planned: Workspace) -> None:
    whole = ministry_estate()
    hosts = load_hosts(planned)
    address = next(entry.address for entry in hosts if entry.name == "legacy")
    records = next(server for server in whole.servers if server.hostname == "records")
    estate = msgspec.structs.replace(
        whole,
        servers=tuple(server for server in whole.servers if server.hostname != "legacy"),
        flows=(Flow(client=records.id, server=f"external:{address}", protocol="tcp", port=9999),),
    )
    categories: dict[str, Category | None] = dict.fromkeys(("records", "opendata"), Category.OPEN)
    found, findings = withheld(estate, Workloads(), hosts, categories)
    assert found == {"records": None, "opendata": Category.OPEN}
    assert [finding.subject for finding in findings] == ["legacy", "records/legacy"]


def test_nothing_is_withheld_where_all_was_seen(planned: Workspace) -> None:
    categories: dict[str, Category | None] = {"portal": Category.RESTRICTED}
    found, findings = withheld(ministry_estate(), load_workloads(planned), load_hosts(planned), categories)
    assert found == categories
    assert findings == ()
