"""Fixtures on the real OpenStack control plane: started once for all workers, a project of its own for each module."""

from collections.abc import Iterator

import pytest

from tests.providers.openstack.accounts import Cloud, Project, furnish
from tests.providers.openstack.control import control_plane


@pytest.fixture(scope="session")
def admin() -> Iterator[Cloud]:
    """The administrator of a control plane that has image, flavours and volume types of the sample."""
    with control_plane():
        cloud = Cloud()
        furnish(cloud)
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
