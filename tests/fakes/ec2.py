"""What EC2 does and moto does not, as layers of the hostile proxy: tokens, refusals, paging, eventual consistency.

Written after the EC2 API reference. Not checked: who may do what, quotas, prices, how long anything takes.
"""

import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any

from tests.fakes.hostile import Answer, Forward, Request

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
ACCOUNT = "123456789012"
"""The account that moto plays."""
VOLUME_TYPES = frozenset({"standard", "gp2", "gp3", "io1", "io2", "st1", "sc1"})
_WITH_IOPS = {"gp3": (3000, 80000), "io1": (100, 64000), "io2": (100, 256000)}
_MADE = {
    "CreateVpc": "vpcId",
    "CreateSubnet": "subnetId",
    "CreateSecurityGroup": "groupId",
    "CreateVolume": "volumeId",
    "ImportKeyPair": "keyName",
    "RunInstances": "instanceId",
    "CreateInternetGateway": "internetGatewayId",
    "CreateRouteTable": "routeTableId",
    "AllocateAddress": "allocationId",
    "CreateSnapshot": "snapshotId",
}
_NOT_FOUND = {
    "vpc": "InvalidVpcID.NotFound",
    "subnet": "InvalidSubnetID.NotFound",
    "sg": "InvalidGroup.NotFound",
    "vol": "InvalidVolume.NotFound",
    "i": "InvalidInstanceID.NotFound",
    "igw": "InvalidInternetGatewayID.NotFound",
    "rtb": "InvalidRouteTableID.NotFound",
    "eipalloc": "InvalidAllocationID.NotFound",
    "snap": "InvalidSnapshot.NotFound",
}
_REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


def error(code: str, message: str, *, status: int = 400) -> Answer:
    """An error as EC2 writes it."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{code}</Code>'
        f"<Message>{message}</Message></Error></Errors><RequestID>0</RequestID></Response>"
    )
    return Answer(status, body.encode(), {"Content-Type": "text/xml"})


def region_of(request: Request) -> str:
    """The region that a request was signed for."""
    found = _REGION.search(request.headers.get("Authorization", ""))
    return found[1] if found else ""


class Tokens:
    """ClientToken: the same token gives the same answer; with another body, or for what is gone, an error."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """Args: client: Gives a boto3 client of EC2 for a region, straight to the server."""
        self._client = client
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, str, str], threading.Lock] = {}
        self._known: dict[tuple[str, str, str], tuple[dict[str, str], Answer]] = {}

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Forward a token once."""
        form = request.form
        if "ClientToken" not in form or request.action not in _MADE:
            return forward(request)
        key = (region_of(request), request.action, form["ClientToken"])
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                answer = forward(request)
                if answer.status == 200:
                    self._known[key] = (form, answer)
                return answer
            before, answer = self._known[key]
            if before != form:
                return error("IdempotentParameterMismatch", "The client token was used with other parameters")
            if request.action == "RunInstances" and self._is_over(key[0], answer):
                return error("IdempotentInstanceTerminated", "The instance of this client token is terminated")
            return answer

    def _is_over(self, region: str, answer: Answer) -> bool:
        found = self._client(region).describe_instances(InstanceIds=_made_ids(answer, "instanceId"))
        return all(i["State"]["Name"] == "terminated" for r in found["Reservations"] for i in r["Instances"])


