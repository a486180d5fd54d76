"""Servers are virtual machines: private, opened by a key only; their disk and their interface go with them.

The interface is made by the machine's own PUT, so that there is no moment with one and not the other.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.azure import interfaces, joined
from providers.azure.account import NEW, Account, reasons
from providers.azure.disks import SHUT, disk_placement, local
from providers.azure.images import name_of, reference
from providers.azure.names import (
    DISK,
    GROUP,
    INTERFACE,
    KEY,
    MACHINE,
    PART,
    SUBNET,
    last,
    own_tags,
    owned,
    parent,
    same,
    tags_of,
)
from providers.azure.network import closed_group
from providers.kit.console import host_key
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity, PortError
from pse.core.schema import Placement, ServerInputs

SSH_PORT = 22
WITH_KEY = "pse-key-pair"
"""Tag: name of the key pair, which Azure does not remember."""
WITH_HOST_KEY = "pse-host-key"
"""Tag: the host key, asked for once."""
_ASK = (
    "echo '-----BEGIN SSH HOST KEY KEYS-----'",
    "cut -d' ' -f1,2 /etc/ssh/ssh_host_*_key.pub",
    "echo '-----END SSH HOST KEY KEYS-----'",
)
_INTERFACES_BY = "2022-11-01"
"""Version of the network's interface that Azure makes interfaces by."""


