"""The durable engine on both stores: a step that ran is never run again, an unfinished workflow goes on by name."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from migrate.durable import Durable, Stopped, Workflow, durable, step
from migrate.store import campaign_lock, somebody_works
from pse.core.errors import Refused, RemoteError
from pse.core.settings import Workspace
from tests.migrate.stores import server, workspace

__all__ = ["server", "workspace"]


def body(done: list[str], *, fails: bool = False, stops: bool = False) -> Workflow:
    """A workflow of three steps that writes down what it does."""

    def workflow(plan: str, workload: str, attempt: int) -> None:
        def act(name: str) -> str:
            if stops and name == "two":
                raise Stopped
            done.append(name)
            if fails and name == "two":
                raise RemoteError("two failed", hint="mend it", where=workload)
            return name.upper()

        for name in ("one", "two", "three"):
            assert step(name, lambda name=name: act(name)) == name.upper()  # type: ignore[misc] # bound at once
        assert (plan, attempt) == ("plan", 1)

    return workflow


def run(engine: Durable) -> None:
    engine.run("move", "plan-work-move", "plan", "work", 1)


def test_goes_on_after_the_step_that_was_done(workspace: Workspace) -> None:
    done: list[str] = []
    with durable(workspace, {"move": body(done, stops=True)}) as engine:
        engine.stop.set()
        with pytest.raises(Stopped):
            run(engine)
    assert done == ["one"]
    with durable(workspace, {"move": body(done)}) as engine:
        # Starting the engine alone takes nothing up.
        assert engine.attempts("plan-work-move") in (["PENDING"], ["ENQUEUED"])
        run(engine)
        assert engine.attempts("plan-work-move") == ["SUCCESS"]
    assert done == ["one", "two", "three"]


def test_an_error_comes_back_whole(workspace: Workspace) -> None:
    with durable(workspace, {"move": body([], fails=True)}) as engine:
        with pytest.raises(RemoteError, match="two failed") as caught:
            run(engine)
        assert caught.value.hint == "mend it"
        assert engine.attempts("plan-work-move") == ["ERROR"]


def test_what_is_cancelled_is_never_taken_up(workspace: Workspace) -> None:
    done: list[str] = []
    with durable(workspace, {"move": body(done, stops=True)}) as engine:
        engine.stop.set()
        with pytest.raises(Stopped):
            run(engine)
        engine.cancel("plan-work-move-1")
        assert engine.attempts("plan-work-move") == ["CANCELLED"]
        engine.cancel("plan-work-move-7")
    assert done == ["one"]


def test_sqlite_is_hardened(tmp_path: Path) -> None:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    with durable(Workspace(tmp_path), {"move": body([])}) as engine:
        run(engine)
    path = tmp_path / ".pse/dbos.db"
    assert path.stat().st_mode & 0o077 == 0
    connection = sqlite3.connect(path)
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    connection.close()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    workspace = Workspace(tmp_path)
    assert not somebody_works(workspace)
    code = (
        "import sys; from pathlib import Path; from pse.core.settings import Workspace; from migrate.store import *\n"
    )
    code += f"with campaign_lock(Workspace(Path({str(tmp_path)!r}))): print('held', flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    assert somebody_works(workspace)
    with pytest.raises(Refused, match=str(other.pid)), campaign_lock(workspace):
        pass
    other.kill()
    other.communicate()
    with campaign_lock(workspace):
        assert somebody_works(workspace)
    assert not somebody_works(workspace)


def test_a_second_interrupt_ends_a_campaign_that_does_not_stop(tmp_path: Path) -> None:
    code = """
import sys, threading
from pathlib import Path
from migrate.floor import floor
from migrate.turn import Turn
from pse.core.progress import silent
from pse.core.settings import Workspace
with floor(Workspace(Path(sys.argv[1])), None, progress=silent, parallel=1) as made:
    made.attempt = lambda *_: (print("stuck", flush=True), threading.Event().wait())
    threading.Thread(target=lambda: (made.stop.wait(), print("stopping", flush=True)), daemon=True).start()
    made.turns.ask([Turn(plan="p", workload="work", kind="move", run="r")])
    made.work(parallel=1, over=lambda: False)
"""
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in ("stuck", "stopping"):
        assert process.stdout.readline().strip() == line
        process.send_signal(signal.SIGINT)
    try:
        assert process.wait(20) == -signal.SIGINT
    finally:
        process.kill()
        process.communicate()
