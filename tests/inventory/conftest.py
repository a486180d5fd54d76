"""What the inventory's tests share: an empty workspace, a key and a real sshd."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pse.core.settings import Workspace
from tests.inventory.sshd import Sshd, keygen
from tests.inventory.vcsim import MACHINES, Odd, Vcsim
from tests.require import require


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace that knows nothing yet."""
    (tmp_path / "pse.toml").write_text('entity = "Test"\n', encoding="utf-8")
    return Workspace(tmp_path)


@pytest.fixture(scope="session")
def login_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key without a passphrase."""
    require("ssh-keygen")
    path = tmp_path_factory.mktemp("keys") / "login"
    keygen(path)
    return path


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory, login_key: Path) -> Iterator[Sshd]:
    """A well-behaved sshd."""
    require("sshd")
    server = Sshd(tmp_path_factory.mktemp("sshd"), key=login_key)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def vcsim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcsim]:
    """A simulated vCenter, some of whose machines are odd; nobody changes it."""
    server = Vcsim(tmp_path_factory.mktemp("vcsim"), "-vm", str(MACHINES // 2))
    try:
        with server.content() as content:
            Odd(content).make()
        yield server
    finally:
        server.stop()
