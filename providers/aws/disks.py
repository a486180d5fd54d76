"""Volumes are EBS volumes, always encrypted. An attachment is no object at EC2: its tags are on the volume."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.aws.encryption import usable
from providers.aws.tags import filters, named, owner, plain, specifications
from providers.kit.noun import Query, Seen
from providers.kit.tags import identity_of
from providers.ports import Identity, PortError
from pse.core.schema import AttachmentInputs, Placement, VolumeInputs

DEVICES = tuple(f"/dev/sd{letter}" for letter in "fghijklmnop")
"""Device names that AWS recommends for data volumes; others are the image's own disks."""
BASE_IOPS = {"gp3": 3000}
"""Operations a second that a type gives for its price, where more can be bought."""
AT = "pse-attachment-"
"""Prefix of an attachment's tags on its volume."""


class Volumes:
    """See `providers.kit.noun.Noun`. CreateVolume has a token."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: VolumeInputs, identity: Identity) -> str:
        """CreateVolume in the place's zone; the intent is the token."""
        more: dict[str, Any] = {"Iops": inputs.iops} if inputs.iops else {}
        more |= {"SnapshotId": inputs.snapshot} if inputs.snapshot else {}
        made = self._account.call(
            "create_volume",
            AvailabilityZone=self._account.zone,
            Size=inputs.size_gib,
            VolumeType=inputs.storage_class,
            ClientToken=identity.op,
            TagSpecifications=specifications(inputs.name, identity, "volume"),
            **more,
            **encryption(self._account, inputs.encryption_key),
        )
        return str(made["VolumeId"])

    def finish(self, object_id: str, inputs: VolumeInputs) -> None:
        """Wait until it is usable, and bring size and operations a second to those wanted."""
        raw = self._usable(object_id)
        # Both in one call: EBS takes no second one for six hours.
        change: dict[str, Any] = {"Size": inputs.size_gib} if raw["Size"] < inputs.size_gib else {}
        iops = inputs.iops or BASE_IOPS.get(inputs.storage_class, 0)
        if iops and _iops(raw) != iops:
            change["Iops"] = iops
        if change:
            self._account.call("modify_volume", VolumeId=object_id, **change)
            self._account.until(
                lambda: True if self._usable(object_id).items() >= change.items() else None,
                what=f"{object_id} to change",
            )

    def seen(self, query: Query, known: VolumeInputs | None) -> Iterator[Seen]:
        """DescribeVolumes, without the root disks of servers, which are part of them."""
        wanted = filters("volume-id", query.id, query.tags)
        for raw in self._account.pages("describe_volumes", "Volumes", Filters=wanted):
            devices = [attached.get("Device", "") for attached in raw.get("Attachments", ())]
            if raw["State"] in {"deleting", "deleted"} or any(device not in DEVICES for device in devices):
                continue
            yield Seen(
                id=raw["VolumeId"],
                **owner(raw),
                inputs=_inputs(raw, known),
                placement=disk_placement(self._account, raw, "resource"),
                reasons=(f"it is in state {raw['State']}",) if raw["State"] in {"creating", "error"} else (),
            )

    def remove(self, object_id: str) -> None:
        """DeleteVolume."""
        self._account.call("delete_volume", VolumeId=object_id)

    def _usable(self, object_id: str) -> Mapping[str, Any]:
        def look() -> Mapping[str, Any] | None:
            raw = volume(self._account, object_id)
            if raw is not None and raw["State"] == "error":
                raise PortError(f"{object_id} is in state error", reason="invalid", where=self._account.place)
            return raw if raw is not None and raw["State"] in {"available", "in-use"} else None

        return self._account.until(look, what=f"{object_id} to be available")


