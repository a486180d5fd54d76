"""Merging, flows and workload proposals over sightings made here."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.evidence import both_orders
from inventory.flows import find_flows
from inventory.groups import propose, sanitised
from inventory.merge import merge, server_of
from inventory.services import service_of
from pse.core.documents.snapshot import Flow, Listener, Server, Sighting
from pse.core.documents.workloads import WorkloadDeclaration, Workloads
from pse.core.findings import Finding, Severity

UUID = "4c4c4544-0042-3510-8053-b4c04f4e3332"
SWAPPED = "44454c4c-4200-1035-8053-b4c04f4e3332"
MAC = "52:54:00:00:00:01"


def seen(source: str, hostname: str = "a", *, addresses: Iterable[str] = (), day: int = 1, **identity: str) -> Sighting:
    return Sighting(
        source=source,
        seen=datetime(2026, 11, day, tzinfo=UTC),
        identity=identity,
        server=Server(id="", hostname=hostname, addresses=tuple(addresses), sources=(source,)),
    )


def sources(sightings: Iterable[Sighting]) -> list[tuple[str, ...]]:
    clusters, _ = merge(sightings)
    return sorted(tuple(sorted(s.source for s in c.sightings)) for c in clusters)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"uuid": UUID, "macs": MAC}, {"uuid": UUID, "macs": MAC}),
        ({"uuid": UUID}, {"uuid": SWAPPED.upper()}),
        ({"macs": MAC}, {"macs": f"{MAC.upper()},52:54:00:00:00:02"}),
        ({"machine_id": "f" * 32, "host_key": "k"}, {"machine_id": "f" * 32, "host_key": "k"}),
        (
            {"serial": "X1", "machine_id": "f" * 32, "host_key": "old"},
            {"serial": "X1", "machine_id": "f" * 32, "host_key": "new"},
        ),
    ],
)
def test_enough_agreement_is_one_server(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert sources([seen("ssh:a", **one), seen("rvtools:f#vInfo:2", **two)]) == [("rvtools:f#vInfo:2", "ssh:a")]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({}, {}),
        ({"machine_id": "f" * 32}, {"machine_id": "e" * 32}),
        ({"host_key": "k"}, {"host_key": "k"}),
    ],
)
def test_too_little_agreement_is_two_servers(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert len(sources([seen("ssh:a", "a", **one), seen("ssh:b", "a", **two)])) == 2


def test_clones_share_machine_id_and_host_key_and_are_two_servers_with_a_finding() -> None:
    base: dict[str, Any] = {"machine_id": "f" * 32, "host_key": "k"}
    clusters, findings = merge([seen("ssh:a", macs=MAC, **base), seen("ssh:b", macs="52:54:00:00:00:09", **base)])
    assert len(clusters) == 2
    assert len({c.id for c in clusters}) == 2
    assert [f.code for f in findings] == ["PSE-I010"]
    assert "macs" in findings[0].message


def test_a_bridge_between_two_servers_that_contradict_is_no_bridge() -> None:
    middle = seen("ssh:m", "a", macs=f"{MAC},52:54:00:00:00:09")
    one, two = (
        seen("ssh:x", "a", macs=MAC, uuid=UUID),
        seen("ssh:y", "a", macs="52:54:00:00:00:09", uuid=UUID[:-1] + "9"),
    )
    assert len(sources([one, two, middle])) == 2


def test_measured_values_win_and_the_newest_of_them() -> None:
    both: dict[str, Any] = {"uuid": UUID, "macs": MAC}
    typed = seen("rvtools:f#vInfo:2", "typed", day=9, **both)
    older, newer = seen("ssh:a", "older", day=2, **both), seen("ssh:b", "newer", day=3, **both)
    typed = msgspec.structs.replace(typed, server=msgspec.structs.replace(typed.server, vcpus=8, tags=("k=v",)))
    (cluster,), _ = merge([typed, older, newer])
    server = server_of(cluster)
    assert (server.hostname, server.vcpus, server.tags) == ("newer", 8, ("k=v",))
    assert server.sources == ("rvtools:f#vInfo:2", "ssh:a", "ssh:b")


def test_blockers_are_the_codes_of_blocking_findings_only() -> None:
    findings = (
        Finding(code="PSE-I103", severity=Severity.ERROR, subject="a", message="m"),
        Finding(code="PSE-I121", severity=Severity.WARNING, subject="a", message="m"),
        Finding(code="PSE-I002", severity=Severity.ERROR, subject="a", message="m"),
    )
    (cluster,), _ = merge([msgspec.structs.replace(seen("ssh:a"), findings=findings)])
    assert server_of(cluster).blockers == ("PSE-I103",)


def test_an_id_once_given_stays_when_more_is_learned() -> None:
    (first,), _ = merge([seen("ssh:a", macs=MAC)])
    kept = msgspec.structs.replace(
        first.sightings[0], server=msgspec.structs.replace(first.sightings[0].server, id=first.id)
    )
    (again,), _ = merge([kept, seen("rvtools:f#vInfo:2", macs=MAC, uuid=UUID)])
    assert again.id == first.id


@settings(deadline=None)
@given(st.permutations(range(6)))
def test_order_does_not_matter(order: list[int]) -> None:
    made = [
        seen("ssh:a", macs=MAC),
        seen("ssh:b", macs=MAC, machine_id="1" * 32),
        seen("rvtools:f#vInfo:2", uuid=UUID),
        seen("rvtools:f#vInfo:3", uuid=SWAPPED),
        seen("ssh:c", "c", machine_id="1" * 32, host_key="k"),
        seen("ssh:d", "d"),
    ]
    assert merge([made[i] for i in order]) == merge(made)


def test_both_byte_orders() -> None:
    assert both_orders(UUID) == both_orders(SWAPPED)
    assert both_orders("not one") == set()


def host(source: str, *sockets: tuple[str, str, int, str, int, str], port: int = 0, process: str = "") -> Sighting:
    listeners = (
        (
            Listener(
                server="",
                protocol="tcp",
                address="0.0.0.0",
                port=port,
                process=process,
                service=service_of(process, port),
            ),
        )
        if port
        else ()
    )
    return msgspec.structs.replace(seen(source, source.removeprefix("ssh:")), sockets=sockets, listeners=listeners)


APP = ("tcp", "127.0.0.1", 40000, "127.1.1.2", 5432, "python3")
DB = ("tcp", "127.1.1.2", 5432, "127.0.0.1", 40000, "postgres")


def test_mirrored_sockets_make_one_edge_from_client_to_server() -> None:
    flows = find_flows(
        {"srv-app": [host("ssh:app", APP)], "srv-db": [host("ssh:db", DB, port=5432, process="postgres")]}
    )
    assert flows == (
        Flow(
            client="srv-app",
            server="srv-db",
            protocol="tcp",
            port=5432,
            service="postgresql",
            client_process="python3",
            server_process="postgres",
            binds=True,
        ),
    )


def test_an_end_without_a_visible_owner_makes_no_edge() -> None:
    assert (
        find_flows({"srv-app": [host("ssh:app", APP)], "srv-db": [host("ssh:db", port=5432, process="postgres")]}) == ()
    )


def test_an_end_that_is_listed_without_an_owner_is_another_hosts() -> None:
    unowned = (*DB[:5], "")
    assert (
        find_flows(
            {"srv-app": [host("ssh:app", APP)], "srv-db": [host("ssh:db", unowned, port=5432, process="postgres")]}
        )
        == ()
    )


def test_a_connection_of_a_host_to_itself_is_no_edge() -> None:
    assert find_flows({"srv-app": [host("ssh:app", APP, DB, port=5432, process="postgres")]}) == ()


def test_a_jump_host_that_passes_on_a_session_is_no_edge() -> None:
    out = ("tcp", "127.0.0.1", 40001, "127.1.1.3", 22, "sshd")
    into = ("tcp", "127.1.1.3", 22, "127.0.0.1", 40001, "sshd")
    assert find_flows({"srv-a": [host("ssh:a", out)], "srv-b": [host("ssh:b", into, port=22, process="sshd")]}) == ()


def test_an_unknown_peer_is_an_external_one() -> None:
    out = ("tcp", "10.0.0.1", 40000, "203.0.113.9", 443, "curl")
    into = ("tcp", "10.0.0.1", 8080, "203.0.113.7", 50000, "nginx")
    flows = find_flows({"srv-a": [host("ssh:a", out, into, port=8080, process="nginx")]})
    assert [(f.client, f.server, f.port, f.service) for f in flows] == [
        ("external:203.0.113.7", "srv-a", 8080, "http"),
        ("srv-a", "external:203.0.113.9", 443, "https"),
    ]
    assert not any(f.binds for f in flows)


def server(name: str, *, template: bool = False) -> Server:
    return Server(id=f"srv-{name}", hostname=name, is_template=template)


def flow(client: str, called: str, service: str, *, binds: bool) -> Flow:
    return Flow(client=f"srv-{client}", server=f"srv-{called}", protocol="tcp", port=1, service=service, binds=binds)


ROOM = [server(n) for n in ("learning", "legacy", "opendata", "payments", "portal", "records")]
TALK = [flow("portal", "payments", "postgresql", binds=True), flow("learning", "opendata", "http", binds=False)]


def test_database_flows_bind_and_http_does_not() -> None:
    workloads, findings = propose(ROOM, TALK, Workloads())
    assert {w.id: w.members for w in workloads} == {
        "learning": ("srv-learning",),
        "legacy": ("srv-legacy",),
        "opendata": ("srv-opendata",),
        "portal": ("srv-payments", "srv-portal"),
        "records": ("srv-records",),
    }
    assert findings == ()
    portal = next(w for w in workloads if w.id == "portal")
    assert portal.reasons == (
        "payments: is called by portal (postgresql, tcp/1)",
        "portal: calls payments (postgresql, tcp/1)",
    )
    assert not portal.edited


def test_a_server_alone_says_whom_it_talks_to() -> None:
    said = Workloads(workload={"money": WorkloadDeclaration(members=("payments",))})
    workloads, _ = propose(ROOM, [*TALK, flow("portal", "records", "", binds=False)], said)
    assert {w.id: w.reasons for w in workloads if not w.edited} == {
        "learning": ("learning: nothing binds it; it talks to opendata (http)",),
        "legacy": ("legacy: nothing binds it to another server",),
        "opendata": ("opendata: nothing binds it; it talks to learning (http)",),
        "portal": (
            "portal: workloads.toml puts what binds it elsewhere: payments (postgresql); it talks to records (tcp/1)",
        ),
        "records": ("records: nothing binds it; it talks to portal (tcp/1)",),
    }


def test_a_server_that_talks_to_many_names_a_few() -> None:
    many = [server(f"s{n}") for n in range(9)]
    workloads, _ = propose(many, [flow("s0", f"s{n}", "http", binds=False) for n in range(1, 9)], Workloads())
    (hub,) = [w.reasons[0] for w in workloads if w.id == "s0"]
    assert hub.endswith("s5 (http) and 3 more")


def test_peoples_members_win_and_the_rest_is_proposed_anew() -> None:
    said = Workloads(
        workload={
            "money": WorkloadDeclaration(members=("pay*",)),
            "all": WorkloadDeclaration(members=("rec*", "payments", "nobody")),
            "opendata": WorkloadDeclaration(saas="x"),
            "ghost": WorkloadDeclaration(saas="x"),
        }
    )
    workloads, findings = propose(ROOM, TALK, said)
    by_id = {w.id: w for w in workloads}
    assert by_id["money"].members == ("srv-payments",)
    assert by_id["money"].edited
    assert by_id["all"].members == ("srv-records",)
    assert by_id["portal"].members == ("srv-portal",)
    assert by_id["opendata"].members == ("srv-opendata",)
    assert [(f.code, f.subject) for f in findings] == [("PSE-I030", "all"), ("PSE-I031", "all"), ("PSE-I031", "ghost")]


def test_templates_belong_to_nothing() -> None:
    workloads, _ = propose([server("a"), server("t", template=True)], [], Workloads())
    assert [w.members for w in workloads] == [("srv-a",)]


def test_two_hosts_of_one_name_get_two_ids() -> None:
    twins = [server("web01"), Server(id="srv-x", hostname="WEB01"), Server(id="srv-y", hostname="***")]
    workloads, (finding,) = propose(twins, [], Workloads())
    assert [w.id for w in workloads] == ["srv-y", "web01", "web01-2"]
    assert (finding.code, finding.subject) == ("PSE-I032", "web01-2")
    assert "of WEB01 is called web01-2" in finding.message


def test_members_that_are_not_there_are_named_and_rename_nothing() -> None:
    said = Workloads(workload={"web01": WorkloadDeclaration(members=("web01x", "nosuch"))})
    workloads, findings = propose([server("web01")], [], said)
    assert [w.id for w in workloads] == ["web01"]
    assert [f.code for f in findings] == ["PSE-I031", "PSE-I031"]
    assert "'nosuch', member 2 of [workload.web01] in workloads.toml" in findings[0].message


NAMES = st.sampled_from("abcdefgh")


@settings(deadline=None)
@given(
    st.lists(st.tuples(NAMES, NAMES, st.booleans()), max_size=12), st.dictionaries(NAMES, st.lists(NAMES, max_size=3))
)
def test_every_server_is_in_exactly_one_workload(
    edges: list[tuple[str, str, bool]], said: dict[str, list[str]]
) -> None:
    servers = [server(n) for n in "abcdefgh"]
    flows = [flow(a, b, "postgresql", binds=binds) for a, b, binds in edges if a != b]
    declared = Workloads(workload={k: WorkloadDeclaration(members=tuple(v)) for k, v in said.items()})
    workloads, _ = propose(servers, flows, declared)
    members = [m for w in workloads for m in w.members]
    assert sorted(members) == sorted(s.id for s in servers)
    assert len({w.id for w in workloads}) == len(workloads)
    assert all(len(w.members) == len(w.reasons) for w in workloads)


@settings(deadline=None)
@given(st.text())
def test_an_id_is_always_a_plain_one(name: str) -> None:
    assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789-" for c in sanitised(name))
    assert len(sanitised(name)) <= 40
