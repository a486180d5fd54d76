"""A worker that is cut off, stopped, interrupted or hangs: no two work on one workload, and no turn is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from blueprints import Bundle
from migrate import turns
from migrate.floor import floor
from migrate.turn import Turn, TurnState
from migrate.turns import Turns
from pse.core.database import open_database
from pse.core.errors import Refused, RemoteError
from pse.core.progress import Event, silent
from pse.core.settings import Workspace
from tests.migrate.hung import Line
from tests.migrate.rig import wait_for
from tests.migrate.stores import empty_database, server

__all__ = ["server"]
pytestmark = pytest.mark.timeout(180)

WORKER = """
import subprocess, sys, threading, time
from pathlib import Path
from migrate import alive, turns
from migrate.floor import floor
from migrate.turn import Turn
from pse.core.progress import silent
from pse.core.settings import Workspace

def say(text):
    print(text, flush=True)

turns.LEASE_S = alive.LEASE_S = 6.0
alive.BEAT_S = 0.3
"""
"""A worker whose lease is short."""


@pytest.fixture
def shared(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace on an empty PostgreSQL database, with leases of six seconds."""
    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    monkeypatch.setenv("PSE_DATABASE_URL", empty_database(server))
    monkeypatch.setattr(turns, "LEASE_S", 6.0)
    return Workspace(tmp_path)


@pytest.fixture
def known(shared: Workspace) -> Iterator[Turns]:
    """Its turns, as another worker sees them."""
    database = open_database(shared)
    yield Turns(database, {})
    database.dispose()


