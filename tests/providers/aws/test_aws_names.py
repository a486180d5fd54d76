"""Zones and records at Route 53: a place of its own, a change done as a whole, and strangers left alone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.aws.worldwide import Route53Provider
from providers.conformance import Rig
from providers.ports import Made, PortError, Target
from pse.core.schema import DnsRecordInputs, DnsZoneOutputs
from tests.fakes import hostile
from tests.providers.aws.cloud import WORLD, Cloud, world_rig


@pytest.fixture
def cloud(swept: Cloud) -> Cloud:
    return swept


@pytest.fixture
def rig(world: Route53Provider, cloud: Cloud) -> Iterator[Rig]:
    with world_rig(cloud, world) as rig:
        yield rig


def record(rig: Rig, **given: Any) -> DnsRecordInputs:
    inputs = rig.inputs("DnsRecord")
    assert isinstance(inputs, DnsRecordInputs)
    return msgspec.structs.replace(inputs, **given)


def refused(act: Callable[[], object]) -> PortError:
    with pytest.raises(PortError) as caught:
        act()
    return caught.value


def sets(cloud: Cloud, zone: str) -> dict[tuple[str, str], list[str]]:
    """What the zone holds besides what every zone has, straight from the server."""
    found = cloud.client(service="route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {
        (raw["Name"], raw["Type"]): [value["Value"] for value in raw.get("ResourceRecords", ())]
        for raw in found
        if raw["Type"] not in {"NS", "SOA"}
    }


def put(cloud: Cloud, zone: str, action: str, name: str, value: str, kind: str = "A", ttl: int = 300) -> None:
    """A stranger's change."""
    raw = {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]}
    cloud.client(service="route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": raw}]}
    )


