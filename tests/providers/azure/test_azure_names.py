"""Zones and records at Azure DNS: a place of its own, no lost change, and strangers left alone."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from providers.azure import AzureProvider
from providers.azure.worldwide import AzureDnsProvider
from providers.conformance import Rig
from pse.core.schema import DnsRecordInputs
from tests.fakes import hostile
from tests.fakes.azure.cloud import GROUP, SUBSCRIPTION
from tests.providers.azure.cloud import Cloud, world_rig
from tests.providers.names import refused

ZONES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Network/dnszones"


@pytest.fixture
def rig(cloud: Cloud, world: AzureDnsProvider) -> Iterator[Rig]:
    with world_rig(cloud, world) as rig:
        yield rig


def record(rig: Rig, **given: Any) -> DnsRecordInputs:
    inputs = rig.inputs("DnsRecord")
    assert isinstance(inputs, DnsRecordInputs)
    return msgspec.structs.replace(inputs, **given)


def put(cloud: Cloud, zone: str, label: str = "www", kind: str = "A", **values: Any) -> dict[str, Any]:
    """A record set of somebody else's."""
    path = f"{zone}/{kind}/{label}"
    given = values or {"ARecords": [{"ipv4Address": "198.51.100.7"}]}
    raw = {"id": path, "name": label, "type": f"Microsoft.Network/dnszones/{kind}", "etag": "theirs"}
    cloud.arm.resources[path.lower()] = {**raw, "properties": {"TTL": 60, **given}}
    return cloud.arm.resources[path.lower()]


def sweep(cloud: Cloud, zone: str) -> None:
    """Take away all records that are not the zone's own."""
    for key in [key for key in cloud.arm.resources if key.startswith(f"{zone.lower()}/") and not key.endswith("@")]:
        del cloud.arm.resources[key]


def test_zone_is_public_and_tells_who_answers_for_it(rig: Rig, cloud: Cloud) -> None:
    made: Any = rig.make("DnsZone")
    assert made.id == f"{ZONES}/{made.inputs.domain}"
    assert made.outputs.name_servers[0] == "ns1-09.azure-dns.example"
    assert cloud.arm.resources[made.id.lower()]["location"] == "global"
    assert rig.store("DnsRecord").list() == ()


@pytest.mark.parametrize("kind", ["DnsZone", "DnsRecord"])
def test_lost_answer_makes_nothing_twice(rig: Rig, cloud: Cloud, kind: str) -> None:
    inputs, identity = rig.inputs(kind), rig.identity()
    cut = cloud.plant(hostile.cut_after, {"DnsZone": "PUT dnsZones", "DnsRecord": "PUT dnsZones/A"}[kind])
    assert refused(lambda: rig.make(kind, inputs, identity)).reason == "transient"
    made = rig.make(kind, inputs, identity)
    assert (cut.hits, made.identity) == (1, identity)
    assert [found.id for found in rig.store(kind).list()] == [made.id]


def test_zone_of_a_stranger_is_a_conflict_and_one_with_records_stays(rig: Rig, cloud: Cloud) -> None:
    made: Any = rig.make("DnsZone")
    assert refused(lambda: rig.make("DnsZone", made.inputs)).reason == "conflict"
    put(cloud, made.id)
    error = refused(lambda: rig.store("DnsZone").delete(made.id))
    assert (error.reason, error.vendor_code) == ("in-use", "ZoneNotEmpty")
    sweep(cloud, made.id)


def test_record_of_a_stranger_is_neither_overwritten_nor_deleted(rig: Rig, cloud: Cloud) -> None:
    wanted = record(rig)
    raw = put(cloud, wanted.zone)
    before = dict(raw)
    assert refused(lambda: rig.make("DnsRecord", wanted)).reason == "conflict"
    (stranger,) = rig.store("DnsRecord").list()
    assert (stranger.identity, stranger.inputs.name) == (None, "")
    assert refused(lambda: rig.store("DnsRecord").delete(stranger.id)).reason == "conflict"
    assert "stranger" in refused(lambda: rig.store("DnsRecord").update(stranger.id, stranger.inputs, wanted)).message
    assert cloud.arm.resources[raw["id"].lower()] == before
    sweep(cloud, wanted.zone)


