"""Names of types, and what refers to what."""

from typing import Any

VERSION = "2026-03-01"
"""The api-version of all of Microsoft.Network."""
VNET = "Microsoft.Network/virtualNetworks"
SUBNET = f"{VNET}/subnets"
NSG = "Microsoft.Network/networkSecurityGroups"
NIC = "Microsoft.Network/networkInterfaces"
PUBLIC = "Microsoft.Network/publicIPAddresses"
NAT = "Microsoft.Network/natGateways"
BALANCER = "Microsoft.Network/loadBalancers"
DISK = "Microsoft.Compute/disks"
SNAPSHOT = "Microsoft.Compute/snapshots"


def reference(holder: dict[str, Any], key: str) -> str:
    """The id that a property refers to, in small letters; empty for none."""
    return str((holder.get(key) or {}).get("id", "")).lower()
