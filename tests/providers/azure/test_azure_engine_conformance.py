"""The adapter of Azure under the suite's journey through the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.azure import AzureProvider
from providers.conformance import EngineContract, Journey
from tests.chaos.arenas import AzureArena
from tests.chaos.site import travelled
from tests.providers.azure.cloud import Cloud

# The engine that is killed cannot end the stream of its events.
pytestmark = pytest.mark.filterwarnings("ignore:Error in event stream")


@pytest.fixture(scope="module")
def journey(arm_cloud: Cloud, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with travelled(AzureArena(arm_cloud), tmp_path_factory.mktemp("engine"), template) as journey:
        yield journey


class TestAzureEngine(EngineContract):
    adapter = AzureProvider
