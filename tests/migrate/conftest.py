"""Hosts for the tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.migrate.mariadb_rig import made_once
from tests.migrate.rig import Rig
from tests.require import require


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Two hosts with sshd and rsync."""
    require("bwrap", "sshd", "rsync", "ssh", "openssl")
    made = Rig(tmp_path)
    try:
        made.source.start()
        made.target.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a MariaDB server, to copy."""
    return made_once(tmp_path_factory.mktemp("mariadb"))
