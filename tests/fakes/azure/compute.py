"""Microsoft.Compute: virtual machines, and all that the provider knows."""

import base64
import binascii
import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.azure import disks
from tests.fakes.azure.checking import Wrong, check
from tests.fakes.azure.errors import ArmError, invalid
from tests.fakes.azure.kinds import Kind, Raw, Rules
from tests.fakes.azure.network import Interfaces
from tests.fakes.azure.references import DISK, NIC, NSG

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure, Operation

VM = "Microsoft.Compute/virtualMachines"
SIZES = frozenset({"Standard_B2s", "Standard_B2ms", "Standard_D2s_v5", "Standard_D4s_v5", "Standard_D8s_v5",
                   "Standard_F4s_v2", "Standard_B4ms", "Standard_B8ms"})  # fmt: skip
IMAGE = "Debian:debian-12:12-gen2"
"""Publisher, offer and SKU of the one platform image."""
VERSIONS = ("0.20260101.1", "0.20260501.1")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGhvc3RrZXlob3N0a2V5aG9zdGtleWhvc3RrZXlob3N0a2V5"
_RESERVED = frozenset({"admin", "administrator", "root", "user", "guest", "console", "test", "sys", "a", "1"})
_MAX_CUSTOM = 64 * 1024


class VirtualMachines(Rules):
    """A machine with its interfaces and its disk of the operating system; it is changed by PATCH and by actions."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Check all of it, and make its disk and its interfaces."""
        if before is not None:
            raise ArmError(409, "PropertyChangeNotAllowed", "Here a machine that there is is changed by PATCH only.")
        given = new["properties"]
        _size(given)
        if len(new.get("zones") or ()) > 1:
            raise invalid("A machine is in one zone.")
        image = _image(given.get("storageProfile") or {})
        _system(given.get("osProfile") or {})
        interfaces = self._interfaces(cloud, new)
        system = self._system_disk(cloud, new, image)
        for made in (*interfaces, system):
            cloud.resources[made["id"].lower()] = made
            made["properties"]["provisioningState"] = "Succeeded"
        for nic in interfaces:
            nic["properties"]["virtualMachine"] = {"id": new["id"]}
        system["managedBy"] = new["id"]
        system["properties"]["diskState"] = "Attached"
        given["vmId"] = str(uuid.uuid4())
        new["_power"] = "running"

    def patch(self, cloud: "Azure", raw: Raw, body: Raw) -> None:
        """The size; nothing else changes here."""
        self._idle(cloud, raw)
        given = body.get("properties") or {}
        strange = set(given) - {"hardwareProfile"}
        if strange:
            said = f"Changing property '{min(strange)}' is not allowed."
            raise ArmError(409, "PropertyChangeNotAllowed", said)
        if given:
            _size(given)
            raw["properties"]["hardwareProfile"] = given["hardwareProfile"]

    def gone(self, cloud: "Azure", raw: Raw) -> None:
        """What has a deleteOption of Delete goes with it, the rest is let go."""
        profile = raw["properties"]["storageProfile"]
        for nic in raw["properties"]["networkProfile"]["networkInterfaces"]:
            live = cloud.resources.get(nic["id"].lower())
            if live:
                live["properties"]["virtualMachine"] = None
                if (nic.get("properties") or {}).get("deleteOption") == "Delete":
                    cloud.remove(live)
        for disk in (profile["osDisk"], *profile["dataDisks"]):
            live = cloud.resources.get(disk["managedDisk"]["id"].lower())
            if live:
                _let_go(live)
                if disk.get("deleteOption") == "Delete":
                    cloud.remove(live)

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """Without what is never told."""
        power = raw.pop("_power")
        raw["properties"]["osProfile"].pop("customData", None)
        raw["properties"]["osProfile"].pop("adminPassword", None)
        raw["properties"]["instanceView"] = {
            "statuses": [
                {"code": f"ProvisioningState/{raw['properties']['provisioningState'].lower()}", "level": "Info"},
                {"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"},
            ]
        }
        return raw

    def act(self, cloud: "Azure", raw: Raw, action: str, body: Any) -> "Operation":
        """A POST."""
        acts = {
            "deallocate": self._deallocate,
            "start": self._start,
            "reapply": self._reapply,
            "attachdetachdatadisks": self._attach_detach,
            "runcommand": self._run,
        }
        if action.lower() not in acts:
            raise ArmError(404, "InvalidResourceType", f"There is no action '{action}'.")
        self._idle(cloud, raw)
        return acts[action.lower()](cloud, raw, body)

    def _deallocate(self, cloud: "Azure", raw: Raw, _: Any) -> "Operation":
        return cloud.begin(raw, "Updating", finish=lambda: raw.update(_power="deallocated"))

    def _start(self, cloud: "Azure", raw: Raw, _: Any) -> "Operation":
        return cloud.begin(raw, "Updating", finish=lambda: raw.update(_power="running"))

    def _reapply(self, cloud: "Azure", raw: Raw, _: Any) -> "Operation":
        """What failed is tried again."""
        return cloud.begin(raw, "Updating")

    def _run(self, cloud: "Azure", raw: Raw, body: Any) -> "Operation":
        _fits("RunCommandInput", body)
        if raw["_power"] != "running":
            raise ArmError(409, "OperationNotAllowed", "Cannot run a command on a machine that does not run.")
        said = f"-----BEGIN SSH HOST KEY KEYS-----\n{HOST_KEY} root@host\n-----END SSH HOST KEY KEYS-----"
        status = {
            "code": "ProvisioningState/succeeded",
            "level": "Info",
            "displayStatus": "Provisioning succeeded",
            "message": f"Enable succeeded: \n[stdout]\n{said}\n\n[stderr]\n",
        }
        return cloud.begin(raw, "Updating", output={"value": [status]})

    def _attach_detach(self, cloud: "Azure", raw: Raw, body: Any) -> "Operation":
        _fits("AttachDetachDataDisksRequest", body)
        attached: list[Raw] = raw["properties"]["storageProfile"]["dataDisks"]
        for wanted in body.get("dataDisksToDetach") or ():
            live = [disk for disk in attached if disk["managedDisk"]["id"].lower() == wanted["diskId"].lower()]
            if not live:
                raise ArmError(409, "InvalidParameter", f"Disk {wanted['diskId']} is not attached to {raw['name']}.")
            attached.remove(live[0])
            _let_go(cloud.known(wanted["diskId"], raw, kind=DISK))
        for wanted in body.get("dataDisksToAttach") or ():
            attached.append(self._attach(cloud, raw, wanted, {disk["lun"] for disk in attached}))
        return cloud.begin(raw, "Updating", output=raw["properties"]["storageProfile"])

    def _attach(self, cloud: "Azure", raw: Raw, wanted: Raw, taken: set[int]) -> Raw:
        disk = cloud.known(wanted["diskId"], raw, kind=DISK)
        if disk.get("managedBy"):
            said = f"Disk '{disk['name']}' cannot be attached as the disk is already owned by VM '{disk['managedBy']}'."
            raise ArmError(409, "ConflictingUserInput", said)
        if (disk.get("zones") or []) != (raw.get("zones") or []) and not disk["sku"]["name"].endswith("_ZRS"):
            raise invalid(f"Disk {disk['name']} is not in the zone of {raw['name']}.", "BadRequest")
        lun = wanted.get("lun", next(number for number in range(64) if number not in taken))
        if lun in taken:
            raise invalid(f"A disk at LUN {lun} is attached already.", "InvalidParameter")
        disk["managedBy"] = raw["id"]
        disk["properties"]["diskState"] = "Attached"
        return {
            "lun": lun,
            "name": disk["name"],
            "createOption": "Attach",
            "caching": wanted.get("caching", "None"),
            "deleteOption": wanted.get("deleteOption", "Detach"),
            "diskSizeGB": disk["properties"]["diskSizeGB"],
            "managedDisk": {"id": disk["id"], "storageAccountType": disk["sku"]["name"]},
            "toBeDetached": False,
        }

    def _idle(self, cloud: "Azure", raw: Raw) -> None:
        if cloud.busy(raw):
            said = "The request failed due to conflict with a concurrent request."
            raise ArmError(409, "Conflict", said)

    def _interfaces(self, cloud: "Azure", new: Raw) -> list[Raw]:
        profile = new["properties"].get("networkProfile") or {}
        made = [self._interface(cloud, new, one) for one in profile.get("networkInterfaceConfigurations") or ()]
        if made and not profile.get("networkApiVersion"):
            raise invalid("networkApiVersion is needed with networkInterfaceConfigurations.", "InvalidParameter")
        listed = [
            {
                "id": nic["id"],
                "properties": {"primary": True, "deleteOption": one["properties"].get("deleteOption", "Detach")},
            }
            for nic, one in zip(made, profile.get("networkInterfaceConfigurations") or (), strict=True)
        ]
        known = []
        for one in profile.get("networkInterfaces") or ():
            nic = cloud.known(one.get("id"), new, kind=NIC)
            if nic["properties"].get("virtualMachine"):
                raise invalid(f"{nic['id']} belongs to another machine.", "NicInUse")
            known.append(nic)
            listed.append(one)
        if not listed:
            raise invalid("A machine needs a network interface.", "InvalidParameter")
        new["properties"]["networkProfile"] = {"networkInterfaces": listed}
        return [*made, *known]

    def _interface(self, cloud: "Azure", new: Raw, wanted: Raw) -> Raw:
        given = wanted.get("properties") or {}
        name = f"{wanted['name']}-{uuid.uuid4().hex[:8]}"
        nic: Raw = {
            "id": new["id"].partition("/providers/")[0] + f"/providers/{NIC}/{name}",
            "name": name,
            "type": NIC,
            "location": new["location"],
            "tags": dict(wanted.get("tags") or {}),
            "etag": 'W/"0"',
            "properties": {
                "ipConfigurations": [
                    {"name": ip["name"], "properties": {"subnet": (ip.get("properties") or {}).get("subnet")}}
                    for ip in given.get("ipConfigurations") or ()
                ]
            },
        }
        if given.get("networkSecurityGroup"):
            nic["properties"]["networkSecurityGroup"] = {
                "id": cloud.known(given["networkSecurityGroup"].get("id"), new, kind=NSG)["id"]
            }
        Interfaces().put(cloud, nic, None)
        return nic

    def _system_disk(self, cloud: "Azure", new: Raw, image: Raw) -> Raw:
        wanted = new["properties"]["storageProfile"].get("osDisk") or {}
        name = wanted.get("name") or f"{new['name']}_OsDisk_1_{uuid.uuid4().hex}"
        sku = (wanted.get("managedDisk") or {}).get("storageAccountType", "Standard_LRS")
        if sku in {"UltraSSD_LRS", "PremiumV2_LRS"}:
            raise invalid(f"{sku} is no class for a disk of an operating system.")
        path = new["id"].partition("/providers/")[0] + f"/providers/{DISK}/{name}"
        if path.lower() in cloud.resources:
            raise ArmError(409, "ConflictingUserInput", f"Disk {name} already exists.")
        disk: Raw = {
            "id": path,
            "name": name,
            "type": DISK,
            "location": new["location"],
            "tags": {},
            "sku": {"name": sku},
            "properties": {
                "osType": "Linux",
                "diskSizeGB": wanted.get("diskSizeGB", 30),
                "creationData": {"createOption": "FromImage"},
            },
        }
        if new.get("zones"):
            disk["zones"] = new["zones"]
        disks.Disks().put(cloud, disk, None)
        profile = {**wanted, "name": name, "osType": "Linux", "diskSizeGB": disk["properties"]["diskSizeGB"]}
        profile["managedDisk"] = {**(wanted.get("managedDisk") or {}), "id": path, "storageAccountType": sku}
        profile.setdefault("deleteOption", "Detach")
        profile.setdefault("caching", "ReadWrite")
        new["properties"]["storageProfile"] |= {"osDisk": profile, "dataDisks": [], "imageReference": image}
        return disk


