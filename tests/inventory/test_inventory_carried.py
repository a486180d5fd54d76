"""Flows seen before stay: a quiet moment never takes a group apart."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.carried import keep_flows
from inventory.estate import Estate, load_estate
from inventory.store import record
from pse.core.documents.snapshot import Flow, Listener, Server, Sighting
from pse.core.errors import BadInput
from pse.core.settings import Workspace

APP = ("tcp", "127.0.0.1", 40000, "127.1.1.2", 5432, "python3")
DB = ("tcp", "127.1.1.2", 5432, "127.0.0.1", 40000, "postgres")
PG = Listener(server="", protocol="tcp", address="0.0.0.0", port=5432, process="postgres", service="postgresql")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n', encoding="utf-8")
    return Workspace(tmp_path)


def host(name: str, *sockets: tuple[str, str, int, str, int, str], **identity: str) -> Sighting:
    return Sighting(
        source=f"ssh:{name}",
        seen=datetime(2026, 11, 1, tzinfo=UTC),
        identity=identity or {"machine_id": name * 8},
        server=Server(id="", hostname=name, sources=(f"ssh:{name}",)),
        listeners=(PG,) if name == "payments" else (),
        sockets=sockets,
    )


TALKING = [host("portal", APP), host("payments", DB)]
QUIET = [host("portal"), host("payments")]


def groups(estate: Estate) -> dict[str, list[str]]:
    names = {s.id: s.hostname for s in estate.servers}
    return {w.id: sorted(names[m] for m in w.members) for w in estate.workloads}


def test_a_quiet_moment_takes_no_group_apart_and_is_said(workspace: Workspace) -> None:
    before = record(workspace, TALKING)
    assert groups(before) == {"portal": ["payments", "portal"]}
    after = record(workspace, QUIET)
    assert groups(after) == groups(before)
    (flow,) = after.flows
    assert (flow.binds, flow.seen) == (True, 0)
    assert sorted(after.workloads[0].reasons) == [
        "payments: is called by portal (postgresql, tcp/5432), seen earlier",
        "portal: calls payments (postgresql, tcp/5432) from python3, seen earlier",
    ]
    (finding,) = after.manifest.findings
    assert (finding.code, finding.subject) == ("PSE-I130", "portal")
    assert "payments" in finding.message
    assert load_estate(workspace) == after


def test_the_same_sightings_again_are_the_same_snapshot(workspace: Workspace) -> None:
    record(workspace, TALKING)
    quiet = record(workspace, QUIET)
    assert record(workspace, QUIET) == quiet
    assert record(workspace, []) == quiet


def test_what_talks_again_is_as_if_it_had_never_been_quiet(workspace: Workspace) -> None:
    before = record(workspace, TALKING)
    record(workspace, QUIET)
    assert record(workspace, TALKING) == before


def test_an_import_keeps_the_flows_too(workspace: Workspace) -> None:
    record(workspace, TALKING)
    record(workspace, QUIET)
    row = msgspec.structs.replace(host("x"), source="rvtools:f#vInfo:2")
    assert groups(record(workspace, [row], replaces="rvtools:f#"))["portal"] == ["payments", "portal"]


def test_only_people_take_a_group_apart(workspace: Workspace) -> None:
    record(workspace, TALKING)
    (workspace.root / "workloads.toml").write_text('[workload.money]\nmembers = ["payments"]\n', encoding="utf-8")
    assert groups(record(workspace, QUIET)) == {"money": ["payments"], "portal": ["portal"]}


def test_a_snapshot_that_cannot_be_read_is_not_passed_over(workspace: Workspace) -> None:
    before = record(workspace, TALKING)
    (workspace.private / "snapshots" / before.manifest.hash / "flows.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match="not a table") as caught:
        record(workspace, QUIET)
    assert ".pse/snapshot" in caught.value.hint


def server(name: str, *sources: str, addresses: tuple[str, ...] = ()) -> Server:
    return Server(id=f"srv-{name}", hostname=name, sources=sources, addresses=addresses)


def flow(client: str, called: str, *, binds: bool = True, service: str = "postgresql", seen: int = 1) -> Flow:
    return Flow(client=client, server=called, protocol="tcp", port=5432, service=service, binds=binds, seen=seen)


A, B = server("a", "ssh:a"), server("b", "ssh:b")


def test_a_flow_of_a_server_that_is_gone_goes() -> None:
    assert keep_flows([], [flow("srv-a", "srv-b")], [A, B], [A]) == ()


def test_a_flow_follows_its_host_to_another_id() -> None:
    new = server("0", "rvtools:f#vInfo:2", "ssh:a")
    assert keep_flows([], [flow("srv-a", "srv-b")], [A, B], [new, B]) == (flow("srv-0", "srv-b", seen=0),)


def test_a_flow_follows_the_host_when_the_id_stays_with_a_row_of_a_file() -> None:
    was = server("a", "rvtools:f#vInfo:2", "ssh:a")
    row, asked = server("a", "rvtools:f#vInfo:2"), server("z", "ssh:a")
    kept = keep_flows([], [flow("srv-a", "srv-b")], [was, B], [row, asked, B])
    assert kept == (flow("srv-z", "srv-b", seen=0),)


def test_two_that_turn_out_to_be_one_server_do_not_call_themselves() -> None:
    assert keep_flows([], [flow("srv-a", "srv-b")], [A, B], [server("a", "ssh:a", "ssh:b")]) == ()


def test_an_external_end_stays_until_one_server_has_its_address() -> None:
    out = flow("srv-a", "external:10.0.0.2")
    assert keep_flows([], [out], [A], [A]) == (msgspec.structs.replace(out, seen=0),)
    known = server("b", "ssh:b", addresses=("10.0.0.2",))
    assert keep_flows([], [out], [A], [A, known]) == (flow("srv-a", "srv-b", seen=0),)
    twin = server("c", "ssh:c", addresses=("10.0.0.2",))
    assert keep_flows([], [out], [A], [A, known, twin]) == (msgspec.structs.replace(out, seen=0),)


def test_seen_both_times_binds_if_either_did() -> None:
    loose = flow("srv-a", "srv-b", binds=False, service="")
    assert keep_flows([loose], [flow("srv-a", "srv-b")], [A, B], [A, B]) == (flow("srv-a", "srv-b"),)


NAMES = st.sampled_from(["srv-a", "srv-b", "srv-c", "external:192.0.2.1"])
FLOWS = st.lists(
    st.builds(flow, NAMES, NAMES, binds=st.booleans(), service=st.sampled_from(["", "postgresql"])),
    unique_by=lambda f: (f.client, f.server),
)


@settings(deadline=None)
@given(FLOWS, FLOWS)
def test_keeping_twice_is_keeping_once(fresh: list[Flow], earlier: list[Flow]) -> None:
    room = [A, B, server("c", "ssh:c")]
    seen = [f for f in fresh if f.client != f.server]
    once = keep_flows(seen, earlier, room, room)
    assert keep_flows(seen, once, room, room) == once
    bound = {(f.client, f.server) for f in [*seen, *earlier] if f.binds and f.client != f.server}
    assert {(f.client, f.server) for f in once if f.binds} == bound
