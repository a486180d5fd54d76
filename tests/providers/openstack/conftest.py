"""Fixtures on the real OpenStack control plane: started once for all workers, a project of its own for each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.openstack.accounts import Cloud, Project, furnish
from tests.providers.openstack.control import control_plane

START_S = 1800


@pytest.fixture(scope="session")
def admin() -> Iterator[Cloud]:
    """The administrator of a control plane that has image, flavours and volume types of the sample."""
    cloud = Cloud()
    with control_plane(lambda: furnish(cloud)):
        yield cloud
        cloud.close()


@pytest.fixture(scope="module")
def project(admin: Cloud) -> Project:
    """A new project, with nothing in it."""
    return Project(admin)


@pytest.fixture
def signed_in(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project, its user's variables set as the SDK reads them."""
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("OS_CLOUD", "OS_REGION_NAME"):
        monkeypatch.delenv(name, raising=False)
    return project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for the control plane to be installed and started, also by another process."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(START_S))
