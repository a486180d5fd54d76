"""DBOS, as this program uses it: hardened SQLite or PostgreSQL, a pinned version of the steps, no automatic recovery.

A workflow that a dead process left is taken up by whoever has its turn next (`migrate.turns`), by name. Executor ids
are unique and every process listens to a queue of its own only, so that starting DBOS alone resumes nothing that nobody
asked for, and what one process takes up no other one runs.
"""

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from pse.core.database import patience
from pse.core.errors import PseError, RemoteError
from pse.core.settings import Workspace
from pse.core.structs import prepare_structs

STEPS = "pse-campaign-4"
"""Version of the order of steps; a workflow begun under another one is not taken up but begun anew."""
_SETTLE_S = 30.0
_LOOK_S = 0.2
"""Seconds between two looks for a workflow that is to be taken up."""
_OUTDATED = "OUTDATED"
_DONE = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class Stopped(BaseException):
    """The user asked to stop; the workflow is left as a crash would leave it."""


class Parked(Stopped):
    """It waits for a person or an hour, and is left as a crash would leave it: it keeps nobody's place.

    Attributes:
        why: What it waits for, in words.
        in_s: Seconds after which to look again.
        person: A person has to do something; else time alone helps.
    """

    def __init__(self, why: str, *, in_s: float = 0.0, person: bool = True) -> None:
        """Say what it waits for."""
        super().__init__(why)
        self.why, self.in_s, self.person = why, in_s, person


Workflow = Callable[[str, str, int], None]


class Durable:
    """DBOS while it runs; made by `durable`.

    Attributes:
        stop: Set when the user wants to stop.
    """

    def __init__(self, workflows: dict[str, Workflow], queue: str) -> None:
        """Register the workflows; nothing runs yet."""
        from dbos import DBOS

        self.stop = threading.Event()
        self._queue = queue
        self._left: dict[str, Stopped] = {}
        self._ended: dict[str, threading.Event] = {}
        self._registered = {name: DBOS.workflow(name=name)(self._watched(body)) for name, body in workflows.items()}

    def status(self, workflow_id: str) -> str:
        """DBOS's word for where it stands; empty when there is no such workflow, and that of one with other steps."""
        from dbos import DBOS

        found = DBOS.get_workflow_status(workflow_id)
        if found is None:
            return ""
        return found.status if found.status in _DONE or found.app_version == STEPS else _OUTDATED

    def attempts(self, prefix: str) -> list[str]:
        """States of attempts 1, 2, … of the workflow ``prefix``."""
        states: list[str] = []
        while state := self.status(f"{prefix}-{len(states) + 1}"):
            states.append(state)
        return states

    def run(self, name: str, prefix: str, plan: str, workload: str, attempt: int) -> None:
        """Start an attempt, or take it up where a dead process left it, and wait for its end.

        Raises:
            PseError: What the workflow failed with.
            Stopped: The user asked to stop, or it is `Parked`.
        """
        from dbos import DBOS, SetWorkflowID

        workflow_id = f"{prefix}-{attempt}"
        ended = self._ended[workflow_id] = threading.Event()
        self._left.pop(workflow_id, None)
        if self.status(workflow_id):
            DBOS.resume_workflow(workflow_id, queue_name=self._queue)
        else:
            with SetWorkflowID(workflow_id):
                DBOS.start_workflow(self._registered[name], plan, workload, attempt)
        ended.wait()
        if (left := self._left.get(workflow_id)) is not None:
            raise left
        self._raise(workflow_id)

    def cancel(self, workflow_id: str) -> None:
        """Never take it up again; quiet when it has ended."""
        from dbos import DBOS

        if self.status(workflow_id) not in (*_DONE, _OUTDATED, ""):
            DBOS.cancel_workflow(workflow_id)

    def _raise(self, workflow_id: str) -> None:
        from dbos import DBOS

        deadline = time.monotonic() + _SETTLE_S
        while (state := self.status(workflow_id)) not in _DONE:
            if self.stop.is_set():
                raise Stopped
            if time.monotonic() > deadline:
                raise RemoteError(f"the durable engine left the workflow {state or 'unknown'}", where=workflow_id)
            time.sleep(0.05)
        if state == "SUCCESS":
            return
        if state == "ERROR":
            DBOS.retrieve_workflow(workflow_id).get_result()
        raise RemoteError(f"the workflow ended as {state}", where=workflow_id)

    def _watched(self, body: Workflow) -> Workflow:
        """``body``, telling its end to whoever waits in `run`."""

        def workflow(plan: str, workload: str, attempt: int) -> None:
            from dbos import DBOS

            name = str(DBOS.workflow_id)
            try:
                body(plan, workload, attempt)
            except Stopped as exc:
                self._left[name] = exc
                raise
            finally:
                self._ended.setdefault(name, threading.Event()).set()

        return workflow


def step(name: str, act: Callable[[], str]) -> str:
    """Run ``act`` as a step of the current workflow, or give back what it gave when it ran before."""
    from dbos import DBOS

    result: str = DBOS.run_step({"name": name}, act)
    return result


@contextlib.contextmanager
def durable(workspace: Workspace, workflows: dict[str, Workflow], *, threads: int = 8) -> Iterator[Durable]:
    """Run DBOS with these workflows; one at a time in a process.

    Args:
        workspace: Whose database.
        workflows: By name.
        threads: Workflows at once.

    Raises:
        RemoteError: Its database cannot be used.
    """
    from dbos import DBOS, DBOSConfig

    url = workspace.database_url()
    engine = None
    executor = f"{os.getpid()}-{secrets.token_hex(8)}"
    queue = f"pse-{executor}"
    config = DBOSConfig(
        name="pse",
        application_version=STEPS,
        executor_id=executor,
        max_executor_threads=threads + 4,
        log_level="CRITICAL",
        enable_otlp=False,
    )
    if url.startswith("sqlite"):
        engine = _hardened(workspace)
        config["system_database_engine"] = engine
    else:
        config["system_database_url"] = url
        config["db_engine_kwargs"] = {"connect_args": {"application_name": "dbos_transact", **patience(url)}}
        config["sys_db_pool_size"] = min(20, max(4, threads))
    DBOS.destroy(destroy_registry=True)
    DBOS(config=config)
    try:
        running = Durable(workflows, queue)
        try:
            prepare_structs()
            DBOS.listen_queues([queue])
            DBOS.launch()
            DBOS.register_queue(queue, polling_interval_sec=_LOOK_S)
        except PseError:
            raise
        except Exception as exc:  # DBOS raises whatever its database driver does
            raise RemoteError(f"the durable engine cannot start: {exc}", where=_shown(url)) from exc
        try:
            yield running
        finally:
            with contextlib.suppress(Exception):  # the database may be gone: then a row that nobody reads stays
                DBOS.delete_queue(queue)
    finally:
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
        if engine is not None:
            engine.dispose()


def _hardened(workspace: Workspace) -> Any:
    """DBOS's own SQLite file: stock settings lose limits and, with the machine, commits."""
    from sqlalchemy import create_engine, event

    path = workspace.private / "dbos.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _shown(url: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)
