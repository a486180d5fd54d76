"""The adapter of Azure under the conformance suite, on the fake of ARM."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.azure import AzureProvider
from providers.conformance import HostileContract, Rig, StoreContract, Trouble
from tests.providers.azure.cloud import Cloud, rig_of, troubles


class TestAzure(StoreContract):
    adapter = AzureProvider

    @pytest.fixture
    def rig(self, cloud: Cloud, shared: AzureProvider) -> Iterator[Rig]:
        with rig_of(shared, again=lambda: AzureProvider(cloud.target(Path()))) as rig:
            yield rig


class TestAzureHostile(HostileContract):
    adapter = AzureProvider

    @pytest.fixture
    def trouble(self, cloud: Cloud) -> Trouble:
        return troubles(cloud)

    @pytest.fixture
    def rig(self, cloud: Cloud, shared: AzureProvider, trouble: Trouble) -> Iterator[Rig]:
        with rig_of(shared, again=lambda: AzureProvider(cloud.target(Path()))) as rig:
            yield rig
            trouble.calm()
