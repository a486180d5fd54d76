"""What AWS says no with, in the port's words; and lost, late, wrong and endless answers."""

import os
import pickle
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.aws.errors import port_errors, reason_of
from providers.aws.images import resolve
from providers.conformance import Rig
from providers.ports import PartlyMade, PortError
from pse.core.errors import MissingTool
from pse.core.schema import FirewallRule
from tests.fakes import hostile
from tests.fakes.ec2 import error
from tests.providers.aws.cloud import PLACE, REGION, ZONE, Cloud, rig_of
from tests.providers.waiting import wait_for

BACK = "me-central-1"
CODES = {
    "quota": ("VcpuLimitExceeded", "InstanceLimitExceeded", "VpcLimitExceeded", "AddressLimitExceeded",
              "VolumeLimitExceeded", "RulesPerSecurityGroupLimitExceeded"),
    "capacity": ("InsufficientInstanceCapacity", "Unsupported"),
    "throttle": ("RequestLimitExceeded", "Throttling"),
    "not-found": ("InvalidVpcID.NotFound", "InvalidGroup.NotFound", "InvalidInstanceID.Malformed"),
    "conflict": ("InvalidGroup.Duplicate", "InvalidKeyPair.Duplicate", "IdempotentParameterMismatch"),
    "in-use": ("DependencyViolation", "VolumeInUse"),
    "auth": ("UnauthorizedOperation", "AuthFailure", "ExpiredToken", "RequestExpired"),
    "invalid": ("InvalidParameterValue", "MissingParameter", "SomethingNew"),
}  # fmt: skip

MAKING = {
    "Network": "CreateVpc",
    "Subnet": "CreateSubnet",
    "Router": "CreateInternetGateway",
    "Firewall": "CreateSecurityGroup",
    "KeyPair": "ImportKeyPair",
    "EncryptionKey": "CreateKey",
    "Volume": "CreateVolume",
    "Snapshot": "CreateSnapshot",
    "Bucket": "CreateBucket",
    "Server": "RunInstances",
    "Attachment": "AttachVolume",
    "Address": "AllocateAddress",
    "LoadBalancer": "CreateLoadBalancer",
}


@pytest.fixture
def rig(cloud: Cloud, shared: AwsProvider) -> Iterator[Rig]:
    with rig_of(cloud, shared) as rig:
        yield rig


@pytest.mark.parametrize(("reason", "code"), [(reason, code) for reason, codes in CODES.items() for code in codes])
def test_code_becomes_a_common_word_and_is_kept(rig: Rig, cloud: Cloud, reason: str, code: str) -> None:
    cloud.proxy.plant(hostile.refuse(400, body=error(code, "no").body), when="CreateVpc")
    with pytest.raises(PortError) as caught:
        rig.make("Network")
    assert (caught.value.reason, caught.value.vendor_code, caught.value.where) == (reason, code, PLACE)
    assert pickle.loads(pickle.dumps(caught.value)).vendor_code == code


def test_answer_without_a_code_is_judged_by_its_status() -> None:
    found = [reason_of("", 429), reason_of("", 500), reason_of("", 503), reason_of("InternalError", 500)]
    assert found == ["throttle", "transient", "transient", "transient"]


