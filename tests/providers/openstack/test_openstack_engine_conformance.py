"""The adapter of OpenStack under the suite's journey through the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import EngineContract, Journey
from providers.openstack import OpenStackProvider
from tests.chaos.arenas import OpenStackArena
from tests.chaos.site import travelled
from tests.providers.openstack.accounts import Cloud, Project
from tests.providers.openstack.regions import hostile_region

# The engine that is killed cannot end the stream of its events.
pytestmark = pytest.mark.filterwarnings("ignore:Error in event stream")


@pytest.fixture(scope="module")
def journey(
    admin: Cloud, project: Project, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Journey]:
    with pytest.MonkeyPatch.context() as patch, hostile_region(admin) as region:
        for name, value in project.environment().items():
            patch.setenv(name, value)
        for name in ("OS_CLOUD", "OS_REGION_NAME"):
            patch.delenv(name, raising=False)
        arena = OpenStackArena(region, project)
        with travelled(arena, tmp_path_factory.mktemp("engine"), template) as journey:
            yield journey


class TestOpenStackEngine(EngineContract):
    adapter = OpenStackProvider