def test_what_changed_since_it_was_seen_is_not_overwritten(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("DnsRecord")
    raw = cloud.arm.resources[f"{made.id.split('|')[0]}/A/www".lower()]
    theirs = [{"ipv4Address": "198.51.100.7"}]

    def faster(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
        raw["properties"]["ARecords"], raw["etag"] = theirs, "another"
        return forward(request)

    wanted = rig.changed("DnsRecord", made.inputs)
    assert wanted is not None
    cloud.plant(faster, "PUT dnsZones/A")
    refused(lambda: rig.store("DnsRecord").update(made.id, made.inputs, wanted))
    raw["etag"] = "seen"
    cloud.plant(faster, "DELETE dnsZones/A")
    refused(lambda: rig.store("DnsRecord").delete(made.id))
    assert raw["properties"]["ARecords"] == theirs
    # The next run sees what there is, and brings it to what is wanted.
    assert rig.store("DnsRecord").update(made.id, made.inputs, wanted).inputs == wanted


@pytest.mark.parametrize(
    ("label", "kind", "values"),
    [
        ("*", "A", ("192.0.2.9",)),
        ("@", "MX", ("10 mail.example.", "20 other.example.")),
        ("@", "TXT", ('"v=spf1 -all"', '"two" "strings"')),
        ("six", "AAAA", ("2001:db8::1",)),
        ("alias", "CNAME", ("www.example.",)),
    ],
)
def test_every_type_comes_back_as_it_was_given(rig: Rig, label: str, kind: str, values: tuple[str, ...]) -> None:
    made = rig.make("DnsRecord", record(rig, label=label, type=kind, values=values))
    assert rig.store("DnsRecord").read(made.id, made.inputs) == made
    (listed,) = rig.store("DnsRecord").list()
    assert (listed.id, listed.identity) == (made.id, made.identity)
    assert set(getattr(listed.inputs, "values", ())) == set(values)


def test_what_is_not_made_here_is_told(rig: Rig, cloud: Cloud) -> None:
    zone = rig.make("DnsZone").id
    put(cloud, zone, "alias", targetResource={"id": "/somewhere"})
    put(cloud, zone, "_sip._tcp", "SRV", SRVRecords=[{"priority": 1, "weight": 2, "port": 3, "target": "a."}])
    put(cloud, zone, "below", "NS", NSRecords=[{"nsdname": "ns.example."}])
    told = {getattr(found.inputs, "values", ()) for found in rig.store("DnsRecord").list()}
    assert told == {("alias of /somewhere",), ("1 2 3 a.",), ("ns.example.",)}
    sweep(cloud, zone)


def test_text_that_is_not_utf_8_is_refused(rig: Rig) -> None:
    inputs = record(rig, type="TXT", values=('"\\255"',))
    assert refused(lambda: rig.make("DnsRecord", inputs)).reason == "invalid"


def test_alias_beside_another_record_is_refused(rig: Rig) -> None:
    made = rig.make("DnsRecord")
    beside = msgspec.structs.replace(made.inputs, type="CNAME", values=("www.example.",))
    assert refused(lambda: rig.make("DnsRecord", beside)).reason == "invalid"


def test_all_pages_are_read(rig: Rig, cloud: Cloud) -> None:
    first = rig.make("DnsRecord")
    second = rig.make("DnsRecord", msgspec.structs.replace(first.inputs, label="two"))
    rig.make("DnsZone")
    cloud.arm.page = 1
    assert {found.id for found in rig.store("DnsRecord").list()} == {first.id, second.id}
    assert len(rig.store("DnsZone").list()) == 2


def test_place_of_a_location_makes_no_names_and_says_who_does() -> None:
    assert "DnsZone" not in AzureProvider.kinds
    assert "provider azuredns" in AzureProvider.lacks["DnsZone"]
