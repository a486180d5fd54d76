"""The adapter of Google Cloud under the suite's journey through the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import EngineContract, Journey
from providers.google import GoogleProvider
from tests.chaos.arenas import GoogleArena
from tests.chaos.site import travelled
from tests.providers.google.cloud import Cloud

# The engine that is killed cannot end the stream of its events.
pytestmark = pytest.mark.filterwarnings("ignore:Error in event stream")


@pytest.fixture(scope="module")
def journey(google_cloud: Cloud, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with travelled(GoogleArena(google_cloud), tmp_path_factory.mktemp("engine"), template) as journey:
        yield journey


class TestGoogleEngine(EngineContract):
    adapter = GoogleProvider
