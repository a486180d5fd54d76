"""Zones and records at Cloud DNS: a place of its own, a change done as a whole, and strangers left alone."""

from collections.abc import Callable, Iterator

import pytest

from providers.conformance import Rig
from providers.google import GoogleProvider
from pse.core.schema import DnsZoneOutputs
from tests.fakes import hostile
from tests.providers.google.cloud import PROJECT, Cloud, call_of, world_rig
from tests.providers.names import NamesTests

ZONES = f"projects/{PROJECT}/managedZones"


@pytest.fixture
def rig(cloud: Cloud) -> Iterator[Rig]:
    with world_rig(cloud) as rig:
        yield rig


class Strangers:
    """See `tests.providers.names.Outside`."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def put(self, zone: str, name: str, value: str) -> None:
        world = self._cloud.fake.world
        path = f"{ZONES}/{zone}/rrsets/{name}. A"
        if value:
            world.at[path] = {"name": f"{name}.", "type": "A", "ttl": 300, "rrdatas": [value]}
        else:
            world.drop(path)

    def sets(self, zone: str) -> dict[tuple[str, str], list[str]]:
        return {
            (raw["name"].rstrip("."), raw["type"]): raw["rrdatas"]
            for _, raw in self._cloud.fake.world.below(f"{ZONES}/{zone}/rrsets")
            if raw["type"] not in {"NS", "SOA"}
        }

    def lose(self, kind: str) -> Callable[[], int]:
        call = {"DnsZone": "managedZones.create", "DnsRecord": "changes.create"}[kind]
        cut = self._cloud.proxy.plant(hostile.cut_after, when=lambda request: call_of(request) == call)
        return lambda: cut.hits

    def before(self, act: Callable[[], object]) -> None:
        def first(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
            act()
            return forward(request)

        self._cloud.proxy.plant(first, when=lambda request: call_of(request) == "changes.create")

    def late(self) -> Callable[[], int]:
        self._cloud.fake.world.delay_s = 0.5
        return lambda: self._cloud.fake.calls.count("changes.get")


@pytest.fixture
def outside(cloud: Cloud) -> Strangers:
    return Strangers(cloud)


class TestCloudDnsNames(NamesTests):
    def test_zone_is_public_and_tells_who_answers_for_it(self, rig: Rig, cloud: Cloud) -> None:
        made = rig.make("DnsZone")
        assert isinstance(made.outputs, DnsZoneOutputs)
        assert len(made.outputs.name_servers) == 4
        assert cloud.raw("managedZones", made.id)["visibility"] == "public"

    def test_logs_of_queries_are_an_aspect_that_nobody_knows(self, rig: Rig, cloud: Cloud) -> None:
        made = rig.make("DnsZone")
        cloud.raw("managedZones", made.id)["cloudLoggingConfig"] = {"enableLogging": True}
        seen = rig.store("DnsZone").read(made.id, made.inputs)
        assert seen is not None
        assert [(aspect.what, aspect.source) for aspect in seen.outputs.placement][1:] == [("log", "unknown")]


def test_zone_of_a_region_makes_no_names_and_says_who_does() -> None:
    assert "DnsZone" not in GoogleProvider.kinds
    assert "provider clouddns" in GoogleProvider.lacks["DnsZone"]