class Refusals:
    """What EC2 refuses and moto lets through."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """Args: client: Gives a boto3 client of EC2 for a region, straight to the server."""
        self._client = client
        # Looking and doing have to be one step, as they are at EC2.
        self._lock = threading.Lock()

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Refuse, or forward."""
        check = getattr(self, f"_{request.action}", None)
        if check is None:
            return forward(request)
        with self._lock:
            said: Answer | None = check(self._client(region_of(request)), request.form)
            return said or forward(request)

    def _CreateSecurityGroup(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802  (EC2's names)
        if not client.describe_vpcs(Filters=_is("vpc-id", form["VpcId"]))["Vpcs"]:
            return error("InvalidVpcID.NotFound", f"The vpc ID '{form['VpcId']}' does not exist")
        return None

    def _CreateVolume(self, _: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        if form.get("VolumeType", "gp2") not in VOLUME_TYPES:
            return error("InvalidParameterValue", f"Unknown volume type '{form['VolumeType']}'")
        sort, iops = form.get("VolumeType", "gp2"), int(form.get("Iops", "0"))
        if iops and sort not in _WITH_IOPS:
            return error("InvalidParameterCombination", f"The parameter iops is not supported for {sort} volumes.")
        if sort in {"io1", "io2"} and not iops:
            return error("MissingParameter", f"The request must contain the parameter iops for {sort} volumes")
        low, high = _WITH_IOPS.get(sort, (0, 0))
        if iops and not low <= iops <= high:
            return error("InvalidParameterValue", f"Volume iops of {iops} is not from {low} to {high}")
        return None

    def _DeleteSubnet(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        return _in_use(client, "subnet-id", form["SubnetId"])

    def _DeleteSecurityGroup(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        return _in_use(client, "instance.group-id", form["GroupId"])

    def _DeleteVpc(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        groups = client.describe_security_groups(Filters=_is("vpc-id", form["VpcId"]))["SecurityGroups"]
        if any(group["GroupName"] != "default" for group in groups):
            return error("DependencyViolation", f"The vpc '{form['VpcId']}' has dependencies and cannot be deleted.")
        if client.describe_internet_gateways(Filters=_is("attachment.vpc-id", form["VpcId"]))["InternetGateways"]:
            return error("DependencyViolation", f"The vpc '{form['VpcId']}' has dependencies and cannot be deleted.")
        return None

    def _AttachInternetGateway(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        if client.describe_internet_gateways(Filters=_is("attachment.vpc-id", form["VpcId"]))["InternetGateways"]:
            return error("InvalidParameterValue", f"Network {form['VpcId']} already has an internet gateway attached")
        return None

    def _DetachInternetGateway(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        for raw in client.describe_addresses()["Addresses"]:
            for found in _instances(client, _is("instance-id", raw.get("InstanceId") or "none")):
                if found.get("VpcId") == form["VpcId"] and found["State"]["Name"] != "terminated":
                    return error("DependencyViolation", f"Network {form['VpcId']} has some mapped public address(es).")
        return None

    def _AssociateRouteTable(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        if client.describe_route_tables(Filters=_is("association.subnet-id", form["SubnetId"]))["RouteTables"]:
            return error("Resource.AlreadyAssociated", f"{form['SubnetId']} is associated with a route table already")
        return None

    def _ReleaseAddress(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        for raw in client.describe_addresses(Filters=_is("allocation-id", form["AllocationId"]))["Addresses"]:
            if raw.get("AssociationId"):
                return error("InvalidIPAddress.InUse", f"Address {raw['PublicIp']} is in use.")
        return None

    def _AttachVolume(self, client: Any, form: Mapping[str, str]) -> Answer | None:  # noqa: N802
        for raw in client.describe_volumes(Filters=_is("volume-id", form["VolumeId"]))["Volumes"]:
            if raw.get("Attachments"):
                return error("VolumeInUse", f"{form['VolumeId']} is already attached to an instance")
        for raw in _instances(client, _is("instance-id", form["InstanceId"])):
            if form["Device"] in {mapping["DeviceName"] for mapping in raw.get("BlockDeviceMappings", ())}:
                said = f"Invalid value '{form['Device']}' for unixDevice. Attachment point is already in use"
                return error("InvalidParameterValue", said)
        return None


class Own:
    """Snapshots of the account itself only, where they are asked for, with their keys; an address's border group."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """Args: client: Gives a boto3 client of EC2 for a region, straight to the server."""
        self._client = client

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Ask for them, or tell it."""
        if request.action == "DescribeSnapshots" and request.form.get("Owner.1") == "self":
            form = request.form
            number = 1 + max((int(key.split(".")[1]) for key in form if key.startswith("Filter.")), default=0)
            own = {f"Filter.{number}.Name": "owner-id", f"Filter.{number}.Value.1": ACCOUNT}
            return self._with_keys(request, forward(request.with_form(form | own)))
        answer = forward(request)
        if request.action == "DescribeAddresses" and answer.status == 200:
            root = ET.fromstring(answer.body)
            for item in _listing(root):
                ET.SubElement(item, f"{{{NAMESPACE}}}networkBorderGroup").text = region_of(request)
            return Answer(200, ET.tostring(root), answer.headers)
        return answer

    def _with_keys(self, request: Request, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        root = ET.fromstring(answer.body)
        for item in _listing(root):
            said = {_local(child): child.text or "" for child in item}
            if said.get("encrypted") == "true" and not said.get("kmsKeyId"):
                volumes = self._client(region_of(request)).describe_volumes(Filters=_is("volume-id", said["volumeId"]))
                for raw in volumes["Volumes"]:
                    ET.SubElement(item, f"{{{NAMESPACE}}}kmsKeyId").text = raw["KmsKeyId"]
        return Answer(200, ET.tostring(root), answer.headers)


class Late:
    """Eventual consistency: for some seconds what is new is neither listed nor known to other calls.

    Args:
        seconds: How long; may be changed.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._hidden: dict[str, float] = {}

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Hide."""
        now = monotonic()
        hidden = {made for made, until in list(self._hidden.items()) if until > now}
        if request.action.startswith("Describe"):
            answer = forward(request)
            return _without(answer, hidden) if hidden else answer
        for value in request.form.values():
            code = _NOT_FOUND.get(value.partition("-")[0])
            if value in hidden and code:
                return error(code, f"{value} does not exist")
        answer = forward(request)
        if self.seconds and request.action in _MADE and answer.status == 200:
            for made in _made_ids(answer, _MADE[request.action]):
                self._hidden.setdefault(made, monotonic() + self.seconds)
        return answer


class Pages:
    """Paging with pages of ``size`` items, whatever was asked for; an empty page comes first."""

    def __init__(self, size: int = 1) -> None:
        self._size = size

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """One page."""
        form = request.form
        if not request.action.startswith("Describe") or "MaxResults" not in form:
            return forward(request)
        start = int(form.pop("NextToken", "page-0").removeprefix("page-"))
        del form["MaxResults"]
        answer = forward(request.with_form(form))
        if answer.status != 200:
            return answer
        root = ET.fromstring(answer.body)
        listing = _listing(root)
        items = list(listing)
        first = max(0, start - 1) * self._size
        kept = items[first : first + self._size] if start else []
        for item in items:
            if item not in kept:
                listing.remove(item)
        if start == 0 or first + self._size < len(items):
            ET.SubElement(root, f"{{{NAMESPACE}}}nextToken").text = f"page-{start + 1}"
        return Answer(200, ET.tostring(root), answer.headers)


def _in_use(client: Any, name: str, value: str) -> Answer | None:
    over = {"terminated"}
    if any(raw["State"]["Name"] not in over for raw in _instances(client, _is(name, value))):
        return error("DependencyViolation", f"'{value}' has dependencies and cannot be deleted.")
    return None


def _instances(client: Any, filters: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for reservation in client.describe_instances(Filters=filters)["Reservations"]:
        yield from reservation["Instances"]


def _is(name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]


def _made_ids(answer: Answer, tag: str) -> list[str]:
    found = (element.text or "" for element in ET.fromstring(answer.body).iter() if _local(element) == tag)
    return [text for text in dict.fromkeys(found) if text][:1]


def _without(answer: Answer, hidden: set[str]) -> Answer:
    """The answer without the items whose own id is hidden."""
    if answer.status != 200:
        return answer
    root = ET.fromstring(answer.body)
    for parent in list(root.iter()):
        for item in [child for child in parent if _local(child) == "item"]:
            if _local(parent) in _LISTS and {child.text for child in item} & hidden:
                parent.remove(item)
    return Answer(200, ET.tostring(root), answer.headers)


_LISTS = frozenset({"vpcSet", "subnetSet", "securityGroupInfo", "volumeSet", "keySet", "instancesSet",
                    "internetGatewaySet", "routeTableSet", "addressesSet", "snapshotSet"})  # fmt: skip


def _listing(root: ET.Element) -> ET.Element:
    return next(child for child in root if _local(child).endswith(("Set", "Info")))


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
