"""kill -9 of plugin and engine at the calls that delete: nothing is left, and nothing stands in the way."""

import pytest

from tests.providers.aws.cloud import Cloud
from tests.providers.aws.whole import ACTION, WHOLE, program
from tests.providers.house import UNIT, House
from tests.providers.kills import survive

DELETES = ("DetachVolume", "TerminateInstances", "DeleteVolume", "DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc",
           "DetachInternetGateway", "ReleaseAddress", "DeleteSnapshot", "ScheduleKeyDeletion",
           "DeletePlacementGroup", "DeleteBucket", "DeleteLoadBalancer", "DeleteTargetGroup",
           "DeleteCertificate")  # fmt: skip


@pytest.mark.timeout(900)
# The engine that is killed cannot end the stream of its events.
@pytest.mark.filterwarnings("ignore:Error in event stream")
def test_kill_at_each_call_that_deletes_leaves_nothing(aws_house: House, cloud: Cloud) -> None:
    aws_house.up(program(cloud.image))
    assert {sort: len(ids) for sort, ids in cloud.standing().items()} == WHOLE
    assert survive(aws_house.root, [cloud.proxy], lambda: aws_house.engine.destroy(UNIT), DELETES, name_of=ACTION) >= 3
    assert cloud.standing() == {}
