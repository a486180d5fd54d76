"""Fixtures that all rooms share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pse.core.errors import MissingTool
from pse.core.settings import Workspace
from tests.require import missing, require

# How long a machine takes to draw an example says nothing of the code: no test may fail because it is busy.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("suite")

_PROGRAMS = ("bwrap", "setsid", "setarch", "sshd", "nginx", "named", "rsync")

_LONG = (
    "test_openstack_servers_conformance",  # first, so that its control plane comes up while others need none
    "test_whole_way",
    "test_readme",
    "test_aws_kills",
    "test_openstack_kinds_conformance",
    "test_openstack_conformance",
    "engine_conformance",
    "test_openstack_",
    "migrate/",
    "_kills",
    "_ministry",
    "providers/test_",
    "providers/aws",
    "providers/",
    "blueprints/",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where processes share the suite, begin with what takes long, as `_LONG` has it: the last file is a short one."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: next((n for n, part in enumerate(_LONG) if part in item.nodeid), len(_LONG)))


@pytest.fixture(scope="session")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A sample workspace whose old server room and name server run; shared by the session, stopped at its end."""
    from providers.lab import hosts, sample

    require(*_PROGRAMS)
    _require_postgres()
    workspace = sample.create(tmp_path_factory.mktemp("ministry") / "workspace")
    try:
        try:
            hosts.start_room(workspace)
        except MissingTool as exc:
            missing(exc.message)
        yield workspace
    finally:
        _stop(workspace)


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Workspace]:
    """A sample workspace of the test's own, with nothing started; whatever the test starts in it is stopped."""
    from providers.lab import sample as made

    _require_postgres()
    workspace = made.create(tmp_path / "sample")
    yield workspace
    _stop(workspace)


def _require_postgres() -> None:
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing("PostgreSQL server")


def _stop(workspace: Workspace) -> None:
    """Stop all hosts, which frees the address range, and remove their roots: they are large."""
    from providers.lab import hosts
    from providers.lab.files import remove_tree

    hosts.stop(workspace)
    remove_tree(workspace.private / "lab" / "hosts")
