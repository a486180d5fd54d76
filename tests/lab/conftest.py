"""An account of the lab to try things in, with what a server needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.lab import LabProvider
from providers.lab.hosts import Hosts
from providers.ports import Identity, Made, Store, Target
from pse.core.schema import Inputs, KeyPairInputs, NetworkInputs, ServerInputs, SubnetInputs
from tests.lab.machines import make_key
from tests.require import require

PLACE = "sample-markhor/islamabad/ict-1"


class House:
    """One account with a key pair, a network and a subnet, and short ways to make things in it."""

    def __init__(self, root: Path, place: str = PLACE, **options: str) -> None:
        self.root = root
        self.place = place
        self.target = Target(place=place, country="PK", endpoint="lab:test", workspace=root, options=options)
        self.provider = LabProvider(self.target)
        self.hosts = Hosts(root)
        self.common: dict[str, Any] = {"workload": "portal", "place": place}
        self.made = 0

    def store(self, kind: str) -> Store:
        return self.provider.store(kind)

    def identity(self) -> Identity:
        self.made += 1
        return Identity(stack="stack", urn=f"urn-{self.made}", op=f"op-{self.made}")

    def make(self, kind: str, inputs: Inputs) -> Made:
        return self.store(kind).create(inputs, identity=self.identity())

    def furnish(self) -> None:
        self.public_key = make_key(self.root)
        self.key = self.root / "key"
        self.network = self.make("Network", NetworkInputs(name="net", cidr="10.0.0.0/16", **self.common))
        subnet = SubnetInputs(name="sub", network=self.network.id, cidr="10.0.1.0/24", **self.common)
        self.subnet = self.make("Subnet", subnet)
        self.key_pair = self.make("KeyPair", KeyPairInputs(name="key", public_key=self.public_key, **self.common))

    def server(self, name: str = "web", *, shape: str = "std-2-4", user_data: str = "") -> ServerInputs:
        return ServerInputs(
            name=name,
            shape=shape,
            image="debian-12",
            subnet=self.subnet.id,
            key_pair=self.key_pair.id,
            user_data=user_data,
            **self.common,
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    require("bwrap", "setsid", "ssh", "sshd")
    found = House(tmp_path)
    found.furnish()
    yield found
    for name in found.hosts.names():
        found.hosts.remove(name)
    found.hosts.addresses.release()
