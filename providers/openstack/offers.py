"""What an OpenStack cloud offers, for a price sheet: flavours and volume types. OpenStack itself knows no prices."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from providers.openstack.account import Account
from providers.openstack.client import part

_SHAPE, _STORAGE = "shape", "storage"
_ARCHITECTURE = "capabilities:cpu_info:arch"
_OPERATORS = frozenset({"s==", "<in>", "="})
"""What may stand before the value of an extra spec. Source: Nova's ComputeCapabilitiesFilter."""


def offered(account: Account) -> Iterator[dict[str, str]]:
    """Rows by heading: ``compute`` for each enabled flavour, ``storage`` for each volume type; sorted by name.

    A name is the price book's where the register's entry has an alias for it.

    Raises:
        PortError: The cloud said no.
    """
    flavours = account.client.pages("compute", "/flavors/detail", "flavors")
    for flavour in sorted(flavours, key=lambda found: str(found["name"])):
        if not flavour.get("OS-FLV-DISABLED:disabled"):
            path = f"/flavors/{part(flavour['id'])}/os-extra_specs"
            specs = account.client.call("compute", "GET", path)["extra_specs"]
            yield _shape(account.unalias(_SHAPE, flavour["name"]), flavour, specs)
    types = account.client.pages("volume", "/types", "volume_types")
    for found in sorted(types, key=lambda found: str(found["name"])):
        name = account.unalias(_STORAGE, found["name"])
        yield {"kind": "storage", "name": name, "unit": "GiB-month"}


def _shape(name: str, flavour: Mapping[str, Any], specs: Mapping[str, Any]) -> dict[str, str]:
    row = {
        "kind": "compute",
        "name": name,
        "unit": "hour",
        "vcpus": str(flavour["vcpus"]),
        "memory gib": str(Decimal(flavour["ram"]) / 1024),
    }
    if gpus := _gpus(specs):
        row["gpus"] = str(gpus)
    words = [word for word in str(specs.get(_ARCHITECTURE, "")).split() if word not in _OPERATORS]
    return row | ({"architecture": words[0]} if len(words) == 1 else {})


def _gpus(specs: Mapping[str, Any]) -> int:
    """Devices that a flavour passes through (``alias:count``, by comma), and virtual ones."""
    passed = [part.rpartition(":")[2] for part in str(specs.get("pci_passthrough:alias", "")).split(",") if part]
    return sum(int(count) for count in (*passed, specs.get("resources:VGPU", "0")) if str(count).isdigit())
