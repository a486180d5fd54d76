"""The adapter of AWS under the suite's journey through the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.aws import AwsProvider
from providers.conformance import EngineContract, Journey
from tests.chaos.arenas import AwsArena
from tests.chaos.site import travelled
from tests.providers.aws.cloud import Cloud

# The engine that is killed cannot end the stream of its events.
pytestmark = pytest.mark.filterwarnings("ignore:Error in event stream")


@pytest.fixture(scope="module")
def journey(swept: Cloud, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with travelled(AwsArena(swept), tmp_path_factory.mktemp("engine"), template) as journey:
        yield journey


class TestAwsEngine(EngineContract):
    adapter = AwsProvider
