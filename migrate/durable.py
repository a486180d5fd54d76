"""DBOS, as this program uses it: hardened SQLite or PostgreSQL, a pinned version of the steps, no automatic recovery.

A workflow that a dead process left is taken up by whoever runs the campaign next, by name; executor ids are unique,
so that starting DBOS alone resumes nothing that nobody asked for.
"""

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from pse.core.errors import PseError, RemoteError
from pse.core.settings import Workspace
from pse.core.structs import prepare_structs

STEPS = "pse-campaign-2"
"""Version of the order of steps; a workflow begun under another one is not taken up but begun anew."""
_SETTLE_S = 30.0
_DONE = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class Stopped(BaseException):
    """The user asked to stop; the workflow is left as a crash would leave it."""


Workflow = Callable[[str, str, int], None]


class Durable:
    """DBOS while it runs; made by `durable`.

    Attributes:
        stop: Set when the user wants to stop.
    """

    def __init__(self, workflows: dict[str, Workflow]) -> None:
        """Register the workflows; nothing runs yet."""
        from dbos import DBOS

        self.stop = threading.Event()
        self._ended: dict[str, threading.Event] = {}
        self._registered = {name: DBOS.workflow(name=name)(self._watched(body)) for name, body in workflows.items()}

    def status(self, workflow_id: str) -> str:
        """DBOS's word for where it stands; empty when there is no such workflow."""
        from dbos import DBOS

        found = DBOS.get_workflow_status(workflow_id)
        return found.status if found is not None else ""

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
            Stopped: The user asked to stop.
        """
        from dbos import DBOS, SetWorkflowID

        workflow_id = f"{prefix}-{attempt}"
        ended = self._ended.setdefault(workflow_id, threading.Event())
        if self.status(workflow_id):
            DBOS.resume_workflow(workflow_id)
        else:
            with SetWorkflowID(workflow_id):
                DBOS.start_workflow(self._registered[name], plan, workload, attempt)
        ended.wait()
        self._raise(workflow_id)

    def cancel(self, workflow_id: str) -> None:
        """Never take it up again; quiet when it has ended."""
        from dbos import DBOS

        if self.status(workflow_id) not in (*_DONE, ""):
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
            finally:
                self._ended.setdefault(name, threading.Event()).set()

        return workflow


def step(name: str, act: Callable[[], str]) -> str:
    """Run ``act`` as a step of the current workflow, or give back what it gave when it ran before."""
    from dbos import DBOS

    result: str = DBOS.run_step({"name": name}, act)
    return result


@contextlib.contextmanager
def durable(workspace: Workspace, workflows: dict[str, Workflow]) -> Iterator[Durable]:
    """Run DBOS with these workflows; one at a time in a process.

    Raises:
        RemoteError: Its database cannot be used.
    """
    from dbos import DBOS, DBOSConfig

    url = workspace.database_url()
    engine = None
    config = DBOSConfig(
        name="pse",
        application_version=STEPS,
        executor_id=f"{os.getpid()}-{secrets.token_hex(8)}",
        log_level="CRITICAL",
        enable_otlp=False,
    )
    if url.startswith("sqlite"):
        engine = _hardened(workspace)
        config["system_database_engine"] = engine
    else:
        config["system_database_url"] = url
    DBOS.destroy(destroy_registry=True)
    DBOS(config=config)
    try:
        running = Durable(workflows)
        try:
            prepare_structs()
            DBOS.launch()
        except PseError:
            raise
        except Exception as exc:  # DBOS raises whatever its database driver does
            raise RemoteError(f"the durable engine cannot start: {exc}", where=_shown(url)) from exc
        yield running
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
