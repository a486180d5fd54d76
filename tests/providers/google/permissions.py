"""Which permissions the adapter takes: recorded while every kind is made, read, changed and deleted.

``python -m tests.providers.google.permissions`` writes docs/permissions/google.json and clouddns.json anew.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from providers.conformance import Rig
from providers.google import GoogleProvider
from pse.core.schema import FirewallInputs, FirewallRule, VolumeInputs
from tests.providers.google.cloud import Cloud, rig_of, running, world_rig

ROLE = Path(__file__).parents[3] / "docs" / "permissions" / "google.json"
NAMES = ROLE.with_name("clouddns.json")
_RULES = tuple(FirewallRule(direction=way, protocol="tcp", port=443, peer="10.0.0.0/8") for way in ("in", "out"))
_VERBS: Mapping[str, str] = {
    "insert": "create",
    "patch": "update",
    "attachDisk": "attachDisk",
    "detachDisk": "detachDisk",
    "getFromFamily": "getFromFamily",
}
_SERVICES: Mapping[str, str] = {
    "buckets": "storage",
    "cryptoKeys": "cloudkms",
    "cryptoKeyVersions": "cloudkms",
    "managedZones": "dns",
    "resourceRecordSets": "dns",
    "changes": "dns",
}
_MORE: Mapping[str, tuple[str, ...]] = {
    # What a call takes besides its own, as Google's reference of the call says.
    "instances.insert": (
        "compute.disks.create",
        "compute.disks.setLabels",
        "compute.images.useReadOnly",
        "compute.instances.setLabels",
        "compute.instances.setMetadata",
        "compute.instances.setTags",
        "compute.subnetworks.use",
    ),
    "instances.attachDisk": ("compute.disks.use",),
    "instances.detachDisk": ("compute.disks.use",),
    "disks.insert": ("compute.disks.setLabels", "compute.snapshots.useReadOnly"),
    "disks.addResourcePolicies": ("compute.resourcePolicies.use",),
    "disks.removeResourcePolicies": ("compute.resourcePolicies.use",),
    "snapshots.insert": ("compute.disks.createSnapshot", "compute.snapshots.setLabels"),
    "routers.insert": ("compute.networks.updatePolicy",),
    "addresses.insert": ("compute.addresses.setLabels",),
    "instances.addAccessConfig": ("compute.addresses.use", "compute.subnetworks.useExternalIp"),
    "changes.create": tuple(f"dns.resourceRecordSets.{verb}" for verb in ("create", "delete", "update")),
    "firewalls.insert": ("compute.networks.updatePolicy",),
    "firewalls.update": ("compute.networks.updatePolicy",),
    "firewalls.delete": ("compute.networks.updatePolicy",),
}


def journey(rig: Rig) -> None:
    """The whole life of one object of each kind."""
    for kind in rig.provider.kinds:
        store = rig.store(kind)
        made = rig.make(kind)
        store.read(made.id, None)
        store.list()
        wanted = rig.changed(kind, made.inputs) or made.inputs
        store.update(made.id, made.inputs, wanted)
        if isinstance(wanted, VolumeInputs):
            fast = msgspec.structs.replace(wanted, name="fast", storage_class="hyperdisk-balanced", iops=3000)
            store.update(rig.make(kind, fast).id, fast, msgspec.structs.replace(fast, iops=4000))
        if isinstance(wanted, FirewallInputs):
            for why in ("first", "second"):
                rules = tuple(msgspec.structs.replace(rule, why=why) for rule in _RULES)
                wanted = msgspec.structs.replace(wanted, rules=rules)
                store.update(made.id, made.inputs, wanted)
            server = rig.inputs("Server")
            subnet = rig.store("Subnet").read(str(getattr(server, "subnet", "")), None)
            network = str(getattr(subnet.inputs if subnet else None, "network", ""))
            carried = rig.make("Firewall", msgspec.structs.replace(wanted, network=network))
            bare = rig.make("Server", server)
            tagged = msgspec.structs.replace(server, firewalls=(carried.id,))
            rig.store("Server").update(bare.id, server, tagged)
            rig.store("Server").read(bare.id, None)
    rig.clear()


def recorded(cloud: Cloud, provider: GoogleProvider) -> set[str]:
    """The calls of the journey, for example ``disks.insert``."""
    with rig_of(provider) as rig:
        journey(rig)
    return set(cloud.fake.calls)


def recorded_names(cloud: Cloud) -> set[str]:
    """The same at Cloud DNS."""
    with world_rig(cloud) as rig:
        journey(rig)
        return set(cloud.fake.calls)


def role(calls: Iterable[str]) -> dict[str, Any]:
    """A custom role with the permissions of these calls."""
    needed: set[str] = set()
    for call in calls:
        collection, _, action = call.partition(".")
        service = _SERVICES.get(collection, "compute")
        needed.add(f"{service}.{collection}.{_VERBS.get(action, action)}")
        needed.update(_MORE.get(call, ()))
    return {
        "title": "pse",
        "description": "What the adapter calls to make, read, change and delete every kind that it makes",
        "stage": "GA",
        "includedPermissions": sorted(needed),
    }


def main() -> None:
    """Write the roles."""
    with tempfile.TemporaryDirectory() as folder, running() as cloud:
        _write(NAMES, recorded_names(cloud))
        cloud.fake.reset()
        provider = GoogleProvider(cloud.target(Path(folder)))
        _write(ROLE, recorded(cloud, provider))
        provider.close()


def _write(path: Path, calls: Iterable[str]) -> None:
    path.write_text(json.dumps(role(calls), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
