"""The adapters of this machine under the suite's journey through the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import EngineContract, Journey
from providers.lab import LabProvider
from tests.chaos.arenas import FileArena, LabArena
from tests.chaos.site import travelled
from tests.providers.outside.filecloud import FileCloud

# The engine that is killed cannot end the stream of its events.
pytestmark = pytest.mark.filterwarnings("ignore:Error in event stream")


class TestFileCloudEngine(EngineContract):
    adapter = FileCloud

    @pytest.fixture(scope="class")
    @classmethod
    def journey(cls, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
        folder = tmp_path_factory.mktemp("filecloud")
        with FileArena.open(folder) as arena, travelled(arena, folder, template) as journey:
            yield journey


class TestLabEngine(EngineContract):
    adapter = LabProvider

    @pytest.fixture(scope="class")
    @classmethod
    def journey(cls, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
        folder = tmp_path_factory.mktemp("lab")
        with LabArena.open(folder) as arena, travelled(arena, folder, template) as journey:
            yield journey
