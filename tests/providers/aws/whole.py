"""One resource of each kind at AWS, and what stands then."""

from collections.abc import Callable
from operator import attrgetter

from tests.providers.house import inputs
from tests.providers.pem import certificate

ACTION = attrgetter("action")
WHOLE = {"vpc": 1, "subnet": 1, "group": 1, "key": 1, "volume": 2, "instance": 1, "interface": 1, "gateway": 1,
         "table": 1, "address": 1, "snapshot": 1, "cipher": 1, "placement": 1, "bucket": 1, "balancer": 1,
         "target": 1, "certificate": 1}  # fmt: skip
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m suite"


def program(image: str) -> Callable[[], None]:
    """One resource of each kind."""
    pem = certificate()

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
        port = {"protocol": "https", "port": 443, "memberPort": 8443}
        sdk.LoadBalancer(
            "front", **inputs("front", subnets=[sub.id], servers=[web.id], listeners=[port], certificate=pem)
        )
        cipher = sdk.EncryptionKey("cipher", **inputs("cipher"))
        disk = sdk.Volume("disk", **inputs("disk", size_gib=1, storage_class="gp3", encryption_key=cipher.id))
        sdk.Bucket("objects", **inputs("objects", encryption_key=cipher.id))
        sdk.Snapshot("copy", **inputs("copy", volume=disk.id))
        sdk.Attachment("at", **inputs("at", server=web.id, volume=disk.id, mount="/srv"))

    return run
