"""The fake of ARM against the SDK's own clients."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.azure.cloud import GROUP, LOCATION
from tests.fakes.azure.compute import HOST_KEY
from tests.fakes.azure.errors import ArmError
from tests.fakes.azure.sdk import BASE, Clients, HttpResponseError, MatchConditions, code_of


def test_machine_lives_and_takes_with_it_what_it_should(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    machine = arm.machine().as_dict()
    assert machine["properties"]["provisioningState"] == "Succeeded"
    assert "customData" not in machine["properties"]["osProfile"]
    assert machine["properties"]["storageProfile"]["imageReference"]["exactVersion"] == "0.20260501.1"
    (nic,) = arm.network.network_interfaces.list(GROUP)
    assert nic.as_dict()["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] == "10.0.1.4"
    assert nic.as_dict()["tags"] == {"a": "b"}
    disk = arm.disk()
    attach = {"dataDisksToAttach": [{"diskId": disk.id}]}
    arm.compute.virtual_machines.begin_attach_detach_data_disks(GROUP, "vm", attach).result()
    machines = arm.compute.virtual_machines
    said = machines.begin_run_command(GROUP, "vm", {"commandId": "RunShellScript", "script": ["x"]}).result()
    assert HOST_KEY in said.as_dict()["value"][0]["message"]
    machines.begin_deallocate(GROUP, "vm").result()
    machines.begin_update(GROUP, "vm", {"properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}}}).result()
    machines.begin_start(GROUP, "vm").result()
    live = machines.get(GROUP, "vm", expand="instanceView").as_dict()["properties"]
    assert live["hardwareProfile"]["vmSize"] == "Standard_D4s_v5"
    assert live["instanceView"]["statuses"][1]["code"] == "PowerState/running"
    machines.begin_delete(GROUP, "vm").result()
    # The data disk is let go, and what belongs to the machine is gone.
    assert arm.cloud.standing() == {"virtualNetworks": ["net"], "subnets": ["sub"], "disks": ["disk"]}


def test_image_has_versions(arm: Clients) -> None:
    listed = arm.compute.virtual_machine_images.list(LOCATION, "Debian", "debian-12", "12-gen2")
    assert [version.name for version in listed] == ["0.20260101.1", "0.20260501.1"]
    with pytest.raises(HttpResponseError) as caught:
        arm.compute.virtual_machine_images.list(LOCATION, "Debian", "debian-12", "13")
    assert code_of(caught) == "NotFound"


def test_machine_leaves_what_has_no_delete_option(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    arm.machine(keep="Detach")
    arm.compute.virtual_machines.begin_delete(GROUP, "vm").result()
    left = arm.cloud.standing()
    assert left["disks"] == ["vm-os"]
    assert len(left["networkInterfaces"]) == 1


def test_put_of_a_network_without_its_subnets_deletes_them(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    arm.net("net")
    assert arm.cloud.standing() == {"virtualNetworks": ["net"]}


def test_what_is_in_use_stays(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    group = {"location": LOCATION, "properties": {}}
    made = arm.network.network_security_groups.begin_create_or_update(GROUP, "nsg", group).result()
    arm.machine()
    disk = arm.disk()
    attach = {"dataDisksToAttach": [{"diskId": disk.id}]}
    arm.compute.virtual_machines.begin_attach_detach_data_disks(GROUP, "vm", attach).result()
    (nic,) = arm.network.network_interfaces.list(GROUP)
    with_group = {
        "location": LOCATION,
        "properties": {
            "networkSecurityGroup": {"id": made.id},
            "ipConfigurations": [
                {
                    "name": "ip",
                    "properties": {"subnet": {"id": f"{BASE}/Microsoft.Network/virtualNetworks/net/subnets/sub"}},
                }
            ],
        },
    }
    arm.network.network_interfaces.begin_create_or_update(GROUP, nic.name, with_group).result()
    deletes: dict[str, Callable[[], Any]] = {
        "InUseSubnetCannotBeDeleted": lambda: arm.network.subnets.begin_delete(GROUP, "net", "sub"),
        "InUseNetworkSecurityGroupCannotBeDeleted": lambda: arm.network.network_security_groups.begin_delete(
            GROUP, "nsg"
        ),
        "NicInUse": lambda: arm.network.network_interfaces.begin_delete(GROUP, nic.name),
        "OperationNotAllowed": lambda: arm.compute.disks.begin_delete(GROUP, "disk"),
    }
    for code, act in deletes.items():
        with pytest.raises(HttpResponseError) as caught:
            act()
        assert code_of(caught) == code
    with pytest.raises(HttpResponseError) as caught:
        arm.net("net")
    assert code_of(caught) == "InUseSubnetCannotBeDeleted"


@pytest.mark.parametrize(
    ("code", "path", "body"),
    [
        ("InvalidParameter", "Microsoft.Compute/disks/d", {"location": LOCATION, "size": 4}),
        ("InvalidParameter", "Microsoft.Compute/disks/d", {"location": LOCATION, "name": "d"}),
        ("InvalidParameter", "Microsoft.Compute/disks/d", {"location": LOCATION, "properties": {"diskSizeGB": 4}}),
        ("InvalidParameter", "Microsoft.Compute/disks/d",
         {"location": LOCATION, "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": "4"}}),
        ("InvalidParameter", "Microsoft.Compute/disks/d",
         {"location": LOCATION, "sku": {"name": "Fast_LRS"},
          "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}),
        ("InvalidRequestFormat", "Microsoft.Network/virtualNetworks/n",
         {"location": LOCATION, "properties": {"adressSpace": {}}}),
        ("InvalidCIDRNotation", "Microsoft.Network/virtualNetworks/n",
         {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/33"]}}}),
        ("LocationRequired", "Microsoft.Network/virtualNetworks/n", {"properties": {}}),
        ("LocationNotAvailableForResourceType", "Microsoft.Network/virtualNetworks/n", {"location": "atlantis"}),
        ("InvalidTagNameCharacters", "Microsoft.Network/networkSecurityGroups/n",
         {"location": LOCATION, "tags": {"a/b": "c"}}),
        ("ResourceNotFound", "Microsoft.Network/virtualNetworks/no/subnets/s",
         {"properties": {"addressPrefix": "10.0.0.0/24"}}),
        ("InvalidResourceType", "Microsoft.Network/virtualNetwork/n", {"location": LOCATION}),
    ],
)  # fmt: skip
def test_wrong_body_is_refused_and_makes_nothing(arm: Clients, code: str, path: str, body: Any) -> None:
    version = "2026-03-02" if "disks" in path else "2026-03-01"
    status, said = arm.ask("PUT", f"{BASE}/{path}?api-version={version}", body)
    assert (status // 100, said["error"]["code"]) == (4, code)
    assert arm.cloud.standing() == {}


def test_version_is_needed_and_the_right_one(arm: Clients) -> None:
    path = f"{BASE}/Microsoft.Network/virtualNetworks/n"
    codes = [
        arm.ask("GET", f"{path}{query}")[1]["error"]["code"]
        for query in ("", "?api-version=newest", "?api-version=2019-01-01", "?api-version=2026-03-01")
    ]
    assert codes == ["MissingApiVersionParameter", "InvalidApiVersionParameter", "NoRegisteredProviderFound",
                     "ResourceNotFound"]  # fmt: skip


def test_nobody_is_overwritten_who_asked_for_none(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    arm.machine()
    for condition in ({"If-None-Match": "*"}, {"If-Match": "W/old"}):
        with pytest.raises(HttpResponseError) as caught:
            arm.network.virtual_networks.begin_create_or_update(GROUP, "net", {"location": LOCATION}, headers=condition)
        assert code_of(caught) == "PreconditionFailed"
    with pytest.raises(HttpResponseError) as caught:
        arm.compute.virtual_machines.begin_create_or_update(
            GROUP, "vm", {"location": LOCATION}, match_condition=MatchConditions.IfMissing
        )
    assert code_of(caught) == "PreconditionFailed"


def test_ranges_and_priorities_do_not_meet(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    for cidr, code in (("10.0.1.128/25", "NetcfgSubnetRangesOverlap"), ("10.9.0.0/24", "NetcfgInvalidSubnet")):
        with pytest.raises(HttpResponseError) as caught:
            arm.network.subnets.begin_create_or_update(GROUP, "net", "two", {"properties": {"addressPrefix": cidr}})
        assert code_of(caught) == code
    rule = {
        "access": "Allow", "direction": "Inbound", "priority": 100, "protocol": "Tcp",
        "sourcePortRange": "*", "destinationPortRange": "22",
        "sourceAddressPrefix": "10.0.0.0/8", "destinationAddressPrefix": "*",
    }  # fmt: skip
    rules = [{"name": name, "properties": rule} for name in ("one", "two")]
    with pytest.raises(HttpResponseError) as caught:
        arm.network.network_security_groups.begin_create_or_update(
            GROUP, "nsg", {"location": LOCATION, "properties": {"securityRules": rules}}
        )
    assert code_of(caught) == "SecurityRuleConflict"


def test_network_takes_one_operation_at_a_time(arm: Clients) -> None:
    arm.net()
    arm.cloud.slow_s = 5.0
    arm.network.subnets.begin_create_or_update(
        GROUP, "net", "one", {"properties": {"addressPrefix": "10.0.1.0/24"}}, polling=False
    )
    with pytest.raises(HttpResponseError) as caught:
        arm.network.subnets.begin_create_or_update(
            GROUP, "net", "two", {"properties": {"addressPrefix": "10.0.2.0/24"}}
        )
    assert (caught.value.status_code, code_of(caught)) == (429, "AnotherOperationInProgress")


def test_operation_that_fails_leaves_a_failed_machine(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"))
    arm.cloud.refuse("virtualMachines", ArmError(409, "AllocationFailed", "none left"), later=True)
    with pytest.raises(HttpResponseError) as caught:
        arm.machine()
    assert "none left" in str(caught.value)
    assert arm.compute.virtual_machines.get(GROUP, "vm").as_dict()["properties"]["provisioningState"] == "Failed"
    arm.cloud.refuse("disks", ArmError(409, "OperationNotAllowed", "exceeding approved quota"))
    with pytest.raises(HttpResponseError) as caught:
        arm.disk()
    assert code_of(caught) == "OperationNotAllowed"
    assert "disk" not in arm.cloud.standing().get("disks", [])


def test_new_thing_is_not_known_at_once_where_that_is_asked_for(arm: Clients) -> None:
    arm.cloud.late_s = 30.0
    arm.network.virtual_networks.begin_create_or_update(
        GROUP, "net", {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}},
        polling=False,
    )  # fmt: skip
    with pytest.raises(HttpResponseError) as caught:
        arm.network.virtual_networks.get(GROUP, "net")
    assert code_of(caught) == "ResourceNotFound"
    assert list(arm.network.virtual_networks.list(GROUP)) == []


def test_listing_has_pages(arm: Clients) -> None:
    for number in range(3):
        arm.disk(f"disk{number}")
    arm.cloud.page = 1
    assert [disk.name for disk in arm.compute.disks.list_by_resource_group(GROUP)] == ["disk0", "disk1", "disk2"]


def test_tags_are_merged_and_children_have_none(arm: Clients) -> None:
    arm.net("net", ("sub", "10.0.1.0/24"), tags={"a": "1"})
    path = f"{BASE}/Microsoft.Network/virtualNetworks/net"
    tags = "providers/Microsoft.Resources/tags/default?api-version=2025-04-01"
    merge = {"operation": "Merge", "properties": {"tags": {"b": "2"}}}
    assert arm.ask("PATCH", f"{path}/{tags}", merge)[1]["properties"]["tags"] == {"a": "1", "b": "2"}
    delete = {"operation": "Delete", "properties": {"tags": {"a": "1", "b": "other"}}}
    assert arm.ask("PATCH", f"{path}/{tags}", delete)[1]["properties"]["tags"] == {"b": "2"}
    assert arm.ask("PATCH", f"{path}/subnets/sub/{tags}", merge)[0] == 404
    assert list(arm.network.virtual_networks.get(GROUP, "net").as_dict()["tags"]) == ["b"]


def test_disks_grow_only_and_stay_where_they_are(arm: Clients) -> None:
    arm.disk("disk", 4)
    arm.compute.disks.begin_update(GROUP, "disk", {"properties": {"diskSizeGB": 8}}).result()
    changes: dict[str, dict[str, Any]] = {
        "OperationNotAllowed": {"size": 4},
        "InvalidResourceLocation": {"size": 8, "location": "westeurope"},
        "PropertyChangeNotAllowed": {"size": 8, "zones": ["2"]},
    }
    for code, change in changes.items():
        with pytest.raises(HttpResponseError) as caught:
            arm.disk("disk", **change)
        assert code_of(caught) == code
