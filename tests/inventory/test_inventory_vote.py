"""The vote of a merge: what it does not fall for, what it tells, and that no order changes it."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.evidence import evidence_of, votes
from inventory.merge import COMMON, merge, server_of
from pse.core.documents.snapshot import Server, Sighting

UUID = "4c4c4544-0042-3510-8053-b4c04f4e3332"
OTHER = "4c4c4544-0042-3510-8053-b4c04f4e9999"
MAC, MAC2 = "52:54:00:00:00:01", "52:54:00:00:00:02"


def seen(source: str, hostname: str = "a", addresses: Iterable[str] = (), **identity: str) -> Sighting:
    return Sighting(
        source=source,
        seen=datetime(2026, 11, int(identity.pop("day", "1")), tzinfo=UTC),
        identity=identity,
        server=Server(id="", hostname=hostname, addresses=tuple(addresses), sources=(source,)),
    )


def grouped(sightings: Iterable[Sighting]) -> list[tuple[str, ...]]:
    return sorted(tuple(sorted(s.source for s in c.sightings)) for c in merge(sightings)[0])


def codes(sightings: Iterable[Sighting]) -> list[str]:
    return [f.code for f in merge(sightings)[1]]


def test_a_machine_id_and_a_host_key_come_with_a_cloned_disk_and_are_not_two_pieces() -> None:
    image = {"machine_id": "f" * 32, "host_key": "k"}
    assert len(grouped([seen("ssh:a", "a", **image), seen("ssh:b", "b", **image)])) == 2
    assert len(grouped([seen("ssh:a", "a", **image), seen("ssh:b", "a", **image)])) == 1


@pytest.mark.parametrize(
    "nothing",
    [
        {"serial": "To Be Filled By O.E.M."},
        {"serial": "N/A"},
        {"serial": "0000000"},
        {"serial": "System Serial Number"},
        {"uuid": "03000200-0400-0500-0006-000700080009"},
        {"uuid": "ffffffff-ffff-ffff-ffff-ffffffffffff"},
        {"macs": "02:42:ac:11:00:02"},
        {"macs": "00:00:5e:00:01:0a"},
        {"macs": "ee:ee:ee:ee:ee:ee"},
    ],
)
def test_what_is_alike_everywhere_makes_no_two_servers_one(nothing: dict[str, str]) -> None:
    both = {"machine_id": "f" * 32}
    assert len(grouped([seen("ssh:a", "a", **both, **nothing), seen("ssh:b", "a", **both, **nothing)])) == 2
    assert not evidence_of(seen("ssh:a", "", **nothing)).keys() - {"template"}


def test_a_container_bridge_in_common_is_no_agreement_and_no_contradiction() -> None:
    one = seen("ssh:a", "a", ("10.0.0.1", "172.17.0.1"), macs=f"{MAC},02:42:00:00:00:01", machine_id="1" * 32)
    two = seen("ssh:b", "a", ("10.0.0.2", "172.17.0.1"), macs=f"{MAC2},02:42:00:00:00:01", machine_id="2" * 32)
    assert len(grouped([one, two])) == 2
    assert evidence_of(one)["address"] == {"10.0.0.1"}
    bare = seen("list:f#s:2", "a", macs="02:42:00:00:00:09")
    assert "macs" not in evidence_of(bare)


def test_a_serial_that_vmware_makes_of_the_uuid_is_the_uuid() -> None:
    typed = seen("servicenow:f#s:2", "a", serial="VMware-4c 4c 45 44 00 42 35 10-80 53 b4 c0 4f 4e 33 32")
    assert grouped([typed, seen("rvtools:f#vInfo:2", "a", uuid=UUID)]) == [("rvtools:f#vInfo:2", "servicenow:f#s:2")]
    both = {"uuid": UUID, "serial": f"VMware-{UUID}"}
    assert len(grouped([seen("ssh:a", "a", **both), seen("ssh:b", "b", **both)])) == 2


def test_an_export_with_the_firmwares_uuid_meets_one_with_the_hypervisors() -> None:
    rich = seen("rvtools:f#vInfo:2", "a", uuid=UUID, vm_uuid=OTHER)
    assert len(grouped([rich, seen("powercli:g#s:2", "a", uuid=OTHER)])) == 1
    assert len(grouped([rich, seen("ssh:a", "a", uuid=UUID)])) == 1


def test_two_rows_that_one_file_tells_apart_by_their_ids_are_two_machines() -> None:
    rows = [seen(f"rvtools:f.xlsx#vInfo:{n}", "a", uuid=UUID, listed=f"vc/vm-{n}") for n in (2, 3)]
    (finding,) = merge(rows)[1]
    assert len(grouped(rows)) == 2
    assert (finding.code, "the rows of rvtools:f.xlsx" in finding.message) == ("PSE-I010", True)
    later = seen("rvtools:g.xlsx#vInfo:2", "a", uuid=UUID, listed="vc/vm-99")
    assert len(grouped([rows[0], later])) == 1, "a machine that was registered again has another id in another export"


def test_clones_are_one_finding_and_not_one_for_each_two_of_them() -> None:
    clones = [
        seen(f"ssh:h{n}", "golden", machine_id="f" * 32, host_key="k", macs=f"52:54:00:00:01:{n:02x}")
        for n in range(40)
    ]
    clusters, (finding,) = merge(clones)
    assert len(clusters) == len({c.id for c in clusters}) == 40
    assert finding.code == "PSE-I010"
    assert "and 35 more look like one server but differ in macs; all are kept" in finding.message


def test_what_too_many_share_is_left_out_of_the_vote_and_said() -> None:
    crowd = [
        seen(f"ssh:h{n}", f"h{n}", (f"10.0.0.{n}",), machine_id="f" * 32, serial="rack") for n in range(COMMON + 1)
    ]
    twin = seen("list:f#s:2", "h7", ("10.0.0.7",), machine_id="f" * 32, serial="rack")
    clusters, findings = merge([*crowd, twin])
    assert len(clusters) == COMMON + 2
    assert [(f.code, f.subject) for f in findings if f.code == "PSE-I015"] == [
        ("PSE-I015", "machine_id"),
        ("PSE-I015", "serial"),
    ]


def test_one_name_and_one_address_are_said_and_both_are_kept() -> None:
    typed, asked = seen("list:f#s:2", "web01", ("10.0.0.1",)), seen("ssh:web01", "web01", ("10.0.0.1",), host_key="k")
    (finding,) = merge([typed, asked])[1]
    assert len(grouped([typed, asked])) == 2
    assert (finding.code, finding.subject) == ("PSE-I014", "web01")


def test_measured_on_it_before_read_off_a_hypervisor_before_typed() -> None:
    def with_cpus(sighting: Sighting, vcpus: int) -> Sighting:
        return msgspec.structs.replace(sighting, server=msgspec.structs.replace(sighting.server, vcpus=vcpus))

    typed = with_cpus(seen("list:f#s:2", day="9", uuid=UUID), 2)
    old = with_cpus(seen("rvtools:f#vInfo:2", day="3", uuid=UUID), 4)
    new = with_cpus(seen("vsphere:vc#vm-1", day="5", uuid=UUID), 6)
    (cluster,), (finding,) = merge([typed, old, new])
    assert server_of(cluster).vcpus == 6
    assert [s.source for s in cluster.sightings] == ["vsphere:vc#vm-1", "rvtools:f#vInfo:2", "list:f#s:2"]
    assert finding.code == "PSE-I016"
    assert "vsphere:vc#vm-1 is believed: vcpus 6 and not 4 (rvtools:f#vInfo:2); vcpus 6 and not 2" in finding.message
    asked = with_cpus(seen("ssh:a", day="1", uuid=UUID), 8)
    (cluster,), _ = merge([typed, old, new, asked])
    assert server_of(cluster).vcpus == 8


def test_the_evidence_says_which_sighting_joined_by_what() -> None:
    asked = seen("ssh:a", "a", ("10.0.0.1",), macs=MAC)
    export = seen("rvtools:f#vInfo:2", "a", ("10.0.0.1",), macs=MAC, uuid=UUID)
    typed = seen("servicenow:f#s:2", "a", uuid=UUID)
    (cluster,), _ = merge([typed, export, asked])
    assert [(v.one, v.two, v.agree, v.weight) for v in votes(cluster.sightings)] == [
        ("rvtools:f#vInfo:2", "ssh:a", ("macs", "name", "address"), 5),
        ("servicenow:f#s:2", "rvtools:f#vInfo:2", ("uuid", "name"), 4),
    ]


def test_a_clone_that_is_new_does_not_take_the_id_of_one_that_is_known() -> None:
    image = {"machine_id": "f" * 32}
    (known,), _ = merge([seen("ssh:z", "z", macs=MAC, **image)])
    old = known.sightings[0]
    old = msgspec.structs.replace(old, server=msgspec.structs.replace(old.server, id=known.id))
    clusters, _ = merge([seen("ssh:a", "a", macs="52:54:00:00:00:00", **image), old])
    assert {c.sightings[0].source: c.id for c in clusters}["ssh:z"] == known.id
    assert len({c.id for c in clusters}) == 2


PIECES = st.fixed_dictionaries(
    {},
    optional={
        "uuid": st.sampled_from((UUID, OTHER, "44454c4c-4200-1035-8053-b4c04f4e3332")),
        "serial": st.sampled_from(("s1", "s2", "None")),
        "machine_id": st.sampled_from(("1" * 32, "2" * 32)),
        "host_key": st.sampled_from(("k", "l")),
        "macs": st.sampled_from((MAC, MAC2, f"{MAC},{MAC2}", "02:42:00:00:00:01")),
        "listed": st.sampled_from(("vc/1", "vc/2")),
    },
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(("a", "b", "a.example")), st.sampled_from(((), ("10.0.0.1",), ("10.0.0.1", "10.0.0.2"))), PIECES
    ),
    min_size=2,
    max_size=9,
)


@settings(deadline=None, max_examples=300)
@given(ROWS, st.data())
def test_no_order_of_rows_and_sources_changes_who_is_who(
    rows: list[tuple[str, tuple[str, ...], dict[str, str]]], data: st.DataObject
) -> None:
    """Rows change their number with their place, so what is compared is what they say."""
    order = data.draw(st.permutations(range(len(rows))))

    def told(sighting: Sighting) -> str:
        return str((sighting.server.hostname, sighting.server.addresses, sorted(sighting.identity.items())))

    def partition(places: list[int]) -> tuple[list[list[str]], list[str]]:
        made = [
            seen(f"rvtools:f#vInfo:{place}", name, known, **said)
            for place, (name, known, said) in zip(places, rows, strict=True)
        ]
        clusters, findings = merge(made)
        assert sorted(s.source for c in clusters for s in c.sightings) == sorted(s.source for s in made)
        who = [
            sorted(str((s.server.hostname, s.server.addresses, sorted(s.identity.items()))) for s in c.sightings)
            for c in clusters
        ]
        return sorted(who), sorted(f.code for f in findings)

    assert partition(list(range(len(rows)))) == partition(list(order))


@settings(deadline=None)
@given(ROWS, st.data())
def test_no_order_of_sightings_changes_anything(
    rows: list[tuple[str, tuple[str, ...], dict[str, str]]], data: st.DataObject
) -> None:
    made = [seen(f"{kind}#s:{at}", n, a, **said) for at, (n, a, said) in enumerate(rows) for kind in ("list:f",)]
    order = data.draw(st.permutations(made))
    assert merge(order) == merge(made)
