"""Zones and records at Route 53: a place of its own, a change done as a whole, and strangers left alone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.aws.worldwide import Route53Provider
from providers.conformance import Rig
from providers.ports import Target
from pse.core.schema import DnsZoneOutputs
from tests.fakes import hostile
from tests.providers.aws.cloud import WORLD, Cloud, world_rig
from tests.providers.names import NamesTests, domain, refused


@pytest.fixture
def cloud(swept: Cloud) -> Cloud:
    return swept


@pytest.fixture
def rig(world: Route53Provider, cloud: Cloud) -> Iterator[Rig]:
    with world_rig(cloud, world) as rig:
        yield rig


class Strangers:
    """See `tests.providers.names.Outside`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def put(self, zone: str, name: str, value: str) -> None:
        values = self.sets(zone).get((name, "A"), [])
        raw = {"Name": f"{name}.", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": value or values[0]}]}
        change = {"Action": "UPSERT" if value else "DELETE", "ResourceRecordSet": raw}
        self._cloud.client(service="route53").change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [change]}
        )

    def sets(self, zone: str) -> dict[tuple[str, str], list[str]]:
        route53 = self._cloud.client(service="route53")
        return {
            (raw["Name"].rstrip("."), raw["Type"]): [value["Value"] for value in raw.get("ResourceRecords", ())]
            for raw in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
            if raw["Type"] not in {"NS", "SOA"}
        }

    def lose(self, kind: str) -> Callable[[], int]:
        call = {"DnsZone": "CreateHostedZone", "DnsRecord": "ChangeResourceRecordSets"}[kind]
        cut = self._cloud.proxy.plant(hostile.cut_after, when=call)
        return lambda: cut.hits

    def before(self, act: Callable[[], object]) -> None:
        def first(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
            act()
            return forward(request)

        self._cloud.proxy.plant(first, when="ChangeResourceRecordSets")

    def late(self) -> Callable[[], int]:
        pending = self._cloud.proxy.plant(hostile.replace("INSYNC", "PENDING"), when="GetChange", times=2)
        return lambda: pending.hits


@pytest.fixture
def outside(cloud: Cloud) -> Strangers:
    return Strangers(cloud)


class TestRoute53Names(NamesTests):
    def test_zone_is_public_and_tells_who_answers_for_it(self, rig: Rig, cloud: Cloud) -> None:
        made = rig.make("DnsZone")
        assert isinstance(made.outputs, DnsZoneOutputs)
        assert len(made.outputs.name_servers) == 4
        raw = cloud.client(service="route53").get_hosted_zone(Id=made.id)["HostedZone"]
        assert not raw["Config"]["PrivateZone"]

    def test_what_aws_answers_for_itself_is_a_strangers_and_is_told(self, rig: Rig, cloud: Cloud) -> None:
        zone = rig.make("DnsZone")
        target = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "sample.example.", "EvaluateTargetHealth": False}
        batch = {"Name": f"site.{domain(rig, zone.id)}.", "Type": "A", "AliasTarget": target}
        route53 = cloud.client(service="route53")
        for action in ("CREATE", "DELETE"):
            route53.change_resource_record_sets(
                HostedZoneId=zone.id, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": batch}]}
            )
            told = [getattr(found.inputs, "values", ()) for found in rig.store("DnsRecord").list()]
            assert told == ([("alias of sample.example.",)] if action == "CREATE" else [])

    def test_all_pages_are_read(self, rig: Rig, cloud: Cloud) -> None:
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


def test_endpoint_of_another_service_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    target = Target(place=WORLD, country="XA", endpoint="https://ec2.me-south-1.amazonaws.com", workspace=tmp_path)
    error = refused(lambda: Route53Provider(target).store("DnsZone").list())
    assert (error.reason, error.where) == ("invalid", WORLD)


def test_zone_of_a_region_makes_no_names_and_says_who_does() -> None:
    assert "DnsZone" not in AwsProvider.kinds
    assert "provider route53" in AwsProvider.lacks["DnsZone"]
