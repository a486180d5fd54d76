"""The adapters of this machine under the suite's journey through the real engine."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

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


_ANSWERS = "no network lies between: no answer gets lost, and what is made is ready when its call ends"


class TestLabEngine(EngineContract):
    adapter = LabProvider
    unable: ClassVar[Mapping[str, str]] = {
        "create_without_an_end_is_given_up_at_its_timeout_and_kept_with_its_id": _ANSWERS,
        "next_up_repairs_what_was_kept_and_makes_no_other": _ANSWERS,
        "list_that_lags_makes_nothing_twice": _ANSWERS,
    }

    @pytest.fixture(scope="class")
    @classmethod
    def journey(cls, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
        folder = tmp_path_factory.mktemp("lab")
        with LabArena.open(folder) as arena, travelled(arena, folder, template) as journey:
            yield journey
