"""Discovery of the running sample ministry: real hosts that talk to each other."""

import pytest

import inventory
from inventory.discovery import Discovery
from pse.core.settings import Workspace


@pytest.fixture(scope="module")
def found(ministry: Workspace) -> Discovery:
    return inventory.discover(ministry, accept_new=True)


def test_every_host_is_read_whole(found: Discovery) -> None:
    assert {(r.host, r.status) for r in found.hosts} == {
        (name, "ok") for name in ("portal", "payments", "records", "opendata", "learning", "legacy")
    }, [r for r in found.hosts if r.status != "ok"]
    assert len(found.estate.servers) == 6


def test_the_servers_show_the_hardware_that_they_declare(found: Discovery) -> None:
    for server in found.estate.servers:
        assert server.vcpus
        assert server.memory_mib
        assert [d for d in found.estate.disks if d.server == server.id]
        assert len(server.addresses) == 1


def test_flows_are_seen_at_both_ends_and_databases_bind(found: Discovery) -> None:
    names = {s.id: s.hostname for s in found.estate.servers}
    seen = {(names.get(f.client), names.get(f.server), f.service, f.binds) for f in found.estate.flows}
    assert ("portal", "payments", "postgresql", True) in seen
    assert ("learning", "opendata", "http", False) in seen
    assert not [f for f in found.estate.flows if f.service == "ssh"]


def test_the_expected_workloads_are_proposed(found: Discovery) -> None:
    names = {s.id: s.hostname for s in found.estate.servers}
    assert {w.id: {names[m] for m in w.members} for w in found.estate.workloads} == {
        "portal": {"portal", "payments"},
        "records": {"records"},
        "opendata": {"opendata"},
        "learning": {"learning"},
        "legacy": {"legacy"},
    }


def test_the_database_is_known_with_its_size(found: Discovery) -> None:
    (database,) = [d for d in found.estate.databases if d.engine == "postgresql"]
    assert (database.name, database.port) == ("payments", 5432)
    assert database.size_mib
    assert database.version.startswith("15")


def test_the_legacy_host_says_why_it_stays(found: Discovery) -> None:
    blocked = {s.hostname: s.blockers for s in found.estate.servers if s.blockers}
    assert set(blocked) == {"legacy"}
    assert {"PSE-I101", "PSE-I102"} <= set(blocked["legacy"])
    reasons = [f for f in found.estate.manifest.findings if f.code in blocked["legacy"]]
    assert all(f.message and f.remedy for f in reasons)


def test_asking_again_gives_the_same_snapshot(found: Discovery, ministry: Workspace) -> None:
    again = inventory.discover(ministry).estate
    assert again.servers == found.estate.servers
    assert again.flows == found.estate.flows
    assert again.workloads == found.estate.workloads
