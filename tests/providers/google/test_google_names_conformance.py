"""The adapter of Cloud DNS under what the conformance suite asks of every kind; it makes names only."""

from collections.abc import Iterator

import pytest

from providers.conformance import KindContract, Rig
from providers.google.worldwide import CloudDnsProvider
from tests.providers.google.cloud import Cloud, world_rig


class TestCloudDns(KindContract):
    adapter = CloudDnsProvider

    @pytest.fixture
    def rig(self, cloud: Cloud) -> Iterator[Rig]:
        with world_rig(cloud) as rig:
            yield rig
