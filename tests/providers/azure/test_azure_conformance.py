"""The adapter of Azure under the conformance suite, on the fake of ARM."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.azure import AzureProvider
from providers.conformance import Rig, StoreContract
from tests.providers.azure.cloud import Cloud, rig_of


class TestAzure(StoreContract):
    adapter = AzureProvider

    @pytest.fixture
    def rig(self, cloud: Cloud, shared: AzureProvider) -> Iterator[Rig]:
        with rig_of(shared, again=lambda: AzureProvider(cloud.target(Path()))) as rig:
            yield rig
