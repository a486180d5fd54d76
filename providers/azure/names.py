"""Ids at Azure: paths of resource types and names, in one resource group; and the tags that say whose a thing is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from providers.kit.tags import KEYS, PREFIX, Owner, ending, identity_of
from providers.ports import Identity

NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = f"{NETWORK}/subnets"
GROUP = "Microsoft.Network/networkSecurityGroups"
INTERFACE = "Microsoft.Network/networkInterfaces"
PUBLIC = "Microsoft.Network/publicIPAddresses"
GATEWAY = "Microsoft.Network/natGateways"
BALANCER = "Microsoft.Network/loadBalancers"
KEY = "Microsoft.Compute/sshPublicKeys"
DISK = "Microsoft.Compute/disks"
SNAPSHOT = "Microsoft.Compute/snapshots"
MACHINE = "Microsoft.Compute/virtualMachines"
TAGS = "Microsoft.Resources/tags"

VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        NETWORK: "2026-03-01",
        SUBNET: "2026-03-01",
        GROUP: "2026-03-01",
        INTERFACE: "2026-03-01",
        PUBLIC: "2026-03-01",
        GATEWAY: "2026-03-01",
        BALANCER: "2026-03-01",
        KEY: "2026-04-01",
        DISK: "2026-03-02",
        SNAPSHOT: "2026-03-02",
        MACHINE: "2026-04-01",
        TAGS: "2021-04-01",
    }
)
"""The api-version of each type: those of azure-mgmt-compute 39 and azure-mgmt-network 33, whose models the tests check
every body against."""
IN_NETWORK = "pse-network"
"""Tag: name of the network that a security group or a gateway is for, which Azure does not know."""
PART = "pse-part"
"""Tag of what belongs to another object and is no object of its own."""


def owner(name: str, identity: Identity | None) -> Owner:
    """Name as it was wanted, and identity, of a resource called ``name``."""
    return {"name": name.removesuffix(ending(identity)) if identity else "", "identity": identity}


def tags_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a resource; Azure may give them in any case."""
    return {str(key).lower(): str(value) for key, value in (raw.get("tags") or {}).items()}


def own_tags(raw: Mapping[str, Any]) -> dict[str, str]:
    """The tags that say whose a resource is, for its parts."""
    return {key: value for key, value in tags_of(raw).items() if key.removeprefix(PREFIX) in KEYS}


def owned(raw: Mapping[str, Any]) -> Owner:
    """Name and identity of a resource that has tags."""
    return owner(str(raw["name"]), identity_of(tags_of(raw)))


def type_of(object_id: str) -> str:
    """The resource type in an id, as this module writes it; empty for what is none of these."""
    namespace, *rest = object_id.lower().partition("/providers/")[2].split("/")
    found = "/".join((namespace, *rest[::2]))
    return next((known for known in VERSIONS if known.lower() == found), "")


def last(object_id: str) -> str:
    """The last name in an id."""
    return object_id.rpartition("/")[2]


def parent(object_id: str) -> str:
    """The id of what an object is in: a subnet's network."""
    return "/".join(object_id.split("/")[:-2])


def same(one: str, other: str) -> bool:
    """Whether two ids mean the same: ARM writes them in any case."""
    return one.lower() == other.lower()
