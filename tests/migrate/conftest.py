"""Hosts for the tests of this room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pse.core.documents.plan import Move
from tests.migrate.mariadb_house import MOVE, own
from tests.migrate.mariadb_rig import made_once, serve
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


@pytest.fixture
def move() -> Move:
    """A move of a MariaDB server with a job of its own."""
    return own(MOVE)


@pytest.fixture
def mariadb_pair(rig: Rig, mariadb: Path) -> Rig:
    """Two MariaDB servers, both without data."""
    serve(rig.source, mariadb, 1)
    serve(rig.target, mariadb, 2)
    return rig