def test_without_credentials_the_way_to_give_them_is_told(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(PortError) as caught:
        AwsProvider(cloud.target(tmp_path)).store("Network").list()
    assert caught.value.reason == "auth"
    assert "profile or role" in caught.value.hint


def test_missing_sdk_is_told_with_the_extra_that_has_it(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "boto3", None)
        with pytest.raises(MissingTool) as caught:
            AwsProvider(cloud.target(tmp_path))
    assert "pse-cloud[aws]" in caught.value.hint


@pytest.mark.usefixtures("cloud")
def test_refused_parameters_are_not_quoted() -> None:
    from botocore.exceptions import ParamValidationError

    with pytest.raises(PortError) as caught, port_errors(PLACE):
        raise ParamValidationError(report="UserData: hush")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("kind", AwsProvider.kinds)
def test_lost_answer_makes_nothing_twice(rig: Rig, cloud: Cloud, kind: str) -> None:
    inputs, identity = rig.inputs(kind), rig.identity()
    before = rig.count(kind)
    cut = cloud.proxy.plant(hostile.cut_after, when=MAKING[kind])
    try:
        rig.make(kind, inputs, identity)
    except PortError:
        # As the plugin does it: unknown whether it was made, so the same intent again.
        rig.make(kind, inputs, identity)
    assert cut.hits == 1
    assert rig.count(kind) == before + 1
    (found,) = rig.store(kind).find(identity.stack, identity.urn)
    assert found.identity == identity


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b"<html>"), (503, error("Unavailable", "x").body)])
def test_error_after_the_effect_makes_no_second_network(rig: Rig, cloud: Cloud, status: int, body: bytes) -> None:
    # CreateVpc has no token, and what it made is not listed for a while.
    cloud.late.seconds = 0.5
    before = rig.count("Network")
    cloud.proxy.plant(hostile.error_after(status, body), when="CreateVpc")
    made = rig.make("Network")
    assert made.healthy
    assert rig.count("Network") == before + 1


def test_what_is_not_known_yet_is_waited_for(rig: Rig, cloud: Cloud) -> None:
    def unknown_yet(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
        network = request.form["VpcId"]
        return error("InvalidVpcID.NotFound", f"The vpc ID '{network}' does not exist")

    cloud.late.seconds = 0.5
    inputs = rig.inputs("Subnet")
    cloud.proxy.plant(unknown_yet, when="CreateSubnet", times=2)
    assert rig.make("Subnet", inputs).healthy
    assert cloud.proxy.actions().count("CreateSubnet") == 3
    # What nobody made just now is not waited for.
    with pytest.raises(PortError, match="suite-no-such"):
        rig.make("Subnet", msgspec.structs.replace(inputs, network="suite-no-such"))
    assert cloud.proxy.actions().count("CreateSubnet") == 4


def test_storm_is_told_as_what_it_is(rig: Rig, cloud: Cloud) -> None:
    cloud.proxy.plant(hostile.refuse(503, retry_after="1"), when="CreateVolume")
    cloud.proxy.plant(hostile.refuse(429, retry_after="2"), when="CreateVolume")
    said = []
    for _ in range(2):
        with pytest.raises(PortError) as caught:
            rig.make("Volume")
        said.append((caught.value.reason, caught.value.retry_after_s))
    assert said == [("transient", 1.0), ("throttle", 2.0)]
    # The SDK does not try again by itself: that is the plugin's.
    assert cloud.proxy.actions().count("CreateVolume") == 2


def test_refusal_in_a_storm_gives_its_connection_back(rig: Rig, cloud: Cloud) -> None:
    def open_sockets() -> int:
        return sum(
            os.path.realpath(fd).rpartition("/")[2].startswith("socket:") for fd in Path("/proc/self/fd").iterdir()
        )

    rig.store("Volume").list()
    before = open_sockets()
    cloud.proxy.plant(hostile.refuse(429, body=b"slow down"), when="DescribeVolumes", times=8)
    kept = []
    for _ in range(8):
        with pytest.raises(PortError) as caught:
            rig.store("Volume").list()
        # Whoever keeps the error keeps all that its frames hold.
        kept.append(caught)
    wait_for(lambda: open_sockets() <= before + 2, timeout_s=5)
    assert len(kept) == 8


def test_answer_about_another_region_stops_everything(cloud: Cloud, provider: AwsProvider) -> None:
    cloud.proxy.plant(hostile.replace(REGION, BACK), when="Describe.*", times=99)
    with pytest.raises(PortError) as caught:
        provider.store("Network").list()
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongRegion")
    assert set(cloud.proxy.actions()) == {"DescribeAvailabilityZones"}


def test_object_in_another_zone_is_taken_back_and_never_adopted(rig: Rig, cloud: Cloud) -> None:
    identity = rig.identity()
    cloud.proxy.plant(hostile.replace(f">{ZONE}<", f">{REGION}b<"), when="DescribeVolumes", times=99)
    with pytest.raises(PortError) as caught:
        rig.make("Volume", identity=identity)
    assert (caught.value.reason, caught.value.vendor_code) == ("invalid", "WrongPlace")
    assert "volume" not in cloud.standing()
    cloud.proxy.calm()
    identity = rig.identity()
    rig.make("Volume", identity=identity)
    cloud.proxy.plant(hostile.replace(f">{ZONE}<", f">{REGION}b<"), when="DescribeVolumes", times=99)
    with pytest.raises(PortError, match=f"{REGION}b"):
        rig.store("Volume").find(identity.stack, identity.urn)
    listed = [made.outputs.placement[0] for made in rig.store("Volume").list()]
    assert [(aspect.where, aspect.source) for aspect in listed] == [(f"{REGION}b", "unknown")]


def test_broken_answer_is_no_crash(rig: Rig, cloud: Cloud) -> None:
    answers = (b"<html>", b"<DescribeVpcsResponse><vpcSet><item/></vpcSet></DescribeVpcsResponse>", b"")
    for body in answers:
        cloud.proxy.plant(hostile.refuse(200, body=body), when="DescribeVpcs")
        with pytest.raises(PortError) as caught:
            rig.store("Network").list()
        assert caught.value.reason == "transient"
        assert "<" not in caught.value.message


def test_group_lets_nothing_out_that_was_not_asked_for(rig: Rig, cloud: Cloud) -> None:
    odd = FirewallRule(direction="out", protocol="udp", port=53, peer="10.0.0.2/32", why="names — “DNS”")
    ping = FirewallRule(direction="in", protocol="icmp", port=0, peer="10.0.0.0/8")
    inputs = msgspec.structs.replace(rig.inputs("Firewall"), rules=(odd, ping))
    made = rig.make("Firewall", inputs)
    assert made.inputs == inputs
    ec2 = cloud.client()
    (group,) = ec2.describe_security_groups(GroupIds=[made.id])["SecurityGroups"]
    assert [rule["IpProtocol"] for rule in group["IpPermissionsEgress"]] == ["udp"]
    # Its network's default group, in which servers without a firewall are, lets nothing through either.
    others = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [group["VpcId"]]}])["SecurityGroups"]
    default = next(other for other in others if other["GroupName"] == "default")
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])
    # Drift: somebody opens a range of ports.
    ports = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1024, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=made.id, IpPermissions=[ports])
    seen = rig.store("Firewall").read(made.id, inputs)
    assert seen is not None
    assert seen.inputs != inputs
    assert rig.store("Firewall").update(made.id, seen.inputs, inputs).inputs == inputs


