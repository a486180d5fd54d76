"""The workspace's database on SQLite: made, hardened, brought up to date, refused with words."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import OperationalError

from pse.core.database import HEAD, INTENTS, METADATA, SIGHTINGS, open_database, unusable
from pse.core.errors import BadInput, RemoteError
from pse.core.settings import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("PSE_DATABASE_URL", "CI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pse.toml").write_text('entity = "Ministry"\n')
    return Workspace(tmp_path)


def test_revisions_make_the_tables_that_the_code_declares(workspace: Workspace) -> None:
    engine = open_database(workspace)
    found = inspect(engine)
    assert set(METADATA.tables) | {"alembic_version"} == set(found.get_table_names())
    for table in METADATA.tables.values():
        assert {c.name for c in table.columns} == {c["name"] for c in found.get_columns(table.name)}
    engine.dispose()


def test_opening_again_keeps_what_is_there(workspace: Workspace) -> None:
    engine = open_database(workspace)
    with engine.begin() as connection:
        connection.execute(insert(INTENTS).values(key="k", what="w", token="t", detail="{}"))
    engine.dispose()
    again = open_database(workspace)
    with again.connect() as connection:
        assert connection.execute(select(INTENTS.c.key)).scalars().all() == ["k"]
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    again.dispose()


def test_sqlite_is_durable_and_writers_queue(workspace: Workspace) -> None:
    engine = open_database(workspace)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2

    def write(number: int) -> None:
        with engine.begin() as connection:
            connection.execute(insert(INTENTS).values(key=f"k{number}", what="w", token="t", detail="{}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(32)))
    with engine.connect() as connection:
        assert len(connection.execute(select(INTENTS.c.key)).all()) == 32
    engine.dispose()


def test_a_newer_database_is_refused_and_not_changed(workspace: Workspace) -> None:
    engine = open_database(workspace)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(BadInput, match="newer version"):
        open_database(workspace)


def test_a_file_that_is_no_database_is_bad_input(workspace: Workspace) -> None:
    workspace.private.mkdir()
    (workspace.private / "pse.db").write_bytes(b"not a database, but long enough to look at" * 50)
    with pytest.raises(BadInput, match="cannot be used"):
        open_database(workspace)


def test_a_server_that_is_away_hides_the_password(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSE_DATABASE_URL", "postgresql+psycopg://pse:sesame@127.0.0.1:1/pse?connect_timeout=2")
    with pytest.raises(RemoteError) as caught:
        open_database(workspace)
    assert "sesame" not in f"{caught.value} {caught.value.hint}"


def test_a_full_disk_says_which_and_what_is_kept(workspace: Workspace) -> None:
    engine = open_database(workspace)
    rows = [{"source": f"s{n}", "seen": "now", "body": "x" * 10_000} for n in range(100)]
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # never below what is in use: the file is full now
        with pytest.raises(OperationalError) as caught:
            connection.execute(SIGHTINGS.insert(), rows)
    error = unusable(engine, caught.value)
    engine.dispose()
    assert "the disk of the database is full" in error.message
    assert "all from before is still there" in error.message
    assert error.where.endswith("pse.db")
    assert str(workspace.private) in error.hint


@pytest.mark.parametrize(
    "url", ["mysql://u:hush@h/db", "postgresql://u:hush@h:hush/db", "postgresql://u:hush@[::1/db", "no-url", "://"]
)
def test_an_odd_url_is_bad_input_and_is_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    monkeypatch.setenv("PSE_DATABASE_URL", url)
    with pytest.raises(BadInput, match="URL cannot be used") as caught:
        open_database(Workspace(tmp_path))
    assert "hush" not in f"{caught.value.as_dict()}{caught.value.__cause__}"
