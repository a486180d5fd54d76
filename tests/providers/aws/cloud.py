"""moto as a process of its own behind the hostile proxy: AWS on a loopback port, its credentials dummies."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from providers.aws import AwsProvider
from providers.aws.worldwide import Route53Provider
from providers.conformance import Rig
from providers.ports import Target
from tests.fakes.acm import Certificates
from tests.fakes.ec2 import Late, Own, Pages, Refusals, Tokens, error
from tests.fakes.elb import Balancers
from tests.fakes.hostile import Answer, Forward, Hostile, Layer, Request, refuse, replace
from tests.fakes.kms import Rotations
from tests.fakes.placement import Spread
from tests.fakes.route53 import HostedZones
from tests.fakes.s3 import Objects
from tests.fakes.trouble import Troubles, Way
from tests.providers.waiting import wait_for

REGION = "me-south-1"
ZONE = "me-south-1a"
PLACE = "sample-abroad/me-south-1/me-south-1a"
WORLD = "sample-abroad/global/route53"
"""The place that Route 53 is."""
OWNER = "099720109477"
OPTIONS: Mapping[str, str] = {
    "region": REGION,
    "zone": ZONE,
    "image_owners": OWNER,
    "host_key_wait_s": "0",
    "wait_s": "20",
}
CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "sample",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_SWITCHES = dict.fromkeys(
    ("MOTO_ENABLE_AMI_VALIDATION", "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION", "MOTO_ENABLE_KEYPAIR_VALIDATION"), "true"
)


class Cloud:
    """The cloud of a test session."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self._clients: dict[tuple[str, str], Any] = {}
        self.late = Late()
        self.spread = Spread(self.client)
        self.proxy = Hostile(
            upstream,
            layers=(
                Own(self.client),
                Rotations(),
                Objects(partial(self.client, service="s3")),
                Certificates(self.client),
                HostedZones(partial(self.client, service="route53")),
                self.spread,
                Balancers(self.client),
                Refusals(self.client),
                Tokens(self.client),
                self.late,
            ),
        )

    def client(self, region: str = REGION, service: str = "ec2") -> Any:
        """A client straight to the server, past the proxy."""
        if (region, service) not in self._clients:
            import boto3

            session = boto3.Session(
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"], aws_secret_access_key="sample", region_name=region
            )
            self._clients[region, service] = session.client(service, endpoint_url=self.upstream)
        return self._clients[region, service]

    @cached_property
    def image(self) -> str:
        """An image of the pinned owner."""
        return str(self.images[-1]["ImageId"])

    @cached_property
    def images(self) -> list[dict[str, Any]]:
        """All images of the pinned owner, oldest first."""
        found = self.client().describe_images(Owners=[OWNER])["Images"]
        return sorted(found, key=lambda raw: (raw["CreationDate"], raw["ImageId"]))

    def target(self, workspace: Path, **options: str) -> Target:
        """The place as the register would name it."""
        return Target(
            place=PLACE, country="XA", endpoint=self.proxy.url, workspace=workspace, options={**OPTIONS, **options}
        )

    def world(self) -> Target:
        """Route 53 as the register would name it."""
        return Target(place=WORLD, country="XA", endpoint=self.proxy.url, workspace=Path())

    def standing(self) -> dict[str, list[str]]:
        """What the account holds besides what every new account has, straight from the server."""
        ec2 = self.client()
        elb = self.client(service="elbv2")
        vpcs = ec2.describe_vpcs()["Vpcs"]
        default = {raw["VpcId"] for raw in vpcs if raw["IsDefault"]}
        found = {
            "vpc": [raw["VpcId"] for raw in vpcs if raw["VpcId"] not in default],
            "subnet": [raw["SubnetId"] for raw in ec2.describe_subnets()["Subnets"] if raw["VpcId"] not in default],
            "group": [
                raw["GroupId"]
                for raw in ec2.describe_security_groups()["SecurityGroups"]
                if raw.get("VpcId") not in default and raw["GroupName"] != "default"
            ],
            "key": [raw["KeyName"] for raw in ec2.describe_key_pairs()["KeyPairs"]],
            "volume": [raw["VolumeId"] for raw in ec2.describe_volumes()["Volumes"]],
            "instance": [
                raw["InstanceId"]
                # A hundred a page, and moto forgets nothing that was terminated.
                for page in ec2.get_paginator("describe_instances").paginate()
                for reservation in page["Reservations"]
                for raw in reservation["Instances"]
                if raw["State"]["Name"] != "terminated"
            ],
            "address": [raw["AllocationId"] for raw in ec2.describe_addresses()["Addresses"]],
            "interface": [
                raw["NetworkInterfaceId"]
                for raw in ec2.describe_network_interfaces()["NetworkInterfaces"]
                if raw.get("Status") != "available" or raw["VpcId"] not in default
            ],
            "gateway": [raw["InternetGatewayId"] for raw in ec2.describe_internet_gateways()["InternetGateways"]],
            "table": [
                raw["RouteTableId"]
                for raw in ec2.describe_route_tables()["RouteTables"]
                if not any(found["Main"] for found in raw["Associations"])
            ],
            "cipher": self._keys(),
            "balancer": [raw["LoadBalancerArn"] for raw in elb.describe_load_balancers()["LoadBalancers"]],
            "certificate": [
                raw["CertificateArn"]
                for raw in self.client(service="acm").list_certificates()["CertificateSummaryList"]
            ],
            "target": [raw["TargetGroupArn"] for raw in elb.describe_target_groups()["TargetGroups"]],
            "placement": list(self.spread.names()),
            "zone": [raw["Id"] for raw in self.client(service="route53").list_hosted_zones()["HostedZones"]],
            "bucket": [raw["Name"] for raw in self.client(service="s3").list_buckets()["Buckets"]],
            # moto gives the account the snapshots of all public images.
            "snapshot": [
                raw["SnapshotId"]
                for raw in ec2.describe_snapshots(Filters=[{"Name": "tag-key", "Values": ["pse-stack"]}])["Snapshots"]
            ],
        }
        return {kind: sorted(ids) for kind, ids in found.items() if ids}

    def foreign_keys(self) -> set[str]:
        """Keys that AWS has made: moto makes that of disks when the first one is encrypted."""
        kms = self.client(service="kms")
        own = {raw.get("TargetKeyId") for raw in kms.list_aliases()["Aliases"]}
        return own & {raw["KeyId"] for raw in kms.list_keys()["Keys"]}

    def _keys(self) -> list[str]:
        kms = self.client(service="kms")
        own = self.foreign_keys()
        ids = [raw["KeyId"] for raw in kms.list_keys()["Keys"] if raw["KeyId"] not in own]
        every = [kms.describe_key(KeyId=object_id)["KeyMetadata"] for object_id in ids]
        return [raw["KeyId"] for raw in every if not raw.get("DeletionDate")]

    def reset(self) -> None:
        """Empty the account and calm the proxy."""
        self.proxy.calm()
        self.late.seconds = 0.0
        self.spread.clear()
        request = urllib.request.Request(f"{self.upstream}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=20).close()


class Furniture:
    """A subnet and a key pair for the servers of many tests, which nothing changes; made when first asked for.

    Args:
        rig: Makes them, and deletes them in the end.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._ids: dict[str, str] = {}

    def id(self, kind: str) -> str:
        """Its id."""
        if kind not in self._ids:
            self._ids[kind] = self._rig.make(kind).id
        return self._ids[kind]


class Furnished(Rig):
    """A rig that borrows subnet and key pair for its servers instead of making them.

    Args:
        furniture: Where they are borrowed.
    """

    def __init__(self, furniture: Furniture, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self._furniture = furniture

    def _server(self) -> dict[str, Any]:
        borrowed = {"subnet": self._furniture.id("Subnet"), "key_pair": self._furniture.id("KeyPair")}
        return {"shape": self._shapes[0], "image": self._image, "user_data": "#!/bin/sh\nexit 0\n", **borrowed}


@contextmanager
def rig_of(cloud: Cloud, provider: AwsProvider, cls: Callable[..., Rig] = Rig) -> Iterator[Rig]:
    """A rig whose objects are deleted at the end of the block; the adapter stays open."""
    rig = cls(
        provider,
        place=PLACE,
        image=cloud.image,
        shapes=("t3.small", "t3.large"),
        storage_class="gp3",
        again=lambda: AwsProvider(cloud.target(Path())),
    )
    try:
        yield rig
    finally:
        rig.clear()


@contextmanager
def world_rig(cloud: Cloud, provider: Route53Provider) -> Iterator[Rig]:
    """A rig of Route 53 whose objects are deleted at the end of the block; the adapter stays open."""
    rig = Rig(provider, place=WORLD, again=lambda: Route53Provider(cloud.world()))
    try:
        yield rig
    finally:
        cloud.proxy.calm()
        rig.clear()


MAKES: Mapping[str, str] = {
    "Network": "CreateVpc",
    "Firewall": "CreateSecurityGroup",
    "KeyPair": "ImportKeyPair",
    "Volume": "CreateVolume",
    "Server": "RunInstances",
}
LOOKS: Mapping[str, str] = {"Network": "DescribeVpcs", "Volume": "DescribeVolumes"}


def circle(request: Request, forward: Forward) -> Answer:
    """The list's next page is itself."""
    answer = forward(request)
    end = b"</DescribeVpcsResponse>"
    return Answer(answer.status, answer.body.replace(end, b"<nextToken>same</nextToken>" + end), answer.headers)


def troubles(cloud: Cloud) -> Troubles:
    """AWS's words for the suite's misbehaviours."""

    def way(kind: str, making: bool) -> Way:
        name = (MAKES if making else LOOKS)[kind]
        # The place itself is asked for first.
        return Way(cloud.proxy, lambda request: request.action in {name, "" if making else "DescribeAvailabilityZones"})

    forbidden = refuse(403, body=error("UnauthorizedOperation", "no").body)
    own: Mapping[str, Layer] = {
        "forbidden": forbidden,
        "quota": refuse(400, body=error("VolumeLimitExceeded", "no more").body),
        "capacity": refuse(500, body=error("InsufficientInstanceCapacity", "none left").body),
        "small-pages": Pages(1),
        "circle": circle,
        "elsewhere": replace(REGION, "me-central-1"),
    }
    return Troubles((cloud.proxy,), way, own)


@contextmanager
def running(folder: Path) -> Iterator[Cloud]:
    """moto and the proxy; both end with the block.

    Args:
        folder: For the server's log.
    """
    with (folder / "moto.log").open("w") as log:
        # Port 0 lets the kernel choose, and the log says what it chose.
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **CREDENTIALS, **_SWITCHES},
        )
    try:
        wait_for(lambda: _port(folder / "moto.log") or process.poll() is not None, timeout_s=60)
        upstream = f"http://127.0.0.1:{_port(folder / 'moto.log')}"
        wait_for(lambda: _answers(upstream), timeout_s=30)
        cloud = Cloud(upstream)
        with cloud.proxy:
            yield cloud
    finally:
        process.kill()
        process.wait(20)


def _port(log: Path) -> str:
    _, found, rest = log.read_text().partition("Running on http://127.0.0.1:")
    port = rest.split()[0] if found and rest.split() else ""
    return "".join(letter for letter in port if letter.isdigit())


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
    except urllib.error.URLError:
        return False
    return True
