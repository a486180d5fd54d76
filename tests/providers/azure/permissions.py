"""Which actions the adapter takes: recorded while every kind is made, read, changed and deleted.

``python -m tests.providers.azure.permissions`` writes docs/permissions/azure.json anew.
"""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from providers.azure import AzureProvider
from providers.azure.worldwide import AzureDnsProvider
from providers.conformance import Rig
from providers.ports import PartlyMade
from pse.core.schema import BucketInputs, FirewallInputs, FirewallRule, ServerInputs
from tests.fakes.azure.errors import ArmError
from tests.fakes.hostile import Request
from tests.providers.azure.cloud import PLATFORM_IMAGE, Cloud, rig_of, running, world_rig

_FOLDER = Path(__file__).parents[3] / "docs" / "permissions"
ROLE, NAMES = _FOLDER / "azure.json", _FOLDER / "azuredns.json"
LINKED = (
    "Microsoft.Compute/disks/delete",
    "Microsoft.Network/networkInterfaces/delete",
    "Microsoft.Network/networkInterfaces/join/action",
    "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
)
"""What Azure asks for besides the call itself: for what a call refers to, makes or takes along."""
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
"""The one right to data: to see whether a bucket is empty before it is deleted."""
VALUES = {"AAAA": "2001:db8::1", "CNAME": "www.example.", "MX": "10 mail.example.", "TXT": "text"}
"""A value of each type of record set that the journey makes none of."""
_VERBS = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


def action_of(request: Request) -> str:
    """Azure's name of what a request does."""
    path = request.path.partition("?")[0]
    if "comp=list" in request.path:
        return BLOBS
    if "/providers/" not in path:
        return "Microsoft.Resources/subscriptions/resourceGroups/read"
    namespace, *parts = path.rpartition("/providers/")[2].split("/")
    if namespace == "Microsoft.Resources":
        return f"{namespace}/tags/{_VERBS[request.method]}"
    if parts[-1] == "versions":
        return f"{namespace}/locations/publishers/artifacttypes/offers/skus/versions/read"
    if parts[0] == "locations":
        return f"{namespace}/locations/operations/read"
    return f"{namespace}/{'/'.join(parts[::2])}/{_VERBS.get(request.method, 'action')}"


def journey(rig: Rig) -> None:
    """The whole life of one object of each kind."""
    for kind in rig.provider.kinds:
        store = rig.store(kind)
        made = rig.make(kind)
        store.read(made.id, None)
        store.list()
        wanted = rig.changed(kind, made.inputs) or made.inputs
        store.update(made.id, made.inputs, wanted)
        if isinstance(wanted, FirewallInputs):
            rule = FirewallRule(direction="out", protocol="tcp", port=443, peer="10.0.0.0/8")
            store.update(made.id, made.inputs, msgspec.structs.replace(wanted, rules=(rule,)))
        if isinstance(wanted, BucketInputs):
            store.update(made.id, wanted, msgspec.structs.replace(wanted, retention_days=2))
        if isinstance(wanted, ServerInputs):
            group = rig.make("Firewall").id
            store.update(made.id, made.inputs, msgspec.structs.replace(wanted, firewalls=(group,)))
            store.update(made.id, made.inputs, wanted)
    rig.clear()


def repair(cloud: Cloud, rig: Rig) -> None:
    """A server that Azure found no room for, and has room for later."""
    cloud.arm.refuse("virtualMachines", ArmError(409, "AllocationFailed", "none left"), later=True)
    inputs, store = rig.inputs("Server"), rig.store("Server")
    try:
        rig.make("Server", inputs)
    except PartlyMade as exc:
        store.update(exc.made.id, inputs, inputs)
        store.delete(exc.made.id)


def recorded(cloud: Cloud, folder: Path) -> set[str]:
    """The actions of the journey, the host key asked for too."""
    provider = AzureProvider(cloud.target(folder, host_key_wait_s="20"))
    try:
        with rig_of(provider) as rig:
            journey(rig)
            repair(cloud, rig)
        provider.find_image(PLATFORM_IMAGE)
        return {action_of(request) for request in list(cloud.proxy.requests)}
    finally:
        provider.close()


def recorded_names(cloud: Cloud) -> set[str]:
    """The same at Azure DNS."""
    provider = AzureDnsProvider(cloud.world())
    try:
        with world_rig(cloud, provider) as rig:
            journey(rig)
            for kind, value in VALUES.items():
                inputs = msgspec.structs.replace(rig.inputs("DnsRecord"), type=kind, values=(value,))
                rig.store("DnsRecord").read(rig.make("DnsRecord", inputs).id, inputs)
            rig.clear()
            return {action_of(request) for request in list(cloud.proxy.requests)}
    finally:
        provider.close()


def role(actions: Iterable[str], *, name: str = "pse", linked: Iterable[str] = LINKED) -> dict[str, Any]:
    """A custom role that permits the actions in one resource group."""
    return {
        "Name": name,
        "IsCustom": True,
        "Description": "What pse calls to make, read, change and delete every kind that it makes.",
        "Actions": sorted({*actions, *linked} - {BLOBS}),
        "NotActions": [],
        "DataActions": sorted({*actions} & {BLOBS}),
        "NotDataActions": [],
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION/resourceGroups/GROUP"],
    }


def main() -> None:
    """Write the role."""
    with tempfile.TemporaryDirectory() as folder, running() as cloud:
        _write(ROLE, role(recorded(cloud, Path(folder))))
        cloud.reset()
        cloud.proxy.requests.clear()
        _write(NAMES, role(recorded_names(cloud), name="pse-dns", linked=()))


def _write(path: Path, found: dict[str, Any]) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
