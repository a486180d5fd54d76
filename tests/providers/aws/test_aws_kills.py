"""kill -9 of plugin and engine at the calls that make: nothing twice, nothing lost."""

import pytest

from tests.providers.aws.cloud import Cloud
from tests.providers.aws.whole import ACTION, WHOLE, program
from tests.providers.house import House
from tests.providers.kills import survive

KINDS = 13
CREATES = ("CreateVpc", "ImportKeyPair", "CreateSubnet", "CreateSecurityGroup", "CreateVolume", "RunInstances",
           "AttachVolume", "CreateInternetGateway", "AttachInternetGateway", "CreateRouteTable", "AllocateAddress",
           "CreateSnapshot", "CreateKey", "CreatePlacementGroup", "CreateBucket", "CreateLoadBalancer",
           "CreateTargetGroup", "ImportCertificate", "CreateListener")  # fmt: skip


@pytest.mark.timeout(900)
# The engine that is killed cannot end the stream of its events.
@pytest.mark.filterwarnings("ignore:Error in event stream")
def test_kill_at_each_call_that_makes_leaves_one_of_each(aws_house: House, cloud: Cloud) -> None:
    run = program(cloud.image)
    assert survive(aws_house.root, [cloud.proxy], lambda: aws_house.up(run), CREATES, name_of=ACTION) >= 3
    standing = cloud.standing()
    assert {sort: len(ids) for sort, ids in standing.items()} == WHOLE
    ids = {str(entry["id"]) for entry in aws_house.export()}
    assert len(ids) == KINDS
    assert {part for found in ids for part in ([found] if "arn:" in found else found.split(":"))} <= {
        found for ids in standing.values() for found in ids
    }
    assert b"hush" not in aws_house.state_bytes()
    assert b"PRIVATE KEY" not in aws_house.state_bytes()
    # That all of it goes is another file's: a destroy takes an engine, and this does not.
    cloud.reset()
