"""Ways out and in and copies, against the SDK's own clients."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.azure.cloud import GROUP, LOCATION
from tests.fakes.azure.sdk import Clients, HttpResponseError, code_of


def test_ways_out_and_in_hold_each_other(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    arm.machine()
    given = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    publics = arm.network.public_ip_addresses
    one, two = (publics.begin_create_or_update(GROUP, name, given).result() for name in ("one", "two"))
    gateway = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {"publicIpAddresses": [{"id": one.id}]}}
    nat = arm.network.nat_gateways.begin_create_or_update(GROUP, "nat", gateway).result()
    out = {"properties": {"addressPrefix": "10.0.1.0/24", "natGateway": {"id": nat.id}}}
    subnet = arm.network.subnets.begin_create_or_update(GROUP, "net", "sub", out).result()
    (nic,) = arm.network.network_interfaces.list(GROUP)
    ip = {"name": "ip", "properties": {"subnet": {"id": subnet.id}, "publicIPAddress": {"id": two.id}}}
    facing = {"location": LOCATION, "properties": {"ipConfigurations": [ip]}}
    arm.network.network_interfaces.begin_create_or_update(GROUP, nic.name, facing).result()
    assert publics.get(GROUP, "two").as_dict()["properties"]["ipConfiguration"]["id"].startswith(nic.id)
    assert arm.network.nat_gateways.get(GROUP, "nat").as_dict()["properties"]["subnets"] == [{"id": subnet.id}]
    taken = {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {"publicIpAddresses": [{"id": two.id}]}}
    acts: dict[str, tuple[Callable[[], Any], ...]] = {
        "PublicIPAddressCannotBeDeleted": (
            lambda: publics.begin_delete(GROUP, "one"),
            lambda: publics.begin_delete(GROUP, "two"),
        ),
        "InUseNatGatewayCannotBeDeleted": (lambda: arm.network.nat_gateways.begin_delete(GROUP, "nat"),),
        "PublicIPAddressInUse": (lambda: arm.network.nat_gateways.begin_create_or_update(GROUP, "other", taken),),
        "PublicIPAndSkuNotSupported": (
            lambda: publics.begin_create_or_update(GROUP, "three", {"location": LOCATION, "sku": {"name": "Standard"}}),
        ),
    }  # fmt: skip
    for code, calls in acts.items():
        for act in calls:
            with pytest.raises(HttpResponseError) as caught:
                act()
            assert code_of(caught) == code


def test_snapshot_outlives_its_disk_and_begins_another(arm: Clients) -> None:
    disk = arm.disk("disk", 8)
    data = {"createOption": "Copy", "sourceResourceId": disk.id}
    body = {"location": LOCATION, "sku": {"name": "Standard_LRS"}, "properties": {"creationData": data}}
    snapshots = arm.compute.snapshots
    made = snapshots.begin_create_or_update(GROUP, "snap", body).result()
    assert made.as_dict()["properties"]["diskSizeGB"] == 8
    arm.compute.disks.begin_delete(GROUP, "disk").result()
    copy = {"creationData": {"createOption": "Copy", "sourceResourceId": made.id}}
    arm.disk("copy", properties={**copy, "diskSizeGB": 16})
    for code, source in (
        ("InvalidParameter", {**copy, "diskSizeGB": 4}),
        ("InvalidResourceReference", {"creationData": data}),
    ):
        with pytest.raises(HttpResponseError) as caught:
            arm.disk("no", properties=source) if code == "InvalidParameter" else snapshots.begin_create_or_update(
                GROUP, "no", {**body, "properties": source}
            )
        assert code_of(caught) == code


def test_balancer_is_whole_in_one_put_and_holds_its_subnet(arm: Clients) -> None:
    net = arm.net("net", ("sub", "10.0.1.0/24"))
    base = f"{net.id.rpartition('/virtualNetworks')[0]}/loadBalancers/lb"
    subnet = f"{net.id}/subnets/sub"
    member = {"name": "one", "properties": {"ipAddress": "10.0.1.9", "virtualNetwork": {"id": net.id}}}

    def balancer(*ports: int, probe: str = "p") -> dict[str, Any]:
        rules = [
            {
                "name": f"rule-{number}",
                "properties": {
                    "frontendIPConfiguration": {"id": f"{base}/frontendIPConfigurations/f"},
                    "backendAddressPool": {"id": f"{base}/backendAddressPools/b"},
                    "probe": {"id": f"{base}/probes/{probe}"},
                    "protocol": "Tcp",
                    "frontendPort": port,
                },
            }
            for number, port in enumerate(ports)
        ]
        return {
            "location": LOCATION,
            "sku": {"name": "Standard"},
            "properties": {
                "frontendIPConfigurations": [{"name": "f", "properties": {"subnet": {"id": subnet}}}],
                "backendAddressPools": [{"name": "b", "properties": {"loadBalancerBackendAddresses": [member]}}],
                "probes": [{"name": "p", "properties": {"protocol": "Tcp", "port": 80}}],
                "loadBalancingRules": rules,
            },
        }

    balancers = arm.network.load_balancers
    for code, body in (
        ("InvalidResourceReference", balancer(80, probe="other")),
        ("RulesUseSameFrontendPortProtocolAndIPConfig", balancer(80, 80)),
        ("LoadBalancerSkuNotSupported", {**balancer(80), "sku": {"name": "Basic"}}),
    ):
        with pytest.raises(HttpResponseError) as caught:
            balancers.begin_create_or_update(GROUP, "lb", body)
        assert code_of(caught) == code
    first = balancers.begin_create_or_update(GROUP, "lb", balancer(80)).result().as_dict()
    again = balancers.begin_create_or_update(GROUP, "lb", balancer(80, 443)).result().as_dict()
    address = [
        one["properties"]["frontendIPConfigurations"][0]["properties"]["privateIPAddress"] for one in (first, again)
    ]
    assert address == ["10.0.1.4", "10.0.1.4"]
    with pytest.raises(HttpResponseError) as caught:
        arm.network.subnets.begin_delete(GROUP, "net", "sub")
    assert code_of(caught) == "InUseSubnetCannotBeDeleted"
