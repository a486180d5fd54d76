"""kill -9 of plugin and engine at the calls that make and delete names: nothing twice, nothing lost, nothing left."""

import pytest

from pse.core.errors import PseError
from tests.providers.google.cloud import PROJECT, Cloud, call_of
from tests.providers.house import UNIT, House, inputs, networks
from tests.providers.kills import survive

CREATES = ("managedZones.create", "changes.create")
DELETES = ("changes.create", "managedZones.delete")


@pytest.fixture
def house(cloud: Cloud, engine_house: House) -> House:
    """The workspace whose first place is Cloud DNS."""
    engine_house.move("clouddns", cloud.proxy.url, {"project": PROJECT, "wait_s": "20"})
    return engine_house


def program() -> None:
    """A zone and a record in it."""
    from providers import sdk

    zone = sdk.DnsZone("zone", **inputs("zone", domain="ministry.example"))
    sdk.DnsRecord("www", **inputs("www", zone=zone.id, label="www", type="A", values=["192.0.2.1"]))


@pytest.mark.timeout(900)
# The engine that is killed cannot end the stream of its events.
@pytest.mark.filterwarnings("ignore:Error in event stream")
def test_kill_at_each_call_leaves_one_of_each_and_then_nothing(house: House, cloud: Cloud) -> None:
    with pytest.raises(PseError, match="Cloud DNS has names and nothing else"):
        house.up(networks("net"))
    assert survive(house.root, [cloud.proxy], lambda: house.up(program), CREATES, name_of=call_of) == len(CREATES)
    (zone,) = cloud.standing()["managedZones"]
    sets = {
        raw["name"]: raw["rrdatas"]
        for _, raw in cloud.fake.world.below(f"projects/{PROJECT}/managedZones/{zone}/rrsets")
    }
    assert sets["www.ministry.example."] == ["192.0.2.1"]
    assert {str(entry["id"]) for entry in house.export()} == {zone, f"{zone}|A|www.ministry.example"}
    assert survive(house.root, [cloud.proxy], lambda: house.engine.destroy(UNIT), DELETES, name_of=call_of) == len(
        DELETES
    )
    assert cloud.standing() == {}
