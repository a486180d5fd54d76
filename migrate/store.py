"""What a campaign has done so far, in the workspace's database, and the lock that lets one process work on it."""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, Engine, select

from migrate.turns import Turns
from pse.core.canonical import encode
from pse.core.database import PROGRESS
from pse.core.documents.campaign import MoveState, WorkloadProgress
from pse.core.errors import Refused
from pse.core.settings import Workspace

Change = Callable[[WorkloadProgress], WorkloadProgress]
_DECODER = msgspec.json.Decoder(WorkloadProgress)


class Store:
    """Progress of one plan's workloads; threads may share it.

    Args:
        engine: The workspace's database.
        plan: Hash of the plan.
    """

    def __init__(self, engine: Engine, plan: str) -> None:
        """Remember the database; nothing is read yet."""
        self._engine = engine
        self._plan = plan
        self._lock = threading.Lock()

    def get(self, workload: str) -> WorkloadProgress:
        """Where the workload stands; ``waiting`` before anything was done."""
        with self._engine.connect() as connection:
            body = connection.execute(select(PROGRESS.c.body).where(self._is(workload))).scalar_one_or_none()
        return _DECODER.decode(body) if body else WorkloadProgress(workload=workload, state=MoveState.WAITING)

    def all(self) -> dict[str, WorkloadProgress]:
        """Every workload that was begun, by id."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(PROGRESS.c.body).where(PROGRESS.c.plan == self._plan))
            found = [_DECODER.decode(row.body) for row in rows]
        return {progress.workload: progress for progress in found}

    def elsewhere(self, workload: str) -> dict[str, MoveState]:
        """Where other plans have the workload, by hash of the plan."""
        others = (PROGRESS.c.workload == workload) & (PROGRESS.c.plan != self._plan)
        with self._engine.connect() as connection:
            rows = connection.execute(select(PROGRESS.c.plan, PROGRESS.c.body).where(others))
            return {row.plan: _DECODER.decode(row.body).state for row in rows}

    def in_hand(self, workspace: Workspace) -> frozenset[str]:
        """Workloads of the plan that a process which lives works on now."""
        if self._engine.dialect.name == "sqlite" and not somebody_works(workspace):
            return frozenset()
        return frozenset(name for plan, name in Turns(self._engine, {}).in_hand() if plan == self._plan)

    def update(self, workload: str, change: Change) -> WorkloadProgress:
        """Replace what is known of a workload by ``change`` of it, in one transaction."""
        chosen = self._is(workload)
        with self._lock, self._engine.begin() as connection:
            row = connection.execute(select(PROGRESS.c.body).where(chosen)).one_or_none()
            old = _DECODER.decode(row.body) if row else WorkloadProgress(workload=workload, state=MoveState.WAITING)
            new = change(old)
            body = encode(new).decode("utf-8")
            if row is None:
                connection.execute(PROGRESS.insert().values(plan=self._plan, workload=workload, body=body))
            else:
                connection.execute(PROGRESS.update().where(chosen).values(body=body))
        return new

    def _is(self, workload: str) -> ColumnElement[bool]:
        return (PROGRESS.c.plan == self._plan) & (PROGRESS.c.workload == workload)


def newest_plan(engine: Engine) -> str | None:
    """Hash of the plan whose campaign did something last; None when none did anything."""
    latest: dict[str, str] = {}
    with engine.connect() as connection:
        for row in connection.execute(select(PROGRESS.c.plan, PROGRESS.c.body)):
            steps = _DECODER.decode(row.body).steps
            moment = max((step.started.isoformat() for step in steps), default="")
            latest[row.plan] = max(latest.get(row.plan, ""), moment)
    return max(latest, key=lambda plan: (latest[plan], plan)) if latest else None


@contextlib.contextmanager
def campaign_lock(workspace: Workspace) -> Iterator[None]:
    """Be the only process that moves things in this workspace; freed by the kernel when the process dies.

    Raises:
        Refused: Another process is; its pid is in the message.
    """
    path = _lock_path(workspace)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            _take(handle)
        except BlockingIOError as exc:
            pid = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            raise Refused(
                f"process {pid or '(unknown)'} moves things in this workspace already",
                hint="Wait for its end, or look at `pse status`.",
                where=str(path),
            ) from exc
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    """Lock; whoever only looks (`somebody_works`) holds it for a moment, so a refusal counts after half a second."""
    deadline = time.monotonic() + 0.5
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def somebody_works(workspace: Workspace) -> bool:
    """A process holds the lock now."""
    path = _lock_path(workspace)
    if not path.exists():
        return False
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _lock_path(workspace: Workspace) -> Path:
    return workspace.private / "campaign.lock"