def test_group_whose_rules_failed_is_kept_with_its_id_and_repaired(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = rig.inputs("Firewall"), rig.identity()
    no = hostile.refuse(400, body=error("UnauthorizedOperation", "no").body)
    cloud.proxy.plant(no, when="RevokeSecurityGroupEgress")
    with pytest.raises(PartlyMade) as caught:
        rig.make("Firewall", inputs, identity)
    (found,) = rig.store("Firewall").find(identity.stack, identity.urn)
    assert found.id == caught.value.made.id
    assert found.inputs != inputs
    assert rig.store("Firewall").update(found.id, found.inputs, inputs).inputs == inputs
    rig.store("Firewall").delete(found.id)


def test_terminated_server_is_gone_and_its_token_is_spent(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = rig.inputs("Server"), rig.identity()
    made = rig.make("Server", inputs, identity)
    cloud.client().terminate_instances(InstanceIds=[made.id])
    assert rig.store("Server").read(made.id, inputs) is None
    assert rig.store("Server").find(identity.stack, identity.urn) == ()
    with pytest.raises(PortError) as caught:
        rig.make("Server", inputs, identity)
    assert (caught.value.reason, caught.value.vendor_code) == ("conflict", "IdempotentInstanceTerminated")


@pytest.mark.parametrize(
    ("code", "reason"), [("Server.InsufficientInstanceCapacity", "capacity"), ("", "conflict")], ids=["told", "untold"]
)
def test_server_that_the_cloud_takes_back_was_not_made(code: str, reason: str, rig: Rig, cloud: Cloud) -> None:
    def taken_back(request: hostile.Request, forward: hostile.Forward) -> hostile.Answer:
        # By elements: layers below may have written the same answer in other letters.
        root = ET.fromstring(forward(request).body)
        for server in root.iterfind(".//{*}instancesSet/{*}item"):
            for path, text in (("instanceState/{*}name", "terminated"), ("stateReason/{*}code", code)):
                element = server.find(f"{{*}}{path}")
                assert element is not None
                element.text = text
        return hostile.Answer(200, ET.tostring(root))

    inputs = rig.inputs("Server")
    # Every look says so, as at the cloud: a wait that took it for a passing fault would go on to its limit.
    cloud.proxy.plant(taken_back, when="DescribeInstances", times=1000)
    with pytest.raises(PortError) as caught:
        rig.make("Server", inputs)
    assert not isinstance(caught.value, PartlyMade)
    assert caught.value.reason == reason
    cloud.proxy.calm()
    for made in rig.store("Server").list():
        rig.store("Server").delete(made.id)


def test_server_is_private_and_its_disk_encrypted_and_its_script_unseen(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Server")
    ec2 = cloud.client()
    (raw,) = ec2.describe_instances(InstanceIds=[made.id])["Reservations"][0]["Instances"]
    assert "PublicIpAddress" not in raw
    assert raw["MetadataOptions"]["HttpTokens"] == "required"
    (root,) = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [made.id]}])["Volumes"]
    assert root["Encrypted"]
    assert {tag["Key"] for tag in root["Tags"]} == {"Name", "pse-stack", "pse-urn", "pse-op"}
    assert {aspect.what for aspect in made.outputs.placement} == {"resource", "disk", "key"}
    imported = rig.store("Server").read(made.id, None)
    assert imported is not None
    assert "exit 0" not in repr(imported)


