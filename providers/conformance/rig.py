"""What the suite needs of an adapter: the adapter itself, and names that its place knows."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from providers.ports import Identity, Made, Provider, Store
from pse.core.schema import DELETE_ORDER, KINDS, FirewallRule, Inputs, Listener

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m suite"


class Rig:
    """An adapter under test.

    Args:
        provider: The adapter at one place.
        place: That place's id.
        image: An image that the place has.
        shapes: Two shapes that it has; a server is changed from the first to the second.
        storage_class: A storage class that it has.
        public_key: Key for new servers.
        image_file: File in the workspace's folder ``images`` that an Image is made from; empty where none is made.
        image_sha256: Its hash.
        again: Makes another adapter at the same place, as another process would.
    """

    def __init__(  # noqa: PLR0913  (what a place calls its things, each by name)
        self,
        provider: Provider,
        *,
        place: str,
        image: str = "debian-12",
        shapes: tuple[str, str] = ("std-1-2", "std-2-4"),
        storage_class: str = "ssd",
        public_key: str = PUBLIC_KEY,
        image_file: str = "",
        image_sha256: str = "",
        again: Callable[[], Provider] | None = None,
    ) -> None:
        """Make nothing yet."""
        self.provider = provider
        self.place = place
        self._image = image
        self._shapes = shapes
        self._class = storage_class
        self._key = public_key
        self._image_file = image_file
        self._image_sha256 = image_sha256
        self._again = again
        self._count = itertools.count(1)
        self._made: list[tuple[str, str]] = []

    def store(self, kind: str) -> Store:
        """The store of a kind."""
        return self.provider.store(kind)

    @contextmanager
    def again(self) -> Iterator[Provider]:
        """Another adapter at the same place, closed in the end."""
        if self._again is None:
            raise TypeError("the rig does not say how another adapter is made: give it `again`")
        other = self._again()
        try:
            yield other
        finally:
            other.close()

    def identity(self) -> Identity:
        """A new identity."""
        return Identity(stack="suite-0123456789ab", urn=os.urandom(16).hex(), op=os.urandom(16).hex())

    def inputs(self, kind: str) -> Inputs:
        """Good inputs of a kind; what they refer to is made first."""
        number = next(self._count)
        given: dict[str, Any] = {"name": f"suite-{kind.lower()}-{number}", "workload": "suite", "place": self.place}
        cls = KINDS[kind].inputs
        own: dict[str, Callable[[], dict[str, Any]]] = {
            "Network": lambda: {"cidr": f"10.{number}.0.0/16"},
            "Subnet": self._subnet,
            "Firewall": lambda: {"network": self._new("Network").id, "rules": ()},
            "KeyPair": lambda: {"public_key": self._key},
            "Volume": lambda: {"size_gib": 1, "storage_class": self._class},
            "Server": self._server,
            "Attachment": lambda: {
                "server": self._new("Server").id,
                "volume": self._new("Volume").id,
                "mount": "/srv/suite",
            },
            "Router": self._router,
            "Address": lambda: {"router": self._new("Router").id},
            "LoadBalancer": lambda: {"subnets": (self._new("Subnet").id,), "listeners": _listeners(80)},
            "Image": lambda: {"source": self._image_file, "sha256": self._image_sha256, "format": "raw"},
            "Snapshot": lambda: {"volume": self._new("Volume").id},
            "BackupPolicy": lambda: {"volumes": (self._new("Volume").id,), "every_hours": 24, "keep": 7},
            "Bucket": dict,
            "EncryptionKey": dict,
            "DnsZone": lambda: {"domain": f"suite{number}.example"},
            "DnsRecord": lambda: {
                "zone": self._new("DnsZone").id,
                "label": "www",
                "type": "A",
                "values": ("192.0.2.1",),
            },
        }
        return cls(**given, **own[kind]())

    def changed(self, kind: str, inputs: Inputs) -> Inputs | None:
        """The same with something changed that is changed in place; None where the kind has no such input."""
        lacks = self.provider.lacks
        changes: dict[str, Callable[[], dict[str, Any]]] = {
            "Firewall": lambda: {"rules": _rules()},
            "Volume": lambda: {"size_gib": 2},
            "Server": lambda: {"shape": self._shapes[1]},
            "Router": lambda: {"subnets": ()},
            "Address": lambda: {"server": self._server_behind(inputs)},
            "LoadBalancer": lambda: {"listeners": _listeners(80, 8080)},
            "BackupPolicy": lambda: {"keep": 9},
            "Bucket": lambda: {"versioning": False} if "Bucket.retentionDays" in lacks else {"retention_days": 1},
            "EncryptionKey": lambda: {"rotation_days": 365},
            "DnsRecord": lambda: {"values": ("192.0.2.2", "192.0.2.3")},
        }
        return msgspec.structs.replace(inputs, **changes[kind]()) if kind in changes else None

    def make(self, kind: str, inputs: Inputs | None = None, identity: Identity | None = None) -> Made:
        """Make an object that is deleted at the end."""
        made = self.store(kind).create(inputs or self.inputs(kind), identity=identity or self.identity())
        self.keep(kind, made.id)
        return made

    def keep(self, kind: str, object_id: str) -> None:
        """Remember an object that was made in another way: it is deleted at the end too."""
        self._made.append((kind, object_id))

    def count(self, kind: str) -> int:
        """Live objects of a kind, as the account lists them."""
        return len(self.store(kind).list())

    def clear(self) -> None:
        """Delete all that was made, what stands in the way of the others first."""
        for kind, object_id in sorted(self._made, key=lambda made: DELETE_ORDER.index(made[0])):
            self.store(kind).delete(object_id)
        self._made.clear()

    def _new(self, kind: str) -> Made:
        return self.make(kind)

    def _subnet(self) -> dict[str, Any]:
        network = self._new("Network")
        cidr = str(getattr(network.inputs, "cidr", "10.0.0.0/16"))
        return {"network": network.id, "cidr": cidr.replace(".0.0/16", ".1.0/24")}

    def _router(self) -> dict[str, Any]:
        subnet = self._new("Subnet")
        return {"network": str(getattr(subnet.inputs, "network", "")), "subnets": (subnet.id,)}

    def _server_behind(self, address: Inputs) -> str:
        """A server in a subnet that the address's router serves."""
        router = self.store("Router").read(str(getattr(address, "router", "")), None)
        (subnet,) = getattr(router.inputs if router else None, "subnets", ("",))
        inputs = msgspec.structs.replace(self.inputs("Server"), subnet=subnet)
        return self.make("Server", inputs).id

    def _server(self) -> dict[str, Any]:
        return {
            "shape": self._shapes[0],
            "image": self._image,
            "subnet": self._new("Subnet").id,
            "key_pair": self._new("KeyPair").id,
            "user_data": "#!/bin/sh\nexit 0\n",
        }


@contextmanager
def rigged(provider: Provider, **words: Any) -> Iterator[Rig]:
    """A rig that cleans up after itself; its adapter is closed."""
    rig = Rig(provider, **words)
    try:
        yield rig
    finally:
        rig.clear()
        provider.close()


def _listeners(*ports: int) -> tuple[Listener, ...]:
    return tuple(Listener(protocol="tcp", port=port, member_port=8080) for port in ports)


def _rules() -> tuple[FirewallRule, ...]:
    return (FirewallRule(direction="in", protocol="tcp", port=22, peer="10.0.0.0/8", why="suite"),)
