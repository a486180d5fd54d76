"""Microsoft.Compute: SSH public keys and managed disks."""

import base64
import binascii
import uuid
from typing import TYPE_CHECKING

from tests.fakes.azure.errors import ArmError, invalid
from tests.fakes.azure.kinds import Kind, Raw, Rules
from tests.fakes.azure.references import DISK, SNAPSHOT

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure

_BY_HAND = frozenset({"UltraSSD_LRS", "PremiumV2_LRS"})
"""Classes whose speed is chosen, and that are no disk of an operating system."""


def is_key(text: str) -> bool:
    """Whether it is a public key that Azure takes."""
    parts = text.split()
    try:
        base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error):
        return False
    return parts[0] in {"ssh-rsa", "ssh-ed25519"}


class SshPublicKeys(Rules):
    """A key as given."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """The key is one."""
        key = new["properties"].get("publicKey")
        if key is not None and not is_key(key):
            raise invalid("The value of parameter publicKey is invalid.")

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """Without a state: it has none."""
        raw["properties"].pop("provisioningState", None)
        return raw


class Disks(Rules):
    """Managed disks."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Size, class, source, zone."""
        given = new["properties"]
        if before is not None:
            self._replaced(new, before)
        sku = (new.get("sku") or {}).get("name", "Standard_LRS")
        new["sku"] = {"name": sku, "tier": sku.partition("_")[0]}
        create = given.get("creationData") or {}
        if create.get("createOption") == "Empty":
            if not 1 <= given.get("diskSizeGB", 0) <= 65536:
                raise invalid("The value of parameter diskSizeGB is out of range.")
        elif create.get("createOption") == "Copy":
            source = cloud.known(create.get("sourceResourceId"), new, kind=SNAPSHOT)
            given.setdefault("diskSizeGB", source["properties"]["diskSizeGB"])
            if given["diskSizeGB"] < source["properties"]["diskSizeGB"]:
                raise invalid("A disk is not smaller than the snapshot that it begins as.")
        elif create.get("createOption") != "FromImage":
            raise invalid(f"Here no disk is made by {create.get('createOption')}.")
        if len(new.get("zones") or ()) > 1 or (new.get("zones") and sku.endswith("_ZRS")):
            raise invalid("A disk is in one zone, and a zone-redundant one in none.", "InvalidParameter")
        self._speed(sku, given)
        given.setdefault("uniqueId", str(uuid.uuid4()))
        given.setdefault("diskState", "Unattached")
        given.setdefault("encryption", {"type": "EncryptionAtRestWithPlatformKey"})
        given.setdefault("networkAccessPolicy", "AllowAll")
        given.setdefault("publicNetworkAccess", "Enabled")
        given["diskSizeBytes"] = given["diskSizeGB"] * 2**30

    def patch(self, cloud: "Azure", raw: Raw, body: Raw) -> None:
        """It grows; the class changes while nobody has it."""
        given = body.get("properties") or {}
        live = raw["properties"]
        if given.get("diskSizeGB", live["diskSizeGB"]) < live["diskSizeGB"]:
            said = "New disk size is smaller than the current disk size."
            raise ArmError(409, "OperationNotAllowed", said)
        if body.get("sku") and body["sku"]["name"] != raw["sku"]["name"] and raw.get("managedBy"):
            said = f"Cannot change the type of disk {raw['name']} while it is attached to a running machine."
            raise ArmError(409, "OperationNotAllowed", said)
        self._speed(raw["sku"]["name"], given)
        live.update(given)
        live["diskSizeBytes"] = live["diskSizeGB"] * 2**30
        if body.get("sku"):
            raw["sku"] = {"name": body["sku"]["name"], "tier": body["sku"]["name"].partition("_")[0]}

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """No machine may have it."""
        if raw.get("managedBy"):
            said = f"Disk {raw['name']} is attached to VM {raw['managedBy']}."
            raise ArmError(409, "OperationNotAllowed", said)

    def _speed(self, sku: str, given: Raw) -> None:
        if given.get("diskIOPSReadWrite") is not None and sku not in _BY_HAND:
            raise invalid(f"diskIOPSReadWrite cannot be given for a disk of {sku}.")
        if sku in _BY_HAND and "creationData" in given:
            given.setdefault("diskIOPSReadWrite", 3000)

    def _replaced(self, new: Raw, before: Raw) -> None:
        """A PUT of what is there is a change, and most of a disk cannot be changed."""
        old = before["properties"]
        if old["creationData"] != new["properties"].get("creationData"):
            raise ArmError(409, "PropertyChangeNotAllowed", "Changing property 'creationData' is not allowed.")
        if new["properties"].get("diskSizeGB", 0) < old["diskSizeGB"]:
            raise ArmError(409, "OperationNotAllowed", "New disk size is smaller than the current disk size.")
        if (new.get("zones") or []) != (before.get("zones") or []):
            raise ArmError(409, "PropertyChangeNotAllowed", "Changing property 'zones' is not allowed.")
        for key in ("uniqueId", "diskState"):
            new["properties"][key] = old[key]
        if before.get("managedBy"):
            new["managedBy"] = before["managedBy"]


class Snapshots(Rules):
    """Copies of disks as they were."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """The source is there, and in the same location."""
        given = new["properties"]
        create = given.get("creationData") or {}
        if create.get("createOption") != "Copy":
            raise invalid(f"Here no snapshot is made by {create.get('createOption')}.")
        if before is not None:
            if before["properties"]["creationData"] != create:
                raise ArmError(409, "PropertyChangeNotAllowed", "Changing property 'creationData' is not allowed.")
            given["diskSizeGB"] = before["properties"]["diskSizeGB"]
        else:
            given["diskSizeGB"] = cloud.known(create.get("sourceResourceId"), new, kind=DISK)["properties"][
                "diskSizeGB"
            ]
        new["sku"] = {"tier": "Standard", **(new.get("sku") or {"name": "Standard_ZRS"})}
        given.setdefault("networkAccessPolicy", "AllowAll")
        given.setdefault("publicNetworkAccess", "Enabled")
        given["completionPercent"] = 100.0
        given.setdefault("encryption", {"type": "EncryptionAtRestWithPlatformKey"})

    def patch(self, cloud: "Azure", raw: Raw, body: Raw) -> None:
        """Who may take it out."""
        raw["properties"].update(body.get("properties") or {})


KINDS = (
    Kind(
        "Microsoft.Compute",
        "sshPublicKeys",
        "2026-04-01",
        "SshPublicKeyResource",
        "SshPublicKeyUpdateResource",
        SshPublicKeys(),
        sync=True,
        conditional=False,
    ),
    Kind("Microsoft.Compute", "disks", "2026-03-02", "Disk", "DiskUpdate", Disks(), conditional=False, accepted=202),
    Kind(
        "Microsoft.Compute",
        "snapshots",
        "2026-03-02",
        "Snapshot",
        "SnapshotUpdate",
        Snapshots(),
        conditional=False,
        accepted=202,
    ),
)
