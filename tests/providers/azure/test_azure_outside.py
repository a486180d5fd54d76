"""Routers, public addresses and snapshots, as Azure shows them."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from providers.azure import AzureProvider
from providers.conformance import Rig
from providers.ports import PortError
from pse.core.schema import Listener
from tests.providers.azure.cloud import Cloud, rig_of


@pytest.fixture
def rig(cloud: Cloud, shared: AzureProvider) -> Iterator[Rig]:
    with rig_of(shared) as rig:
        yield rig


def test_router_has_an_address_and_leads_its_subnets_out(rig: Rig, cloud: Cloud) -> None:
    made: Any = rig.make("Router")
    assert made.outputs.address.startswith("203.0.113.")
    assert {aspect.what for aspect in made.outputs.placement} == {"resource", "address"}
    (subnet,) = made.inputs.subnets
    raw = cloud.arm.resources[subnet.lower()]
    # What the subnet has besides is still there.
    assert raw["properties"]["defaultOutboundAccess"] is False
    assert rig.store("Address").list() == ()
    # Somebody leads the subnet elsewhere.
    raw["properties"].pop("natGateway")
    seen: Any = rig.store("Router").read(made.id, made.inputs)
    assert seen.inputs.subnets == ()
    assert rig.store("Router").update(made.id, seen.inputs, made.inputs) == made
    cloud.arm.resources[subnet.lower()]["properties"]["serviceEndpoints"] = [
        {"service": "Microsoft.Storage", "locations": ["westeurope"]}
    ]
    leads: Any = rig.store("Subnet").read(subnet, None)
    assert [aspect.where for aspect in leads.outputs.placement if aspect.source == "unknown"] == [
        "Microsoft.Storage in westeurope"
    ]


def test_address_moves_from_server_to_server_and_a_changed_server_keeps_it(rig: Rig, cloud: Cloud) -> None:
    first: Any = rig.make("Address")
    wanted = rig.changed("Address", first.inputs)
    assert wanted is not None
    store = rig.store("Address")
    assert store.update(first.id, first.inputs, wanted).inputs == wanted
    server: Any = rig.store("Server").read(str(getattr(wanted, "server", "")), None)
    group = msgspec.structs.replace(rig.inputs("Firewall"), network=server.inputs.subnet.rpartition("/subnets/")[0])
    open_server = msgspec.structs.replace(server.inputs, firewalls=(rig.make("Firewall", group).id,))
    rig.store("Server").update(server.id, server.inputs, open_server)
    assert store.read(first.id, wanted) == store.update(first.id, wanted, wanted)
    second = rig.make("Server", msgspec.structs.replace(rig.inputs("Server"), subnet=server.inputs.subnet))
    moved = msgspec.structs.replace(wanted, server=second.id)
    assert store.update(first.id, wanted, moved).inputs == moved
    (listed,) = store.list()
    assert listed.inputs == msgspec.structs.replace(moved, workload="")
    rig.store("Server").update(server.id, open_server, server.inputs)
    rig.store("Server").delete(second.id)
    # A server takes nobody's address with it.
    assert getattr(store.read(first.id, moved), "inputs", None) == first.inputs
    public = next(cloud.arm.of("Microsoft.Network/publicIPAddresses"))
    public["sku"]["tier"] = "Global"
    assert cloud.actions().count("PUT publicIPAddresses") == 2


def test_balancer_passes_on_to_its_servers_and_may_be_public(rig: Rig, cloud: Cloud) -> None:
    server: Any = rig.make("Server")
    web = Listener(protocol="http", port=80, member_port=8080, health_path="/health")
    plain = Listener(protocol="tcp", port=5432, member_port=5432)
    given = msgspec.structs.replace(
        rig.inputs("LoadBalancer"),
        subnets=(server.inputs.subnet,),
        servers=(server.id,),
        listeners=(web, plain),
        public=True,
    )
    made: Any = rig.make("LoadBalancer", given)
    assert made.inputs == given
    assert made.outputs.address.startswith("203.0.113.")
    raw = next(cloud.arm.of("Microsoft.Network/loadBalancers"))["properties"]
    (member,) = raw["backendAddressPools"][0]["properties"]["loadBalancerBackendAddresses"]
    assert member["properties"]["ipAddress"] == server.outputs.address
    assert [probe["properties"].get("requestPath") for probe in raw["probes"]] == ["/health", None]
    assert rig.store("Address").list() == ()
    # Somebody takes the members away.
    raw["backendAddressPools"][0]["properties"]["loadBalancerBackendAddresses"] = []
    seen: Any = rig.store("LoadBalancer").read(made.id, given)
    assert seen.inputs.servers == ()
    assert rig.store("LoadBalancer").update(made.id, seen.inputs, given) == made
    tls = Listener(protocol="https", port=443, member_port=8080)
    with pytest.raises(PortError, match="no TLS"):
        rig.make("LoadBalancer", msgspec.structs.replace(given, listeners=(tls,)))
    rig.store("LoadBalancer").delete(made.id)
    assert "publicIPAddresses" not in cloud.arm.standing()


def test_volume_begins_as_a_snapshot_and_is_seen_whatever_was_on_it(rig: Rig, cloud: Cloud) -> None:
    snapshot: Any = rig.make("Snapshot")
    assert snapshot.outputs.size_gib == 1
    inputs = msgspec.structs.replace(rig.inputs("Volume"), snapshot=snapshot.id, size_gib=3)
    made = rig.make("Volume", inputs)
    assert made.inputs == inputs
    assert rig.store("Volume").read(made.id, None) == msgspec.structs.replace(
        made, inputs=msgspec.structs.replace(inputs, workload="")
    )
    # Azure marks a disk whose snapshot was of a system.
    cloud.arm.resources[made.id.lower()]["properties"]["osType"] = "Linux"
    assert rig.store("Volume").read(made.id, inputs) == made
    with pytest.raises(PortError) as caught:
        rig.make("Volume", msgspec.structs.replace(inputs, snapshot="suite-no-such"))
    assert caught.value.reason == "not-found"
    raw = cloud.arm.resources[snapshot.id.lower()]
    raw["sku"], raw["properties"]["completionPercent"] = {"name": "Standard_ZRS"}, 40.0
    seen: Any = rig.store("Snapshot").read(snapshot.id, snapshot.inputs)
    assert seen.reasons == ("it is not copied yet",)
    assert [aspect.where for aspect in seen.outputs.placement if aspect.source == "unknown"] == ["Standard_ZRS"]
    raw["properties"]["completionPercent"] = 100.0