def test_volume_is_as_fast_as_asked_and_drift_is_seen(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Volume"), size_gib=10, iops=3500)
    made = rig.make("Volume", inputs)
    assert made.inputs == inputs
    faster = msgspec.structs.replace(inputs, size_gib=20, iops=4000)
    assert rig.store("Volume").update(made.id, inputs, faster).inputs == faster
    assert cloud.proxy.actions().count("ModifyVolume") == 1
    seen = rig.store("Volume").read(made.id, inputs)
    assert seen is not None
    assert getattr(seen.inputs, "iops", 0) == 4000


def test_name_finds_the_newest_image_of_a_pinned_owner_only(cloud: Cloud, provider: AwsProvider) -> None:
    newest = cloud.images[-1]
    account: Any = provider._account
    assert resolve(account, newest["Name"])["ImageId"] == newest["ImageId"]
    begins = newest["Name"][:8]
    alike = [raw for raw in cloud.images if raw["Name"].startswith(begins)]
    assert resolve(account, begins)["ImageId"] == alike[-1]["ImageId"]
    with pytest.raises(PortError, match=r"no \* or \?"):
        resolve(account, f"{begins}*")
    foreign = next(raw for raw in cloud.client().describe_images()["Images"] if raw["OwnerId"] != newest["OwnerId"])
    with pytest.raises(PortError) as caught:
        resolve(account, foreign["Name"])
    assert caught.value.reason == "not-found"
    # What a program asks by getImage.
    found = provider.find_image(newest["Name"])
    assert found is not None
    # The server dates its images when it makes them anew.
    (live,) = cloud.client().describe_images(ImageIds=[newest["ImageId"]])["Images"]
    assert (found.id, found.created) == (newest["ImageId"], live["CreationDate"])
    assert provider.find_image(foreign["Name"]) is None


def test_options_are_checked_before_any_call(cloud: Cloud, tmp_path: Path) -> None:
    target = cloud.target(tmp_path)
    wrong = {
        "zone": msgspec.structs.replace(target, options={"region": REGION}),
        "no option": msgspec.structs.replace(target, options={**target.options, "reigon": REGION}),
        "not an endpoint of": msgspec.structs.replace(target, endpoint="https://ec2.eu-west-1.amazonaws.com"),
        "seconds": msgspec.structs.replace(target, options={**target.options, "wait_s": "soon"}),
    }
    for said, given in wrong.items():
        with pytest.raises(PortError, match=said) as caught:
            AwsProvider(given).store("Network").delete("vpc-1")
        assert caught.value.reason == "invalid"
    assert cloud.proxy.actions() == []
