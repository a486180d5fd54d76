"""The two databases that campaigns run on; PostgreSQL in a sandbox, once for a file of tests."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pse.core.settings import Workspace
from tests.migrate.rig import Rig
from tests.require import require


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL database."""
    require("bwrap", "sshd", "psql")
    rig = Rig(tmp_path_factory.mktemp("server"))
    try:
        rig.source.start()
        rig.source.postgres()
        yield f"postgresql+psycopg://postgres@{rig.source.address}:5432/postgres"
    finally:
        rig.stop()


def empty_database(url: str) -> str:
    """URL of a new database on a server."""
    name = f"d{secrets.token_hex(4)}"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{url.rpartition('/')[0]}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace on either store."""
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    monkeypatch.delenv("PSE_DATABASE_URL", raising=False)
    if request.param == "postgresql":
        monkeypatch.setenv("PSE_DATABASE_URL", empty_database(request.getfixturevalue("server")))
    return Workspace(tmp_path)