class Servers:
    """See `providers.kit.noun.Noun`. A name ends in the intent's token, and a PUT takes nobody's place."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: ServerInputs, identity: Identity) -> str:
        """PUT of machine, disk and interface in one."""
        image = reference(self._account, inputs.image)
        key = self._account.needed(inputs.key_pair, KEY)
        subnet = self._account.needed(inputs.subnet, SUBNET)
        group = self._group(inputs, str(subnet["id"]))
        name = made_name(inputs.name, identity)
        tags = {**identity_tags(identity), WITH_KEY: str(key["name"])}
        body = {
            "location": self._account.location,
            **self._account.zones,
            "tags": tags,
            "properties": {
                "hardwareProfile": {"vmSize": inputs.shape},
                "storageProfile": {"imageReference": image, "osDisk": self._disk(name)},
                "osProfile": self._system(inputs, str(key["properties"]["publicKey"]).strip()),
                "networkProfile": {
                    "networkApiVersion": _INTERFACES_BY,
                    "networkInterfaceConfigurations": [
                        {
                            "name": name,
                            "tags": {**identity_tags(identity), PART: name},
                            "properties": {
                                "primary": True,
                                "deleteOption": "Delete",
                                "networkSecurityGroup": {"id": group},
                                "ipConfigurations": [
                                    {"name": "main", "properties": {"primary": True, "subnet": {"id": inputs.subnet}}}
                                ],
                            },
                        }
                    ],
                },
            },
        }
        object_id = self._account.path(MACHINE, name)
        self._account.put(object_id, body, NEW)
        return object_id

    def finish(self, object_id: str, inputs: ServerInputs) -> None:
        """Wait until it runs, with the wanted group and size, its disk shut: a size is changed while it is off."""
        raw = self._account.ready(object_id, MACHINE)
        self._shut_disk(raw)
        self._regroup(raw, inputs)
        shape = {"hardwareProfile": {"vmSize": inputs.shape}}
        if raw["properties"]["hardwareProfile"]["vmSize"] != inputs.shape:
            self._account.post(object_id, "deallocate")
            self._account.patch(object_id, {"properties": shape})
        elif reasons(raw):
            self._account.post(object_id, "reapply")
        if _power(self._account.get(object_id, MACHINE, expand="instanceView") or {}) != "running":
            self._account.post(object_id, "start")
        self._account.succeeded(object_id, MACHINE)
        self._ask_host_key(object_id, raw)

    def seen(self, query: Query, known: ServerInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group, with their disks and interfaces."""
        one = self._account.get(query.id, MACHINE, expand="instanceView") if query.id else None
        raws = [one] if one else [] if query.id else list(self._account.all(MACHINE, expand="instanceView"))
        disks, nics = self._parts(raws, DISK), self._parts(raws, INTERFACE)
        groups = joined.groups_of(self._account) if any(self._is_joined(nic) for nic in nics.values()) else {}
        for raw in raws:
            nic = nics.get(interfaces.of_machine(raw).lower())
            tags, power = tags_of(raw), _power(raw)
            yield Seen(
                id=self._account.path(MACHINE, raw["name"]),
                **owned(raw),
                inputs=self._inputs(raw, nic or {}, groups, known),
                outputs={
                    "address": interfaces.address_of(nic or {}),
                    "ssh_port": SSH_PORT,
                    "ssh_user": str((raw["properties"].get("osProfile") or {}).get("adminUsername", "")),
                    "host_key": tags.get(WITH_HOST_KEY, ""),
                },
                placement=self._placement(raw, disks.get(_disk_of(raw).lower()), nic),
                reasons=reasons(raw)
                or (() if power == "running" else (f"it is {power or 'in no known state'}",))
                or self._unjoined(nic or {}, groups),
            )

    def remove(self, object_id: str) -> None:
        """DELETE, and wait until disk and interface are gone too: until then subnet and group are in use."""
        raw = self._account.get(object_id, MACHINE)
        self._account.delete(object_id, MACHINE)
        self._part_gone(_disk_of(raw or {}), DISK)
        self._part_gone(interfaces.of_machine(raw or {}), INTERFACE)
        self._account.delete(joined.group_id(self._account, object_id), GROUP)

    # -- below: the parts of a machine --

    def _part_gone(self, part: str, kind: str) -> None:
        live = self._account.get(part, kind)
        # Azure takes it along, unless somebody told it not to.
        if live is not None and live["properties"].get("provisioningState") != "Deleting":
            self._account.delete(part, kind)
        self._account.until(
            lambda: True if self._account.get(part, kind) is None else None, what=f"{last(part)} to be gone"
        )

    def _disk(self, name: str) -> dict[str, Any]:
        kept_in = local(self._account, self._account.options.get("os_disk_class", "StandardSSD_LRS"))
        return {
            "name": f"{name}-os",
            "createOption": "FromImage",
            "deleteOption": "Delete",
            "managedDisk": {"storageAccountType": kept_in},
        }

    def _system(self, inputs: ServerInputs, public_key: str) -> dict[str, Any]:
        user = self._account.options.get("ssh_user", "azureuser")
        keys = [{"path": f"/home/{user}/.ssh/authorized_keys", "keyData": public_key}]
        script = base64.b64encode(inputs.user_data.encode()).decode()
        return {
            "computerName": inputs.name,
            "adminUsername": user,
            "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": {"publicKeys": keys}},
        } | ({"customData": script} if script else {})

    def _group(self, inputs: ServerInputs, subnet: str) -> str:
        """The one group of an interface, until several are joined: the network's own permits nothing."""
        return inputs.firewalls[0] if len(inputs.firewalls) == 1 else closed_group(self._account, parent(subnet))

    def _shut_disk(self, raw: Mapping[str, Any]) -> None:
        """Azure makes the disk open to exports and without tags."""
        disk_id = _disk_of(raw)
        disk = self._account.get(disk_id, DISK)
        if disk is None:
            return
        tags = {**own_tags(raw), PART: str(raw["name"])}
        if not tags.items() <= tags_of(disk).items() or any(disk["properties"].get(key) != SHUT[key] for key in SHUT):
            path = self._account.path(DISK, disk["name"])
            self._account.patch(path, {"tags": {**(disk.get("tags") or {}), **tags}, "properties": dict(SHUT)})

    def _regroup(self, raw: Mapping[str, Any], inputs: ServerInputs) -> None:
        """Give the interface the wanted group: the firewall's, the network's closed one, or one that joins several."""
        nic = self._account.get(interfaces.of_machine(raw), INTERFACE)
        if nic is None:
            return
        several = len(inputs.firewalls) > 1
        wanted = joined.join(self._account, raw, inputs.firewalls) if several else self._group(inputs, inputs.subnet)
        was = interfaces.group_of(nic)
        interfaces.change(self._account, nic, group=wanted)
        own = joined.group_id(self._account, str(raw["name"]))
        if same(was, own) and not several:
            self._account.delete(own, GROUP)

    def _parts(self, machines: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
        """Disks or interfaces of machines by id in small letters: one call for one machine, one listing for many."""
        if len(machines) == 1:
            part = (_disk_of if kind == DISK else interfaces.of_machine)(machines[0])
            found = self._account.get(part, kind)
            return {part.lower(): found} if found else {}
        return (
            {self._account.path(kind, raw["name"]).lower(): raw for raw in self._account.all(kind)} if machines else {}
        )

    def _inputs(
        self, raw: Mapping[str, Any], nic: Mapping[str, Any], groups: joined.Groups, known: ServerInputs | None
    ) -> dict[str, Any]:
        live, tags = raw["properties"], tags_of(raw)
        found: dict[str, Any] = {
            "shape": live["hardwareProfile"]["vmSize"],
            "image": name_of((live.get("storageProfile") or {}).get("imageReference") or {}),
            "subnet": interfaces.subnet_of(self._account, nic),
            "key_pair": self._account.path(KEY, tags[WITH_KEY]) if tags.get(WITH_KEY) else "",
        }
        found["firewalls"] = self._firewalls(nic, found["subnet"], groups)
        if known is not None:
            found |= {
                key: getattr(known, key) for key in ("subnet", "key_pair") if same(getattr(known, key), found[key])
            }
            if {one.lower() for one in known.firewalls} == {one.lower() for one in found["firewalls"]}:
                found["firewalls"] = known.firewalls
        return found

    def _firewalls(self, nic: Mapping[str, Any], subnet: str, groups: joined.Groups) -> tuple[str, ...]:
        group = interfaces.group_of(nic)
        if self._is_joined(nic):
            return joined.members(self._account, groups.get(last(group).lower(), {}))
        return () if not group or same(group, closed_group(self._account, parent(subnet))) else (group,)

    def _is_joined(self, nic: Mapping[str, Any]) -> bool:
        owner_of = last(str(((nic.get("properties") or {}).get("virtualMachine") or {}).get("id") or ""))
        return same(last(interfaces.group_of(nic)), last(joined.group_id(self._account, owner_of)))

    def _unjoined(self, nic: Mapping[str, Any], groups: joined.Groups) -> tuple[str, ...]:
        """Why what a server has of several firewalls is not theirs; and a server without any group is open."""
        if not interfaces.group_of(nic):
            return ("its interface has no security group",)
        if not self._is_joined(nic):
            return ()
        group = groups.get(last(interfaces.group_of(nic)).lower())
        firewalls = joined.members(self._account, group or {})
        good = group is not None and joined.is_true(group, firewalls, groups)
        return () if good else ("its group does not permit what its firewalls do",)

    def _placement(
        self, raw: Mapping[str, Any], disk: Mapping[str, Any] | None, nic: Mapping[str, Any] | None
    ) -> tuple[Placement, ...]:
        found = self._account.located(raw, zonal=True)
        found += disk_placement(self._account, disk, "disk") if disk else [Placement("disk", "?", "unknown")]
        found += self._account.located(nic, what="interface") if nic else [Placement("interface", "?", "unknown")]
        boot = (raw["properties"].get("diagnosticsProfile") or {}).get("bootDiagnostics") or {}
        if boot.get("enabled"):
            found.append(Placement("log", str(boot.get("storageUri") or "Azure's own storage"), "unknown"))
        return tuple(found)

    # -- below: the host key --

    def _ask_host_key(self, object_id: str, raw: Mapping[str, Any]) -> None:
        """Ask the new server for its key by Azure's agent in it, once, and keep it in a tag."""
        seconds = self._account.seconds("host_key_wait_s", 180)
        if seconds <= 0 or tags_of(raw).get(WITH_HOST_KEY):
            return

        def look() -> str | None:
            output = self._account.post(object_id, "run_command", {"commandId": "RunShellScript", "script": list(_ASK)})
            said = "\n".join(str(status.get("message", "")) for status in output.get("value") or ())
            return host_key(said) or None

        try:
            found = self._account.until(look, what="a host key", seconds=seconds)
            self._account.tag(object_id, {WITH_HOST_KEY: found})
        except PortError:
            # It stays unknown, and nobody connects to a server whose key is not known.
            return


def _power(raw: Mapping[str, Any]) -> str:
    view = (raw.get("properties") or {}).get("instanceView") or {}
    codes = [str(status.get("code", "")) for status in view.get("statuses") or ()]
    return next((code.removeprefix("PowerState/") for code in codes if code.startswith("PowerState/")), "")


def _disk_of(raw: Mapping[str, Any]) -> str:
    profile = (raw.get("properties") or {}).get("storageProfile") or {}
    return str(((profile.get("osDisk") or {}).get("managedDisk") or {}).get("id") or "")
