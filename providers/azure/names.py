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
ZONE = "Microsoft.Network/dnszones"
STORE = "Microsoft.Storage/storageAccounts"

CALLS: Mapping[str, str] = MappingProxyType(
    {
        NETWORK: "network.virtual_networks",
        SUBNET: "network.subnets",
        GROUP: "network.network_security_groups",
        INTERFACE: "network.network_interfaces",
        PUBLIC: "network.public_ip_addresses",
        GATEWAY: "network.nat_gateways",
        BALANCER: "network.load_balancers",
        KEY: "compute.ssh_public_keys",
        DISK: "compute.disks",
        SNAPSHOT: "compute.snapshots",
        MACHINE: "compute.virtual_machines",
        ZONE: "dns.zones",
        STORE: "storage.storage_accounts",
    }
)
"""Client and operations of each type."""
VERBS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (KEY, "create_or_update"): "create",
        (STORE, "create_or_update"): "create",
        (STORE, "get"): "get_properties",
    }
)
"""Operations that are called otherwise than most types' are."""
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
    return next((known for known in CALLS if known.lower() == found), "")


def names_of(object_id: str) -> list[str]:
    """The names in an id, outermost first."""
    return object_id.split("/")[8::2]


def last(object_id: str) -> str:
    """The last name in an id."""
    return object_id.rpartition("/")[2]


def parent(object_id: str) -> str:
    """The id of what an object is in: a subnet's network."""
    return "/".join(object_id.split("/")[:-2])


def same(one: str, other: str) -> bool:
    """Whether two ids mean the same: ARM writes them in any case."""
    return one.lower() == other.lower()