def _size(given: Raw) -> None:
    size = (given.get("hardwareProfile") or {}).get("vmSize")
    if size not in SIZES:
        raise invalid(f"The value {size} provided for the VM size is not valid.")


def _image(profile: Raw) -> Raw:
    wanted = profile.get("imageReference") or {}
    if (profile.get("osDisk") or {}).get("createOption") != "FromImage":
        raise invalid("Here a machine starts from an image.")
    name = ":".join(str(wanted.get(key)) for key in ("publisher", "offer", "sku"))
    version = wanted.get("version")
    if name != IMAGE or version not in {"latest", *VERSIONS}:
        raise ArmError(404, "PlatformImageNotFound", f"The platform image '{name}:{version}' is not available.")
    return {**wanted, "exactVersion": VERSIONS[-1] if version == "latest" else version}


def _system(profile: Raw) -> None:
    linux = profile.get("linuxConfiguration") or {}
    keys = (linux.get("ssh") or {}).get("publicKeys") or []
    user = str(profile.get("adminUsername", ""))
    if not user or user.lower() in _RESERVED:
        raise invalid(f"The Admin Username specified is not allowed: '{user}'.")
    if not profile.get("computerName") or len(profile["computerName"]) > 64:
        raise invalid("The value of parameter computerName is invalid.")
    if not profile.get("adminPassword") and not (linux.get("disablePasswordAuthentication") and keys):
        raise invalid("Authentication using either SSH or by user name and password must be enabled.")
    for key in keys:
        if not disks.is_key(key.get("keyData") or "") or key.get("path") != f"/home/{user}/.ssh/authorized_keys":
            raise invalid("The value of parameter linuxConfiguration.ssh.publicKeys.keyData is invalid.")
    try:
        custom = base64.b64decode(profile.get("customData") or "", validate=True)
    except binascii.Error as exc:
        raise invalid("Custom data in OSProfile must be in Base64 encoding.") from exc
    if len(custom) > _MAX_CUSTOM:
        raise invalid("Custom data in OSProfile is too long.")


def _let_go(disk: Raw) -> None:
    disk.pop("managedBy", None)
    disk["properties"]["diskState"] = "Unattached"


def _fits(model: str, body: Any) -> None:
    from azure.mgmt.compute import models

    try:
        check(getattr(models, model), body)
    except Wrong as exc:
        raise invalid(str(exc)) from exc


KINDS = (
    *disks.KINDS,
    Kind(
        "Microsoft.Compute",
        "virtualMachines",
        "2026-04-01",
        "VirtualMachine",
        "VirtualMachineUpdate",
        VirtualMachines(),
    ),
)
