"""A program with each kind that an adapter makes, as it goes up first and as it is changed.

The change does everything that a change can: in place, a replacement that makes first (a firewall under another name,
a server with another first boot), one that deletes first (the attachment of that server), one resource more, one less.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from providers.conformance.rig import PUBLIC_KEY
from pse.core.schema import KINDS
from tests.providers.house import inputs

IMAGE_FILE, IMAGE = "chaos.img", b"\0" * 512


class Names(NamedTuple):
    """What a place calls the things that a program names."""

    image: str = "debian-12"
    shapes: tuple[str, str] = ("std-1-2", "std-2-4")
    storage_class: str = "ssd"
    public_key: str = PUBLIC_KEY
    image_file: str = IMAGE_FILE
    image_sha256: str = hashlib.sha256(IMAGE).hexdigest()


Inputs = Mapping[str, Mapping[str, Any]]
"""Inputs by name."""


def program(kinds: Collection[str], names: Names, *, changed: bool) -> Callable[[], None]:
    """The program; an inline Pulumi program.

    Args:
        kinds: What the adapter makes.
        names: What its place calls things.
        changed: As it is after the change.
    """

    def run() -> None:
        import pulumi

        from providers.sdk import CLASSES

        made: dict[str, Any] = {}
        for kind in KINDS:
            for name, given in wanted(kind, made, names, changed=changed).items() if kind in kinds else ():
                own = dict(given)
                called = own.pop("name", name)
                made[name] = CLASSES[kind](name, **inputs(called, **own))
        pulumi.export("servers", [])
        pulumi.export("outputs", {})

    return run


def put_image(workspace: Path) -> None:
    """Write the file that an image is made from."""
    path = workspace / "images" / IMAGE_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(IMAGE)


def wanted(kind: str, made: Mapping[str, Any], names: Names, *, changed: bool) -> Inputs:
    """The resources of a kind; what they refer to is in ``made``."""

    def of(*wanted: str) -> list[Any]:
        return [made[name].id for name in wanted if name in made]

    def one(name: str) -> Any:
        return made[name].id if name in made else None

    disk = {"storage_class": names.storage_class, "allow_replace": True}
    rules = [{"direction": "in", "protocol": "tcp", "port": 22, "peer": "10.0.0.0/8", "why": "chaos"}]
    table: dict[str, Callable[[], Inputs]] = {
        "Network": lambda: {"net": {"cidr": "10.0.0.0/16"}},
        "Subnet": lambda: {"sub": {"network": one("net"), "cidr": "10.0.1.0/24"}},
        "Router": lambda: {"way": {"network": one("net"), "subnets": of("sub")}},
        "Firewall": lambda: {
            "fire": {"network": one("net"), "rules": rules if changed else []},
            "wall": {"network": one("net"), "rules": rules, "name": "wall-b" if changed else "wall-a"},
        },
        "KeyPair": lambda: {"key": {"public_key": names.public_key}},
        "EncryptionKey": lambda: {"lock": {"rotation_days": 365 if changed else 0, "allow_replace": True}},
        "Image": lambda: {
            "own": {"source": names.image_file, "sha256": names.image_sha256, "format": "raw"},
        },
        "Volume": lambda: {
            "disk": {"size_gib": 2 if changed else 1, **disk},
            "more" if changed else "less": {"size_gib": 1, **disk},
        },
        "Snapshot": lambda: {"snap": {"volume": one("disk"), "allow_replace": True}},
        "BackupPolicy": lambda: {
            "backup": {"volumes": of("disk"), "every_hours": 24, "keep": 9 if changed else 7},
        },
        "Bucket": lambda: {"bucket": {"versioning": not changed, "allow_replace": True}},
        "Server": lambda: {
            "web": {
                **_server(made, names),
                "firewalls": of("wall"),
                "user_data": f"#!/bin/sh\nexit 0 # {changed}\n",
            },
            "app": {**_server(made, names), "firewalls": of("fire"), "shape": names.shapes[changed]},
        },
        "Attachment": lambda: {"at": {"server": one("web"), "volume": one("disk"), "mount": "/srv/data"}},
        "Address": lambda: {"front": {"router": one("way"), **({"server": one("web")} if changed else {})}},
        "LoadBalancer": lambda: {
            "spread": {"subnets": of("sub"), "servers": of("web"), "listeners": _listeners(80, *[8080] * changed)},
        },
        "DnsZone": lambda: {"zone": {"domain": "chaos.example"}},
        "DnsRecord": lambda: {
            "www": {
                "zone": one("zone"),
                "label": "www",
                "type": "A",
                "values": ["192.0.2.2" if changed else "192.0.2.1"],
            },
        },
    }
    return table[kind]()


def _server(made: Mapping[str, Any], names: Names) -> dict[str, Any]:
    given = {"shape": names.shapes[0], "image": names.image}
    return {**given, "subnet": made["sub"].id, "key_pair": made["key"].id}


def _listeners(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "tcp", "port": port, "memberPort": 8080} for port in ports]