class Attachments:
    """See `providers.kit.noun.Noun`. The id is ``<volume>:<server>``; a volume is attached once."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: AttachmentInputs, identity: Identity) -> str:
        """AttachVolume, after the tags are on the volume: whatever dies in between, what is attached has an owner."""
        raw = volume(self._account, inputs.volume)
        if raw is None:
            raise PortError(f"no volume {inputs.volume!r} here", reason="not-found", where=self._account.place)
        server = self._server(inputs.server)
        attached = [found["InstanceId"] for found in raw.get("Attachments", ())]
        if attached:
            tags = plain(raw.get("Tags", ()))
            if attached == [inputs.server] and tags.get(f"{AT}op") == identity.op:
                return f"{inputs.volume}:{inputs.server}"
            raise PortError(f"{inputs.volume} is attached to {attached[0]}", reason="in-use", where=self._account.place)
        own = {"server": inputs.server, "mount": inputs.mount}
        tags_wanted = named(inputs.name, identity, prefix=AT)
        tags_wanted += [{"Key": f"{AT}{key}", "Value": value} for key, value in own.items()]
        self._account.call("create_tags", Resources=[inputs.volume], Tags=tags_wanted)
        self._attach(inputs.volume, inputs.server, _devices_of(server))
        return f"{inputs.volume}:{inputs.server}"

    def finish(self, object_id: str, inputs: AttachmentInputs) -> None:  # noqa: ARG002  (nothing of it is changed)
        """Wait until the server has it."""
        self._account.until(
            lambda: next((True for raw, at in self._raw(Query(id=object_id)) if at.get("State") == "attached"), None),
            what=f"{object_id} to be attached",
        )

    def seen(self, query: Query, known: AttachmentInputs | None) -> Iterator[Seen]:
        """DescribeVolumes: each attachment that is not a server's own disk."""
        for raw, attached in self._raw(query):
            tags = plain(raw.get("Tags", ()))
            ours = tags.get(f"{AT}server") == attached["InstanceId"]
            given = known.mount if known is not None else ""
            state = attached.get("State", "attached")
            yield Seen(
                id=f"{raw['VolumeId']}:{attached['InstanceId']}",
                name=tags.get(f"{AT}name", "") if ours else "",
                identity=identity_of(tags, prefix=AT) if ours else None,
                inputs={
                    "server": attached["InstanceId"],
                    "volume": raw["VolumeId"],
                    "mount": tags.get(f"{AT}mount", given) if ours else given,
                },
                outputs={"device": attached.get("Device", "")},
                placement=(self._account.placed("resource", raw.get("AvailabilityZone", "")),),
                reasons=() if state == "attached" else (f"it is in state {state}",),
            )

    def remove(self, object_id: str) -> None:
        """DetachVolume; a volume that is not attached is as good."""
        disk, _, server = object_id.partition(":")
        try:
            self._account.call("detach_volume", VolumeId=disk, InstanceId=server)
        except PortError as exc:
            # IncorrectState: the volume is available.
            if exc.reason != "not-found" and exc.vendor_code != "IncorrectState":
                raise
        raw = volume(self._account, disk)
        keys = [key for key in plain((raw or {}).get("Tags", ())) if key.startswith(AT)]
        if keys and plain((raw or {}).get("Tags", ())).get(f"{AT}server") == server:
            self._account.until(lambda: True if not list(self._raw(Query(id=object_id))) else None, what="a detachment")
            self._account.call("delete_tags", Resources=[disk], Tags=[{"Key": key} for key in keys])

    def _attach(self, disk: str, server: str, taken: set[str]) -> None:
        for device in DEVICES:
            if device in taken:
                continue
            try:
                self._account.call("attach_volume", VolumeId=disk, InstanceId=server, Device=device)
            except PortError as exc:
                # Another attachment took the name since we looked.
                if exc.vendor_code == "InvalidParameterValue" and "already in use" in exc.message:
                    continue
                raise
            return
        raise PortError(f"{server} has no device name left", reason="quota", where=self._account.place)

    def _server(self, object_id: str) -> Mapping[str, Any]:
        wanted = filters("instance-id", object_id, {})
        for reservation in self._account.pages("describe_instances", "Reservations", Filters=wanted):
            for raw in reservation["Instances"]:
                if raw["InstanceId"] == object_id and raw["State"]["Name"] not in {"terminated", "shutting-down"}:
                    found: Mapping[str, Any] = raw
                    return found
        raise PortError(f"no server {object_id!r} here", reason="not-found", where=self._account.place)

    def _raw(self, query: Query) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        disk, _, server = query.id.partition(":")
        wanted = filters("volume-id", disk, query.tags, prefix=AT)
        for raw in self._account.pages("describe_volumes", "Volumes", Filters=wanted):
            for attached in raw.get("Attachments", ()):
                mine = attached.get("Device") in DEVICES and attached.get("State") != "detached"
                if mine and server in {"", attached["InstanceId"]}:
                    yield raw, attached


def encryption(account: Account, own_key: str = "") -> dict[str, Any]:
    """What makes a disk encrypted: its own key, else that of the option ``kms_key``, else the account's default."""
    key = usable(account, own_key) if own_key else account.options.get("kms_key")
    return {"Encrypted": True} | ({"KmsKeyId": key} if key else {})


def volume(account: Account, object_id: str) -> dict[str, Any] | None:
    """One volume as EC2 describes it."""
    wanted = filters("volume-id", object_id, {})
    return next((raw for raw in account.pages("describe_volumes", "Volumes", Filters=wanted)), None)


def disk_placement(account: Account, raw: Mapping[str, Any], what: str) -> tuple[Placement, ...]:
    """Where a disk rests, and the key that opens it."""
    return (account.placed(what, raw.get("AvailabilityZone", "")), *placed_beside(account, raw))


def placed_beside(account: Account, raw: Mapping[str, Any]) -> Iterator[Placement]:
    """What else a disk or a copy of one tells of where it rests: an Outpost, and the key that opens it."""
    if raw.get("OutpostArn"):
        yield Placement("outpost", raw["OutpostArn"], "unknown")
    if raw.get("KmsKeyId"):
        yield account.regional("key", raw["KmsKeyId"])
    elif raw.get("Encrypted"):
        yield Placement("key", "?", "unknown")


def _inputs(raw: Mapping[str, Any], known: VolumeInputs | None) -> dict[str, Any]:
    live = {"size_gib": raw["Size"], "storage_class": raw["VolumeType"], "snapshot": raw.get("SnapshotId", "")}
    # What the class and the account give by themselves is not an input.
    paid = raw["VolumeType"] in {"io1", "io2", "gp3"} and _iops(raw) != BASE_IOPS.get(raw["VolumeType"])
    if paid or (known is not None and known.iops):
        live["iops"] = _iops(raw)
    if known is not None and known.encryption_key:
        live["encryption_key"] = str(raw.get("KmsKeyId", "")).rpartition("/")[2]
    return live


def _iops(raw: Mapping[str, Any]) -> int:
    return int(raw.get("Iops") or BASE_IOPS.get(raw["VolumeType"], 0))


def _devices_of(server: Mapping[str, Any]) -> set[str]:
    return {str(mapping.get("DeviceName")) for mapping in server.get("BlockDeviceMappings", ())}
