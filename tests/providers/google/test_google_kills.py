"""kill -9 of plugin and engine at the calls of a real operation: nothing twice, nothing lost, nothing left."""

import pytest

from tests.providers.google.cloud import IMAGE, OPTIONS, Cloud, call_of
from tests.providers.house import UNIT, House, inputs
from tests.providers.kills import survive

# Those that are one of several calls of a kind, or go in with a fingerprint; random moments are `make chaos-providers`.
CREATES = ("networks.insert", "projects.setCommonInstanceMetadata", "firewalls.insert", "instances.insert",
           "instances.attachDisk")  # fmt: skip
DELETES = ("instances.detachDisk", "firewalls.delete", "networks.delete")
# The firewalls: what closes the network, what closes the group, and its one rule. The disks: the server's own, and one.
WHOLE = {"networks": 1, "subnetworks": 1, "firewalls": 3, "keys": 1, "disks": 2, "instances": 1}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m suite"


@pytest.fixture
def house(cloud: Cloud, engine_house: House) -> House:
    """The workspace whose first place is at Google; its gate names that endpoint."""
    engine_house.move("google", cloud.proxy.url, OPTIONS)
    return engine_house


def program() -> None:
    """One resource of each kind."""
    from providers import sdk

    net = sdk.Network("net", **inputs("net", cidr="10.0.0.0/16"))
    sub = sdk.Subnet("sub", **inputs("sub", network=net.id, cidr="10.0.1.0/24"))
    rules = [{"direction": "out", "protocol": "tcp", "port": 443, "peer": "10.0.0.0/8", "why": "test"}]
    fire = sdk.Firewall("fire", **inputs("fire", network=net.id, rules=rules))
    key = sdk.KeyPair("key", **inputs("key", public_key=KEY))
    given = {"shape": "e2-small", "image": IMAGE, "subnet": sub.id, "firewalls": [fire.id], "key_pair": key.id}
    web = sdk.Server("web", **inputs("web", user_data="#!/bin/sh\necho hush\n", **given))
    disk = sdk.Volume("disk", **inputs("disk", size_gib=1, storage_class="pd-balanced"))
    sdk.Attachment("at", **inputs("at", server=web.id, volume=disk.id, mount="/srv"))


@pytest.mark.timeout(900)
# The engine that is killed cannot end the stream of its events.
@pytest.mark.filterwarnings("ignore:Error in event stream")
def test_kill_at_each_call_leaves_one_of_each_and_then_nothing(house: House, cloud: Cloud) -> None:
    assert survive(house.root, [cloud.proxy], lambda: house.up(program), CREATES, name_of=call_of) >= 3
    standing = cloud.standing()
    assert {sort: len(ids) for sort, ids in standing.items()} == WHOLE
    ids = {str(entry["id"]) for entry in house.export()}
    assert len(ids) == 7
    assert {part for found in ids for part in found.split(":")} <= {found for ids in standing.values() for found in ids}
    assert b"hush" not in house.state_bytes()
    assert survive(house.root, [cloud.proxy], lambda: house.engine.destroy(UNIT), DELETES, name_of=call_of) >= 2
    assert cloud.standing() == {}