def test_zone_is_public_and_tells_who_answers_for_it(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("DnsZone")
    assert isinstance(made.outputs, DnsZoneOutputs)
    assert len(made.outputs.name_servers) == 4
    raw = cloud.client(service="route53").get_hosted_zone(Id=made.id)["HostedZone"]
    assert not raw["Config"]["PrivateZone"]


@pytest.mark.parametrize("kind", ["DnsZone", "DnsRecord"])
def test_lost_answer_makes_nothing_twice(rig: Rig, cloud: Cloud, kind: str) -> None:
    inputs, identity = rig.inputs(kind), rig.identity()
    call = {"DnsZone": "CreateHostedZone", "DnsRecord": "ChangeResourceRecordSets"}[kind]
    cut = cloud.proxy.plant(hostile.cut_after, when=call)
    assert refused(lambda: rig.make(kind, inputs, identity)).reason == "transient"
    made = rig.make(kind, inputs, identity)
    assert cut.hits == 1
    assert [found.id for found in rig.store(kind).list()] == [made.id]


def test_change_is_waited_for_until_all_name_servers_have_it(rig: Rig, cloud: Cloud) -> None:
    pending = cloud.proxy.plant(hostile.replace("INSYNC", "PENDING"), when="GetChange", times=2)
    assert rig.make("DnsRecord").healthy
    assert pending.hits == 2


def test_record_of_a_stranger_is_neither_overwritten_nor_deleted(rig: Rig, cloud: Cloud) -> None:
    wanted = record(rig)
    name = f"www.{domain(rig, wanted.zone)}."
    put(cloud, wanted.zone, "CREATE", name, "198.51.100.7")
    assert refused(lambda: rig.make("DnsRecord", wanted)).reason == "conflict"
    (stranger,) = rig.store("DnsRecord").list()
    assert (stranger.identity, stranger.inputs.name) == (None, "")
    assert refused(lambda: rig.store("DnsRecord").delete(stranger.id)).reason == "conflict"
    assert "stranger" in refused(lambda: rig.store("DnsRecord").update(stranger.id, stranger.inputs, wanted)).message
    assert sets(cloud, wanted.zone) == {(name, "A"): ["198.51.100.7"]}
    put(cloud, wanted.zone, "DELETE", name, "198.51.100.7")


def test_what_changed_since_it_was_seen_is_not_overwritten(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("DnsRecord")
    zone, _, name = made.id.split("|")

    def faster(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
        put(cloud, zone, "UPSERT", f"{name}.", "198.51.100.7")
        return forward(request)

    wanted = rig.changed("DnsRecord", made.inputs)
    assert wanted is not None
    cloud.proxy.plant(faster, when="ChangeResourceRecordSets")
    refused(lambda: rig.store("DnsRecord").update(made.id, made.inputs, wanted))
    assert sets(cloud, zone)[f"{name}.", "A"] == ["198.51.100.7"]
    # The next run sees what there is, and brings it to what is wanted.
    assert rig.store("DnsRecord").update(made.id, made.inputs, wanted).inputs == wanted


def test_mark_without_its_record_is_taken_over(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("DnsRecord")
    zone, _, name = made.id.split("|")
    put(cloud, zone, "DELETE", f"{name}.", "192.0.2.1")
    assert rig.store("DnsRecord").read(made.id, made.inputs) is None
    again = rig.make("DnsRecord", made.inputs)
    assert again.id == made.id
    assert again.identity != made.identity


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
    seen = rig.store("DnsRecord").read(made.id, made.inputs)
    assert seen == made
    listed = rig.store("DnsRecord").list()
    assert [(found.id, found.identity) for found in listed] == [(made.id, made.identity)]
    assert set(getattr(listed[0].inputs, "values", ())) == set(values)


def test_alias_beside_another_record_is_a_conflict(rig: Rig) -> None:
    made = rig.make("DnsRecord")
    beside = msgspec.structs.replace(made.inputs, type="CNAME", values=("www.example.",))
    assert refused(lambda: rig.make("DnsRecord", beside)).reason == "conflict"


def test_what_aws_answers_for_itself_is_a_strangers_and_is_told(rig: Rig, cloud: Cloud) -> None:
    zone = rig.make("DnsZone")
    name = f"site.{domain(rig, zone.id)}."
    target = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "sample.example.", "EvaluateTargetHealth": False}
    batch = {"Name": name, "Type": "A", "AliasTarget": target}
    route53 = cloud.client(service="route53")
    for action in ("CREATE", "DELETE"):
        route53.change_resource_record_sets(
            HostedZoneId=zone.id, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": batch}]}
        )
        told = [getattr(found.inputs, "values", ()) for found in rig.store("DnsRecord").list()]
        assert told == ([("alias of sample.example.",)] if action == "CREATE" else [])


def test_zone_with_records_stays(rig: Rig) -> None:
    made = rig.make("DnsRecord")
    zone = str(getattr(made.inputs, "zone", ""))
    assert refused(lambda: rig.store("DnsZone").delete(zone)).reason == "in-use"
    assert rig.store("DnsZone").read(zone, None) is not None


def test_all_pages_are_read(rig: Rig, cloud: Cloud) -> None:
    def one(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
        path = re.sub(r"[?&]maxitems=\d+", "", request.path)
        path += ("&" if "?" in path else "?") + "maxitems=1"
        return forward(hostile.Request(request.method, path, request.headers, request.body))

    first = rig.make("DnsRecord")
    second = rig.make("DnsRecord", msgspec.structs.replace(first.inputs, label="two"))
    rig.make("DnsZone")
    cloud.proxy.plant(one, when="List.*", times=1000)
    assert {found.id for found in rig.store("DnsRecord").list()} == {first.id, second.id}
    assert len(rig.store("DnsZone").list()) == 2


def test_clone_of_a_zone_is_another_object(rig: Rig) -> None:
    # Route 53 has any number of zones of one domain; which one counts is the parent zone's word.
    first = rig.make("DnsZone")
    second = rig.make("DnsZone", first.inputs)
    assert first.id != second.id
    assert {found.id for found in rig.store("DnsZone").list()} == {first.id, second.id}


def test_endpoint_of_another_service_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    target = Target(place=WORLD, country="XA", endpoint="https://ec2.me-south-1.amazonaws.com", workspace=tmp_path)
    error = refused(lambda: Route53Provider(target).store("DnsZone").list())
    assert (error.reason, error.where) == ("invalid", WORLD)


def test_zone_of_a_region_makes_no_names_and_says_who_does() -> None:
    assert "DnsZone" not in AwsProvider.kinds
    assert "provider route53" in AwsProvider.lacks["DnsZone"]


def domain(rig: Rig, zone: str) -> str:
    found: Made | None = rig.store("DnsZone").read(zone, None)
    assert found is not None
    return str(getattr(found.inputs, "domain", ""))
