"""The published list of permissions against the calls that are made."""

import json

from providers.aws import AwsProvider
from providers.aws.worldwide import Route53Provider
from tests.providers.aws.cloud import Cloud
from tests.providers.aws.permissions import NAMES, POLICY, policy, recorded, recorded_names


def test_published_policy_permits_exactly_what_is_called(cloud: Cloud, shared: AwsProvider) -> None:
    # The place is asked for once in the adapter's life, which was before.
    actions = recorded(cloud, shared) | {"ec2:DescribeAvailabilityZones", "kms:ListAliases"}
    assert json.loads(POLICY.read_text(encoding="utf-8")) == policy(actions)


def test_published_policy_of_names_permits_exactly_what_is_called(cloud: Cloud, world: Route53Provider) -> None:
    assert json.loads(NAMES.read_text(encoding="utf-8")) == policy(recorded_names(cloud, world))
