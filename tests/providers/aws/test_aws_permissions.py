"""The published list of permissions against the calls that are made."""

import json

from providers.aws import AwsProvider
from tests.providers.aws.cloud import Cloud
from tests.providers.aws.permissions import POLICY, policy, recorded


def test_published_policy_permits_exactly_what_is_called(cloud: Cloud, shared: AwsProvider) -> None:
    # The place is asked for once in the adapter's life, which was before.
    actions = recorded(cloud, shared) | {"ec2:DescribeAvailabilityZones", "kms:ListAliases"}
    assert json.loads(POLICY.read_text(encoding="utf-8")) == policy(actions)
