"""Servers, their parts and their firewalls, as Azure shows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.azure import AzureProvider
from providers.conformance import Rig
from providers.ports import PortError
from pse.core.schema import FirewallInputs, FirewallRule, ServerInputs
from tests.fakes import hostile
from tests.fakes.azure.compute import HOST_KEY
from tests.providers.azure.cloud import PLACE, Cloud, rig_of

SSH = FirewallRule(direction="in", protocol="tcp", port=22, peer="10.0.0.0/8", why="operators")
WEB = FirewallRule(direction="in", protocol="tcp", port=443, peer="0.0.0.0/0", why="users")
DNS = FirewallRule(direction="out", protocol="udp", port=53, peer="10.0.0.2/32", why="names — “DNS”")
PING = FirewallRule(direction="in", protocol="icmp", port=0, peer="10.0.0.0/8")


@pytest.fixture
def rig(cloud: Cloud, shared: AzureProvider) -> Iterator[Rig]:
    with rig_of(shared) as rig:
        yield rig


def group(cloud: Cloud, name: str) -> dict[str, Any]:
    return next(raw for raw in cloud.arm.of("Microsoft.Network/networkSecurityGroups") if raw["name"].startswith(name))


def permitted(raw: dict[str, Any]) -> set[str]:
    rules = (rule["properties"] for rule in raw["properties"]["securityRules"])
    return {str(rule["destinationPortRange"]) for rule in rules if rule["access"] == "Allow"}


def firewall(rig: Rig, network: str, *rules: FirewallRule) -> Any:
    inputs = msgspec.structs.replace(rig.inputs("Firewall"), network=network, rules=rules)
    return rig.make("Firewall", inputs)


def test_group_lets_nothing_through_that_was_not_asked_for_and_drift_is_seen(rig: Rig, cloud: Cloud) -> None:
    made = firewall(rig, rig.make("Network").id, DNS, PING)
    assert made.inputs.rules == (DNS, PING)
    raw = group(cloud, made.inputs.name)
    denied = [
        rule["properties"] for rule in raw["properties"]["securityRules"] if rule["properties"]["access"] == "Deny"
    ]
    assert {(rule["direction"], rule["priority"], rule["protocol"]) for rule in denied} == {
        ("Inbound", 4096, "*"),
        ("Outbound", 4096, "*"),
    }
    # Somebody opens a range of ports, and takes the rule away that denies.
    wide = {**denied[0], "access": "Allow", "destinationPortRange": "1-1024", "priority": 200}
    raw["properties"]["securityRules"] = [{"name": "wide", "properties": wide}]
    seen = rig.store("Firewall").read(made.id, made.inputs)
    assert seen is not None
    assert not seen.healthy
    assert isinstance(seen.inputs, FirewallInputs)
    assert [rule.why for rule in seen.inputs.rules] == ["ports 1-1024"]
    assert rig.store("Firewall").update(made.id, seen.inputs, made.inputs) == made


def test_server_is_private_closed_and_its_parts_are_its_own(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Server")
    (nic,) = cloud.arm.of("Microsoft.Network/networkInterfaces")
    assert "publicIPAddress" not in nic["properties"]["ipConfigurations"][0]["properties"]
    assert permitted(group(cloud, nic["properties"]["networkSecurityGroup"]["id"].rpartition("/")[2])) == set()
    (disk,) = cloud.arm.of("Microsoft.Compute/disks")
    assert (disk["properties"]["networkAccessPolicy"], disk["zones"]) == ("DenyAll", ["1"])
    assert made.identity is not None
    assert {disk["tags"]["pse-op"], nic["tags"]["pse-op"]} == {made.identity.op}
    assert {aspect.what for aspect in made.outputs.placement} == {"resource", "disk", "interface"}
    assert rig.store("Volume").list() == ()
    imported = rig.store("Server").read(made.id, None)
    assert imported is not None
    assert "exit 0" not in repr(imported)
    # Somebody opens the disk to exports and switches boot diagnostics on.
    disk["properties"]["networkAccessPolicy"] = "AllowAll"
    machine = next(cloud.arm.of("Microsoft.Compute/virtualMachines"))
    machine["properties"]["diagnosticsProfile"] = {"bootDiagnostics": {"enabled": True}}
    seen = rig.store("Server").read(made.id, made.inputs)
    assert seen is not None
    unknown = {aspect.what for aspect in seen.outputs.placement if aspect.source == "unknown"}
    assert unknown == {"export", "log"}
    assert rig.store("Server").update(made.id, made.inputs, made.inputs).outputs.placement[0].where == PLACE


def test_several_firewalls_are_joined_and_followed(rig: Rig, cloud: Cloud) -> None:
    given = rig.inputs("Server")
    network = str(getattr(given, "subnet", "")).rpartition("/subnets/")[0]
    one, two = firewall(rig, network, SSH), firewall(rig, network, WEB)
    inputs = msgspec.structs.replace(given, firewalls=(two.id, one.id))
    made = rig.make("Server", inputs)
    assert made.inputs == inputs
    joined = group(cloud, made.id.rpartition("/")[2])
    assert permitted(joined) == {"22", "443"}
    assert rig.store("Firewall").list().__len__() == 2
    more = msgspec.structs.replace(one.inputs, rules=(SSH, DNS))
    rig.store("Firewall").update(one.id, one.inputs, more)
    assert permitted(group(cloud, joined["name"])) == {"22", "443", "53"}
    with pytest.raises(PortError) as caught:
        rig.store("Firewall").delete(one.id)
    assert caught.value.reason == "in-use"
    group(cloud, joined["name"])["properties"]["securityRules"].pop(0)
    drifted = rig.store("Server").read(made.id, inputs)
    assert drifted is not None
    assert not drifted.healthy
    assert rig.store("Server").update(made.id, inputs, inputs).healthy
    single = msgspec.structs.replace(inputs, firewalls=(one.id,))
    assert rig.store("Server").update(made.id, inputs, single).inputs == single
    assert not any(name.endswith("-joined") for name in cloud.arm.standing()["networkSecurityGroups"])
    rig.store("Server").update(made.id, single, inputs)


def test_host_key_is_asked_for_once_and_kept(rig: Rig, cloud: Cloud, tmp_path: Path) -> None:
    provider = AzureProvider(cloud.target(tmp_path, host_key_wait_s="20"))
    inputs = rig.inputs("Server")
    assert isinstance(inputs, ServerInputs)
    asking = Rig(provider, place=PLACE)
    made: Any = asking.make("Server", inputs)
    assert made.outputs.host_key == HOST_KEY
    again: Any = asking.store("Server").update(made.id, inputs, inputs)
    assert again.outputs.host_key == HOST_KEY
    assert cloud.actions().count("POST virtualMachines/runCommand") == 1
    asking.clear()
    # Who may not run commands gets a server without a known key.
    forbidden = hostile.refuse(403, body=b'{"error": {"code": "AuthorizationFailed", "message": "no"}}')
    cloud.plant(forbidden, "POST virtualMachines/runCommand", times=9)
    blind: Any = asking.make("Server", inputs)
    assert (blind.healthy, blind.outputs.host_key) == (True, "")
    asking.clear()
    provider.close()


def test_stopped_server_is_seen_and_started(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Server")
    next(cloud.arm.of("Microsoft.Compute/virtualMachines"))["_power"] = "deallocated"
    seen = rig.store("Server").read(made.id, made.inputs)
    assert seen is not None
    assert seen.reasons == ("it is deallocated",)
    assert rig.store("Server").update(made.id, made.inputs, made.inputs) == made


def test_volume_is_as_fast_as_asked_and_only_of_a_class_that_stays(rig: Rig) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Volume"), storage_class="PremiumV2_LRS", iops=3500)
    made = rig.make("Volume", inputs)
    assert made.inputs == inputs
    faster = msgspec.structs.replace(inputs, size_gib=20, iops=4000)
    assert rig.store("Volume").update(made.id, inputs, faster).inputs == faster
    with pytest.raises(PortError) as caught:
        rig.make("Volume", msgspec.structs.replace(inputs, storage_class="Premium_ZRS", iops=0))
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "Redundancy")


def test_parts_that_somebody_wants_to_keep_go_with_the_server(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Server")
    machine = next(cloud.arm.of("Microsoft.Compute/virtualMachines"))["properties"]
    machine["storageProfile"]["osDisk"]["deleteOption"] = "Detach"
    machine["networkProfile"]["networkInterfaces"][0]["properties"]["deleteOption"] = "Detach"
    rig.store("Server").delete(made.id)
    assert not {"disks", "networkInterfaces"} & set(cloud.arm.standing())


def test_image_is_found_by_its_name_with_the_newest_version(rig: Rig, cloud: Cloud, provider: AzureProvider) -> None:
    newest = "Debian+debian-12+12-gen2+0.20260501.1"
    names = ("Debian+debian-12+12-gen2", "Debian+debian-12+12-gen2+latest", newest)
    assert {getattr(provider.find_image(name), "id", "") for name in names} == {newest}
    for name in ("Debian+debian-12+12-gen2+1.0", "Debian+debian-13+13", "Debian+debian-12", "Debian+../x+12-gen2"):
        assert provider.find_image(name) is None
    made = rig.make("Server", msgspec.structs.replace(rig.inputs("Server"), image=newest))
    assert getattr(made.inputs, "image", "") == newest
    cloud.plant(hostile.refuse(403, body=b'{"error": {"code": "AuthorizationFailed", "message": "no"}}'), "GET .*")
    with pytest.raises(PortError) as caught:
        provider.find_image(newest)
    assert caught.value.reason == "auth"
