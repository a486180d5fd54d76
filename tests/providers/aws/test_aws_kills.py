"""kill -9 of plugin and engine at the calls of a real operation: nothing twice, nothing lost, nothing left."""

from collections.abc import Callable
from operator import attrgetter

import pytest

from tests.providers.aws.cloud import OPTIONS, Cloud
from tests.providers.house import UNIT, House, inputs
from tests.providers.kills import survive

ACTION = attrgetter("action")
KINDS = 13
CREATES = ("CreateVpc", "ImportKeyPair", "CreateSubnet", "CreateSecurityGroup", "CreateVolume", "RunInstances",
           "AttachVolume", "CreateInternetGateway", "AttachInternetGateway", "CreateRouteTable", "AllocateAddress",
           "CreateSnapshot", "CreateKey", "CreatePlacementGroup", "CreateBucket", "CreateLoadBalancer",
           "CreateTargetGroup", "CreateListener")  # fmt: skip
DELETES = ("DetachVolume", "TerminateInstances", "DeleteVolume", "DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc",
           "DetachInternetGateway", "ReleaseAddress", "DeleteSnapshot", "ScheduleKeyDeletion",
           "DeletePlacementGroup", "DeleteBucket", "DeleteLoadBalancer", "DeleteTargetGroup")  # fmt: skip
WHOLE = {"vpc": 1, "subnet": 1, "group": 1, "key": 1, "volume": 2, "instance": 1, "interface": 1, "gateway": 1,
         "table": 1, "address": 1, "snapshot": 1, "cipher": 1, "placement": 1, "bucket": 1, "balancer": 1,
         "target": 1}  # fmt: skip
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m suite"


@pytest.fixture
def house(cloud: Cloud, engine_house: House) -> House:
    """The workspace whose first place is at AWS; its gate names that endpoint."""
    engine_house.move("aws", cloud.proxy.url, OPTIONS)
    return engine_house


def program(image: str) -> Callable[[], None]:
    """One resource of each kind."""

    def run() -> None:
        from providers import sdk

        net = sdk.Network("net", **inputs("net", cidr="10.0.0.0/16"))
        sub = sdk.Subnet("sub", **inputs("sub", network=net.id, cidr="10.0.1.0/24"))
        rules = [{"direction": "out", "protocol": "tcp", "port": 443, "peer": "10.0.0.0/8", "why": "test"}]
        fire = sdk.Firewall("fire", **inputs("fire", network=net.id, rules=rules))
        key = sdk.KeyPair("key", **inputs("key", public_key=KEY))
        given = {"shape": "t3.small", "image": image, "subnet": sub.id, "firewalls": [fire.id], "key_pair": key.id}
        web = sdk.Server("web", **inputs("web", apart="web", user_data="#!/bin/sh\necho hush\n", **given))
        way = sdk.Router("way", **inputs("way", network=net.id, subnets=[sub.id]))
        sdk.Address("door", **inputs("door", router=way.id, server=web.id))
        port = {"protocol": "tcp", "port": 443, "memberPort": 8443}
        sdk.LoadBalancer("front", **inputs("front", subnets=[sub.id], servers=[web.id], listeners=[port]))
        cipher = sdk.EncryptionKey("cipher", **inputs("cipher"))
        disk = sdk.Volume("disk", **inputs("disk", size_gib=1, storage_class="gp3", encryption_key=cipher.id))
        sdk.Bucket("objects", **inputs("objects", encryption_key=cipher.id))
        sdk.Snapshot("copy", **inputs("copy", volume=disk.id))
        sdk.Attachment("at", **inputs("at", server=web.id, volume=disk.id, mount="/srv"))

    return run


@pytest.mark.timeout(900)
# The engine that is killed cannot end the stream of its events.
@pytest.mark.filterwarnings("ignore:Error in event stream")
def test_kill_at_each_call_leaves_one_of_each_and_then_nothing(house: House, cloud: Cloud) -> None:
    image = cloud.image
    assert survive(house.root, cloud.proxy, lambda: house.up(program(image)), CREATES, name_of=ACTION) >= 6
    standing = cloud.standing()
    assert {sort: len(ids) for sort, ids in standing.items()} == WHOLE
    ids = {str(entry["id"]) for entry in house.export()}
    assert len(ids) == KINDS
    assert {part for found in ids for part in ([found] if "arn:" in found else found.split(":"))} <= {
        found for ids in standing.values() for found in ids
    }
    assert b"hush" not in house.state_bytes()
    assert survive(house.root, cloud.proxy, lambda: house.engine.destroy(UNIT), DELETES, name_of=ACTION) >= 4
    assert cloud.standing() == {}
