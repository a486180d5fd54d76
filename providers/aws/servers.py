"""Servers are EC2 instances: private, with an encrypted root disk that goes with them, and metadata only by token."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.aws.apart import ensure, leave, word_of
from providers.aws.disks import disk_placement, encryption
from providers.aws.errors import reason_of
from providers.aws.images import ID, resolve, root_disk
from providers.aws.network import DEFAULT, default_groups
from providers.aws.tags import filters, owner, specifications
from providers.kit.console import host_key
from providers.kit.noun import Gone, Query, Seen
from providers.ports import Identity, PortError
from pse.core.schema import Placement, ServerInputs

SSH_PORT = 22
_OVER = frozenset({"shutting-down", "terminated"})


class Servers:
    """See `providers.kit.noun.Noun`. RunInstances has a token."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: ServerInputs, identity: Identity) -> str:
        """RunInstances; the intent is the token."""
        group = ensure(self._account, inputs)
        try:
            return self._run(inputs, identity, group)
        except PortError as exc:
            if exc.reason != "transient":
                leave(self._account, group)
            raise

    def _run(self, inputs: ServerInputs, identity: Identity, group: str) -> str:
        image = resolve(self._account, inputs.image)
        device, size = root_disk(image)
        disk = {"DeleteOnTermination": True, **encryption(self._account)} | ({"VolumeSize": size} if size else {})
        interface = {
            "DeviceIndex": 0,
            "SubnetId": inputs.subnet,
            "AssociatePublicIpAddress": False,
            "DeleteOnTermination": True,
        } | ({"Groups": list(inputs.firewalls)} if inputs.firewalls else {})
        more: dict[str, Any] = {"UserData": inputs.user_data} if inputs.user_data else {}
        more |= {"Placement": {"GroupName": group}} if group else {}
        made = self._account.call(
            "run_instances",
            MinCount=1,
            MaxCount=1,
            ImageId=image["ImageId"],
            InstanceType=inputs.shape,
            NetworkInterfaces=[interface],
            KeyName=inputs.key_pair,
            BlockDeviceMappings=[{"DeviceName": device, "Ebs": disk}],
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            ClientToken=identity.op,
            TagSpecifications=specifications(inputs.name, identity, "instance", "volume"),
            **more,
        )
        return str(made["Instances"][0]["InstanceId"])

    def finish(self, object_id: str, inputs: ServerInputs) -> None:
        """Wait until it runs, with the wanted groups and type: a type is changed while it is stopped."""
        raw = self._in_state(object_id, "running", "stopped")
        if _groups(raw) != set(inputs.firewalls):
            groups = list(inputs.firewalls) or default_groups(self._account, raw["VpcId"])
            self._account.call("modify_instance_attribute", InstanceId=object_id, Groups=groups)
        if raw["InstanceType"] != inputs.shape:
            if raw["State"]["Name"] == "running":
                self._account.call("stop_instances", InstanceIds=[object_id])
                raw = self._in_state(object_id, "stopped")
            shape = {"Value": inputs.shape}
            self._account.call("modify_instance_attribute", InstanceId=object_id, InstanceType=shape)
        if raw["State"]["Name"] == "stopped":
            self._account.call("start_instances", InstanceIds=[object_id])
            self._in_state(object_id, "running")
        self._await_host_key(object_id)

    def seen(self, query: Query, known: ServerInputs | None) -> Iterator[Seen]:
        """DescribeInstances, and the root disks of all. Terminated ones stay listed for an hour and are gone."""
        raws = [raw for raw in self._raw(query) if raw["State"]["Name"] not in _OVER]
        disks = self._root_disks(raws)
        for raw in raws:
            state = raw["State"]["Name"]
            yield Seen(
                id=raw["InstanceId"],
                **owner(raw),
                inputs=_inputs(raw, known) | {"apart": word_of(self._account, raw, known)},
                outputs={
                    "address": raw.get("PrivateIpAddress", ""),
                    "ssh_port": SSH_PORT,
                    "ssh_user": self._account.options.get("ssh_user", "admin"),
                    # One call each, so only where one server is looked at.
                    "host_key": self._host_key(raw["InstanceId"]) if query.id and state == "running" else "",
                },
                placement=self._placement(raw, disks),
                reasons=() if state == "running" else (_why(raw),),
            )

    def remove(self, object_id: str) -> None:
        """TerminateInstances, and wait: until then its subnet and groups are in use."""
        found = list(self._raw(Query(id=object_id)))
        groups = {raw.get("Placement", {}).get("GroupName", "") for raw in found}
        if any(raw["State"]["Name"] != "terminated" for raw in found):
            self._account.call("terminate_instances", InstanceIds=[object_id])
        self._account.until(
            lambda: (
                None if any(raw["State"]["Name"] != "terminated" for raw in self._raw(Query(id=object_id))) else True
            ),
            what=f"{object_id} to be terminated",
        )
        # The last one takes it along, or whoever comes after a run that died before it could.
        for group in groups:
            leave(self._account, group)

    def _raw(self, query: Query) -> Iterator[dict[str, Any]]:
        wanted = filters("instance-id", query.id, query.tags)
        for reservation in self._account.pages("describe_instances", "Reservations", Filters=wanted):
            yield from reservation["Instances"]

    def _in_state(self, object_id: str, *states: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            for raw in self._raw(Query(id=object_id)):
                if raw["State"]["Name"] in _OVER:
                    code = str(raw.get("StateReason", {}).get("Code", ""))
                    # Without a code somebody may have terminated it: to ask for the same again would not help.
                    reason = reason_of(code, 400) if code else "conflict"
                    raise Gone(_why(raw), reason=reason, vendor_code=code, where=self._account.place)
                if raw["State"]["Name"] in states:
                    return raw
            return None

        return self._account.until(look, what=f"{object_id} to be {' or '.join(states)}")

    def _root_disks(self, raws: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        wanted = sorted({disk for raw in raws if (disk := _root_disk(raw))})
        found: dict[str, dict[str, Any]] = {}
        # A filter takes 200 values.
        for start in range(0, len(wanted), 200):
            chosen = [{"Name": "volume-id", "Values": wanted[start : start + 200]}]
            found |= {
                raw["VolumeId"]: raw for raw in self._account.pages("describe_volumes", "Volumes", Filters=chosen)
            }
        return found

    def _placement(self, raw: Mapping[str, Any], disks: Mapping[str, Mapping[str, Any]]) -> tuple[Placement, ...]:
        found = [self._account.placed("resource", raw.get("Placement", {}).get("AvailabilityZone", ""))]
        if raw.get("OutpostArn"):
            found.append(Placement("outpost", raw["OutpostArn"], "unknown"))
        disk = disks.get(_root_disk(raw))
        if disk is not None:
            found.extend(disk_placement(self._account, disk, "disk"))
        elif raw.get("RootDeviceType", "ebs") == "ebs":
            found.append(Placement("disk", "?", "unknown"))
        return tuple(found)

    def _await_host_key(self, object_id: str) -> None:
        seconds = self._account.seconds("host_key_wait_s", 180)
        if seconds <= 0:
            return
        try:
            self._account.until(lambda: self._host_key(object_id) or None, what="a host key", seconds=seconds)
        except PortError:
            # It stays unknown, and nobody connects to a server whose key is not known.
            return

    def _host_key(self, object_id: str) -> str:
        """The key that cloud-init wrote on the console at the first boot; empty while it is not there."""
        try:
            said = self._account.call("get_console_output", InstanceId=object_id).get("Output", "")
        except PortError:
            return ""
        return host_key(said)


def _inputs(raw: Mapping[str, Any], known: ServerInputs | None) -> dict[str, Any]:
    live = {
        "shape": raw["InstanceType"],
        "image": raw["ImageId"],
        "subnet": raw.get("SubnetId", ""),
        "key_pair": raw.get("KeyName", ""),
        "firewalls": tuple(sorted(_groups(raw))),
    }
    if known is not None:
        if set(known.firewalls) == _groups(raw):
            live["firewalls"] = known.firewalls
        if known.image and not known.image.startswith(ID):
            # The name meant this image when the server was made; that it means a newer one now is no drift.
            live["image"] = known.image
    return live


def _groups(raw: Mapping[str, Any]) -> set[str]:
    return {group["GroupId"] for group in raw.get("SecurityGroups", ()) if group.get("GroupName") != DEFAULT}


def _root_disk(raw: Mapping[str, Any]) -> str:
    for mapping in raw.get("BlockDeviceMappings", ()):
        if mapping.get("DeviceName") == raw.get("RootDeviceName"):
            return str(mapping.get("Ebs", {}).get("VolumeId", ""))
    return ""


def _why(raw: Mapping[str, Any]) -> str:
    said = raw.get("StateReason", {}).get("Message", "")
    return f"it is {raw['State']['Name']}" + (f": {said}" if said else "")
