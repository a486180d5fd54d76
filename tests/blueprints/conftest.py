"""Fixtures of the planning room's tests."""

from collections.abc import Iterator

import pytest

from blueprints.building.provision import up
from blueprints.planning.bundle import Bundle
from pse.core.documents.deployment import Deployment
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate
from tests.conftest import _stop
from tests.require import missing, require


@pytest.fixture
def planned(sample: Workspace) -> Workspace:
    """A sample workspace in which nothing runs."""
    return sample


@pytest.fixture
def ministry_plan(planned: Workspace) -> Bundle:
    """The plan of the sample ministry, by a hand-made estate."""
    return bundle(planned, ministry_estate())


class Built:
    """A workspace whose portal was built by the real engine in the lab."""

    def __init__(self, workspace: Workspace, made: Bundle, deployments: tuple[Deployment, ...]) -> None:
        """Hold the three."""
        self.workspace = workspace
        self.bundle = made
        self.deployments = {d.stack: d for d in deployments}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The portal and its database, built once for the tests that look at them."""
    from providers import pulumi_cli
    from providers.lab import sample as made
    from pse.core.errors import MissingTool

    require("bwrap", "setsid", "sshd", "psql")
    try:
        pulumi_cli.find()
    except MissingTool:
        missing("pulumi")
    workspace = made.create(tmp_path_factory.mktemp("built") / "ministry")
    try:
        plan = bundle(workspace, ministry_estate())
        yield Built(workspace, plan, up(workspace, plan, units=("portal",)))
    finally:
        _stop(workspace)