@contextmanager
def process(code: str, root: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """One that runs ``code``, with the workspace's folder as its argument; killed in the end."""
    made = subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield made
    finally:
        made.kill()
        made.communicate()


def line(of: subprocess.Popen[str]) -> str:
    assert of.stdout is not None
    assert of.stderr is not None
    said = of.stdout.readline().strip()
    return said or of.stderr.read()[-2000:]


def move(name: str, *, plan: str = "p", run: str = "r", wave: int = 1, kind: str = "move") -> Turn:
    return Turn(plan=plan, workload=name, kind=kind, run=run, wave=wave)


def only(known: Turns) -> Turn:
    (one,) = known.all()
    return one


def gone(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


STUCK = (
    WORKER
    + """
def attempt(*_):
    # As a hook is started: a shell that waits for its command, in a session of its own.
    words = ["/bin/bash", "-c", "sleep 600 & echo $!; wait"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    say(child.stdout.readline().strip())
    threading.Event().wait()

with floor(Workspace(Path(sys.argv[1])), None, progress=silent, parallel=1) as made:
    made.attempt = attempt
    made.work(parallel=1, over=lambda: False)
"""
)


@contextmanager
def stuck(shared: Workspace, known: Turns) -> Iterator[tuple[subprocess.Popen[str], int, Line]]:
    """A worker behind a line, with a step that does not end, and a program that the step runs."""
    known.ask([move("a")])
    url = make_url(shared.database_url())
    far = Line(str(url.host), int(url.port or 5432))
    try:
        near = url.set(host="127.0.0.1", port=far.port).render_as_string(hide_password=False)
        with process(STUCK, shared.root, PSE_DATABASE_URL=near) as made:
            yield made, int(line(made)), far
    finally:
        far.close()


def test_a_worker_that_was_cut_off_without_a_word_ends_itself_and_what_it_started(
    shared: Workspace, known: Turns
) -> None:
    with stuck(shared, known) as (made, child, far):
        far.cut()
        # Before anybody else may take its turn.
        assert made.wait(60) == -signal.SIGKILL
        wait_for(lambda: gone(child), 10)
        assert made.stderr is not None
        assert "not heard of" in made.stderr.read()
    me = known.join()
    wait_for(lambda: known.take(me, []) is not None, 60)


def test_a_worker_that_was_stopped_and_has_lost_its_line_ends_itself_when_it_wakes(
    shared: Workspace, known: Turns
) -> None:
    with stuck(shared, known) as (made, child, far):
        made.send_signal(signal.SIGSTOP)
        far.cut()
        me = known.join()
        wait_for(lambda: known.beat(me) and known.take(me, []) is not None, 60)
        made.send_signal(signal.SIGCONT)
        assert made.wait(60) == -signal.SIGKILL
        wait_for(lambda: gone(child), 10)


def test_who_woke_up_too_late_begins_no_effect(shared: Workspace, known: Turns) -> None:
    code = (
        WORKER
        + """
from migrate.journal import SqlJournal
turns.LEASE_S, alive.LEASE_S, alive.BEAT_S, alive.WATCH_S = 600, 600, 600, 600

with floor(Workspace(Path(sys.argv[1])), None, progress=silent, parallel=1) as made:
    journal = SqlJournal(made._database)
    journal.open("before", "an effect", {})
    say("effect")
    sys.stdin.readline()
    alive.LEASE_S = 0
    journal.open("after", "an effect", {})
    say("effect")
"""
    )
    with process(code, shared.root) as made:
        assert line(made) == "effect"
        assert made.stdin is not None
        made.stdin.write("\n")
        made.stdin.flush()
        assert "not heard of" in line(made)
        assert made.wait(60) == -signal.SIGKILL


def test_one_that_hangs_while_it_takes_a_turn_holds_nobody_up(shared: Workspace, known: Turns) -> None:
    code = (
        WORKER
        + """
from pse.core.database import open_database
known = turns.Turns(open_database(Workspace(Path(sys.argv[1]))), {})
with known._alone():
    say("alone")
    threading.Event().wait()
"""
    )
    known.ask([move("a")])
    with process(code, shared.root) as made:
        assert line(made) == "alone"
        made.send_signal(signal.SIGSTOP)
        assert known.take(known.join(), []) is not None


def test_a_lock_that_is_not_let_go_is_said_in_words(
    shared: Workspace, known: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_BOUNDS", "SET LOCAL lock_timeout = '0.2s'")
    with psycopg.connect(shared.database_url().replace("+psycopg", "")) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({turns._LOCK})".encode())
        with pytest.raises(RemoteError, match="did not answer in time"):
            known.pause("p", "")
    known.pause("p", "")
    assert known.pauses("p") == ("",)


class Closed:
    """A database that lets nobody in."""

    def __init__(self, workspace: Workspace) -> None:
        url = make_url(workspace.database_url())
        self._name = url.database
        self._server = url.set(database="postgres", drivername="postgresql").render_as_string(hide_password=False)

    def close(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def open(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.mark.parametrize("fails", [False, True])
def test_an_end_that_cannot_be_noted_is_noted_later(shared: Workspace, known: Turns, *, fails: bool) -> None:
    database, told = Closed(shared), list[str]()
    known.ask([move("a")])

    def take(event: Event) -> None:
        told.append(event.message)
        database.open()

    with floor(shared, _no_plan, progress=take, parallel=1) as made:

        def attempt(*_: str) -> None:
            database.close()
            if fails:
                raise RemoteError("broke", where="a")

        made.attempt = attempt  # type: ignore[method-assign, assignment]  # what is done is of no matter here
        made.work(parallel=1, over=lambda: bool(told) and only(known).state in (TurnState.DONE, TurnState.FAILED))
        assert only(known).state is (TurnState.FAILED if fails else TurnState.DONE)
    assert any("tried again" in one for one in told)


def test_a_turn_that_was_taken_without_its_hearing_of_it_is_taken_up(
    shared: Workspace, known: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.ask([move("a")])
    real, lost = Turns.take, list[Turn]()

    def take(self: Turns, *words: object, **named: object) -> Turn | None:
        one = real(self, *words, **named)  # type: ignore[arg-type]
        if one is None or lost:
            return one
        lost.append(one)
        raise RemoteError("the answer was lost", where="")

    monkeypatch.setattr(Turns, "take", take)
    with floor(shared, _no_plan, progress=silent, parallel=1) as made:
        made.attempt = lambda *_: None  # type: ignore[method-assign]
        made.work(parallel=1, over=lambda: only(known).state is TurnState.DONE)
    assert lost


def test_an_interrupted_rollback_keeps_its_turn_until_its_step_has_ended(shared: Workspace, known: Turns) -> None:
    code = (
        WORKER
        + """
def attempt(*_):
    say("stuck")
    sys.stdin.readline()
    say("step done")
    raise Stopped

from migrate.durable import Stopped
with floor(Workspace(Path(sys.argv[1])), None, progress=silent, parallel=1) as made:
    made.attempt = attempt
    threading.Thread(target=lambda: (made.stop.wait(), say("stopping")), daemon=True).start()
    made.work_on(Turn(plan="p", workload="a", kind="back", run="back"))
"""
    )
    with process(code, shared.root) as made:
        assert line(made) == "stuck"
        made.send_signal(signal.SIGINT)
        assert line(made) == "stopping"
        assert only(known).state is TurnState.RUNNING
        me = known.join()
        assert known.take(me, []) is None
        with pytest.raises(Refused, match=f"process {made.pid} on .* works on it"):
            known.seize(me, move("a", kind="back"))
        assert made.stdin is not None
        made.stdin.write("\n")
        made.stdin.flush()
        assert line(made) == "step done"
        assert made.wait(60) != 0
    taken = known.take(me, [])
    assert taken is not None
    assert taken.kind == "back"


def test_who_leaves_by_another_door_while_a_step_runs_ends_as_a_kill_does(shared: Workspace, known: Turns) -> None:
    code = (
        WORKER
        + """
def attempt(*_):
    say("stuck")
    threading.Event().wait()

with floor(Workspace(Path(sys.argv[1])), None, progress=silent, parallel=1) as made:
    made.attempt = attempt
    threading.Thread(target=lambda: made.work(parallel=1, over=lambda: False), daemon=True).start()
    sys.stdin.readline()
    raise ValueError("nobody thought of it")
"""
    )
    known.ask([move("a")])
    with process(code, shared.root) as made:
        assert line(made) == "stuck"
        assert made.stdin is not None
        made.stdin.write("\n")
        made.stdin.flush()
        assert made.wait(60) == -signal.SIGKILL
    assert only(known).state is TurnState.RUNNING


def _no_plan(_plan: str) -> Bundle:
    raise AssertionError("no plan is looked at here")
