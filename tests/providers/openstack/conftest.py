"""Fixtures on the real OpenStack control plane: started once for all workers, a project of its own for each module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.conformance import Rig
from tests.nameserver import NameServer, name_server
from tests.providers.openstack.accounts import Cloud, Project, furnish
from tests.providers.openstack.control import control_plane
from tests.providers.openstack.permissions import Calls, judge, recorded, shared_folder

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


@pytest.fixture(scope="module")
def calls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    """The calls of a part of the suite, beside the list of permissions in the end; not where only some tests run."""
    found: Calls = set()
    yield found
    given = request.config.args
    if not request.config.getoption("keyword") and not any("::" in argument for argument in given):
        judge(found, str(request.path.stem), shared_folder(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """A name server for the cloud's zones and records."""
    with name_server(tmp_path_factory.mktemp("names")) as server:
        yield server


@pytest.fixture
def rig(signed_in: Project, names: NameServer, tmp_path: Path, calls: Calls) -> Iterator[Rig]:
    """The suite's rig."""
    with recorded(signed_in, tmp_path, names.options, calls) as rig:
        yield rig


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for the control plane to be installed and started, also by another process."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(START_S))
