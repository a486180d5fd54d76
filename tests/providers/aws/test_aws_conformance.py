"""The adapter of AWS under the conformance suite, on moto."""

from collections.abc import Iterator

import pytest

from providers.aws import AwsProvider
from providers.conformance import Rig, StoreContract
from tests.providers.aws.cloud import Cloud, rig_of


class TestAws(StoreContract):
    adapter = AwsProvider

    @pytest.fixture
    def rig(self, cloud: Cloud, shared: AwsProvider) -> Iterator[Rig]:
        with rig_of(cloud, shared) as rig:
            yield rig
