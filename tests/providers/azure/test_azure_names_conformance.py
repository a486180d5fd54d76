"""The adapter of Azure DNS under what the conformance suite asks of every kind; it makes names only."""

from collections.abc import Iterator

import pytest

from providers.azure.worldwide import AzureDnsProvider
from providers.conformance import KindContract, Rig
from tests.providers.azure.cloud import Cloud, world_rig


class TestAzureDns(KindContract):
    adapter = AzureDnsProvider

    @pytest.fixture
    def rig(self, cloud: Cloud, world: AzureDnsProvider) -> Iterator[Rig]:
        with world_rig(cloud, world) as rig:
            yield rig
