"""The workspace's one database: inventory's sightings, the effect journal and the campaign's progress.

SQLite by default, PostgreSQL by URL; the same tables, made and changed by Alembic revisions in ``versions/``.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from pse.core.errors import BadInput, RemoteError
from pse.core.settings import Workspace

METADATA = MetaData()
PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""How long libpq waits for a PostgreSQL server that is silent (seconds; the second in ms); a URL's own words go first.

A line that is cut off without a word would hold a connection for a quarter of an hour otherwise.
"""
_IDLE_S = 60
"""Seconds after which PostgreSQL ends a transaction whose process does nothing in it: it may be stopped, with locks."""

SIGHTINGS = Table(
    "sightings",
    METADATA,
    Column("source", String(1024), primary_key=True),
    Column("seen", String(40), nullable=False),
    Column("body", Text, nullable=False),
)
"""The newest `pse.core.documents.snapshot.Sighting` of each source, as JSON."""

INTENTS = Table(
    "intents",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("key", String(512), nullable=False),
    Column("what", Text, nullable=False),
    Column("token", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("result", Text),
    UniqueConstraint("key", name="uq_intents_key"),
)
"""The effect journal of campaigns; ``detail`` and ``result`` are JSON without secrets."""

PROGRESS = Table(
    "progress",
    METADATA,
    Column("plan", String(64), primary_key=True),
    Column("workload", String(64), primary_key=True),
    Column("body", Text, nullable=False),
)
"""`pse.core.documents.campaign.WorkloadProgress` of each workload of a plan, as JSON."""

RUNS = Table(
    "runs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("snapshot", String(64), nullable=False),
    Column("recorded", String(40), nullable=False),
)
"""The snapshot that each discovery and import left behind, and when, in UTC."""

WORKERS = Table(
    "workers",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("host", String(256), nullable=False),
    Column("machine", String(128), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("begun", Float(53), nullable=False),
    Column("beat", Float(53), nullable=False),
)
"""Processes that work on campaigns; ``beat`` is when each said last that it lives, by the database's clock."""

TURNS = Table(
    "turns",
    METADATA,
    Column("plan", String(64), primary_key=True),
    Column("workload", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("run", String(32), nullable=False),
    Column("wave", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("touches", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("worker", String(64), nullable=False),
    Column("due", Float(53), nullable=False),
    Column("said", Text, nullable=False),
)
"""What is to be done with each workload, and who does it; see `migrate.turns`."""

PAUSES = Table(
    "pauses",
    METADATA,
    Column("plan", String(64), primary_key=True),
    Column("scope", String(80), primary_key=True),
)
"""What a person wants to wait: everything (an empty scope), ``wave:2``, or ``workload:portal``."""

PACES = Table(
    "paces",
    METADATA,
    Column("plan", String(64), primary_key=True),
    Column("move", String(256), primary_key=True),
    Column("body", Text, nullable=False),
)
"""How far each move is, as JSON; see `migrate.paces`."""

_LOCK = 7_015_023_040
"""Names the lock under which PostgreSQL's tables are made; any number that nobody else uses there."""
_LATE = ("55P03", "57014")
"""PostgreSQL's codes for a lock and for a statement that took too long."""
HEAD = "0003"
"""The revision that this program works with; a test holds it against ``versions/``."""


def open_database(workspace: Workspace) -> Engine:
    """The workspace's database, made or brought up to date where needed.

    Raises:
        UsageError: In a pipeline with local SQLite and without ``allow_local_state``.
        BadInput: The URL is none that can be used, it was written by a newer program, or its file cannot be used.
        RemoteError: The database server cannot be reached.
    """
    url = workspace.database_url()
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        _harden(engine)
    try:
        _bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _engine(url: str) -> Engine:
    try:
        if not url.startswith("postgresql"):
            return create_engine(url)
        engine = create_engine(url, connect_args=patience(url), pool_pre_ping=True)
    except (SQLAlchemyError, ImportError, ValueError):
        # Not chained and not quoted: what was given may hold a password.
        raise BadInput(
            "the database's URL cannot be used",
            where="PSE_DATABASE_URL, or database in pse.toml",
            hint="Write postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME, with %-codes for special characters.",
        ) from None
    _bound(engine)
    return engine


def patience(url: str) -> dict[str, Any]:
    """What of `PATIENCE` the URL of a PostgreSQL server says nothing of itself."""
    return {name: value for name, value in PATIENCE.items() if name not in make_url(url).query}


def _bound(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_S}s'")
        connection.commit()  # what is not committed, the pool takes back


def _bring_up_to_date(engine: Engine) -> None:
    try:
        found = _revision(engine)
        if found != HEAD:
            _upgrade(engine, found)
    except SQLAlchemyError as exc:
        raise unusable(engine, exc) from exc


def unusable(engine: Engine, exc: SQLAlchemyError) -> BadInput | RemoteError:
    """What SQLAlchemy said, in words, with what was kept: a transaction is written as a whole or not at all."""
    where = engine.url.render_as_string(hide_password=True)
    if getattr(getattr(exc, "orig", None), "sqlstate", None) in _LATE:
        text = "the database did not answer in time: another process holds what is wanted, or it has too much to do"
        return RemoteError(text, where=where, hint="Run it again; where that does not help, ask who runs the server.")
    if engine.dialect.name != "sqlite":
        return RemoteError(f"the database cannot be used: {exc.args[0]}", where=where, hint="Ask who runs the server.")
    where = engine.url.database or where
    if "database or disk is full" in str(exc.args[0]):
        return BadInput(
            "the disk of the database is full; nothing of this run was kept, and all from before is still there",
            where=where,
            hint=f"Free some space on the disk that holds {Path(where).parent}, then run it again.",
        )
    return BadInput(
        f"the database cannot be used: {exc.args[0]}", where=where, hint="Check who owns the file and its folder."
    )


def _harden(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN is off, so that ours below can be IMMEDIATE: two writers then queue instead of failing.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _revision(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def _upgrade(engine: Engine, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise BadInput(
            f"the database was written by a newer version of this program (revision {found})",
            hint="Install that version, or name another database.",
        )
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Several processes may open a new database at once; the last ones find it made.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
