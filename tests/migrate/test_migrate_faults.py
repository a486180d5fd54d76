"""What goes wrong around a copy, and is told or outlived: see docs/faults.md."""

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from migrate import passage, preflight
from migrate.hosts import SESSIONS
from migrate.replicators.files import rsync
from migrate.replicators.files.owners import clashes
from migrate.replicators.files.replicator import Files
from pse.core.documents.plan import Move
from pse.core.findings import Severity
from tests.migrate.rig import Rig, awkward, wait_for

MOVE = Move(id="records-files", kind="files", source="source", target="target", paths=("/srv/records",))


@pytest.fixture
def records(rig: Rig) -> Rig:
    awkward(rig.source.root / "srv/records", small=3)
    return rig


def test_more_commands_at_once_than_one_connection_may_carry(rig: Rig) -> None:
    host = rig.task(MOVE).source
    host.text("true")
    with ThreadPoolExecutor(3 * SESSIONS) as pool:
        answers = list(pool.map(lambda n: host.text(f"sleep 0.1; echo {n}").strip(), range(3 * SESSIONS)))
    assert answers == [str(n) for n in range(3 * SESSIONS)]


@pytest.mark.parametrize(("off_s", "said"), [(50, 0), (70, 2), (-70, 2)])
def test_a_clock_that_is_off_stops_the_move(rig: Rig, monkeypatch: pytest.MonkeyPatch, off_s: float, said: int) -> None:
    true = time.time
    monkeypatch.setattr(preflight, "time", SimpleNamespace(time=lambda: true() + off_s))
    found = preflight.clocks(rig.task(MOVE))
    assert [f.code for f in found] == ["PSE-M015"] * said
    assert all(f.severity is Severity.ERROR for f in found)


def test_a_certificate_that_ran_out_is_made_anew_for_the_next_try(
    records: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passage, "LIFE_S", 2)
    task = records.task(MOVE)
    task.passage.open()
    old = task.passage.shell("old", "exit 0")

    def enters(shell: str) -> bool:
        return task.source.run(f"{shell} {records.target.address} true </dev/null").rc == 0

    wait_for(lambda: not enters(old), 20)
    assert enters(task.passage.shell("new", "exit 0"))
    monkeypatch.undo()
    assert Files().seed(task).sent > 0


def test_a_number_that_is_somebody_else_at_the_target_is_told(records: Rig) -> None:
    task = records.task(MOVE)
    assert clashes(task) == []
    users = records.target.root / "etc/passwd"
    users.write_text("somebody:x:1000:1000::/home/admin:/bin/bash\n" + users.read_text())
    groups = records.target.root / "etc/group"
    groups.write_text("people:x:1000:\n" + groups.read_text())
    found = clashes(task)
    assert [f.code for f in found] == ["PSE-M034", "PSE-M034"]
    text = " ".join(f.message for f in found)
    assert "user 1000 is admin at source and somebody at target" in text
    assert "group 1000 is admin at source and people at target" in text


def test_what_cannot_be_changed_is_told(records: Rig) -> None:
    """The flag itself needs root and a file system that has it; where it cannot be set, nothing is said."""
    path = records.source.root / "srv/records/plain.txt"
    chattr = shutil.which("chattr", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    flagged = (
        chattr is not None and subprocess.run([chattr, "+i", path], check=False, capture_output=True).returncode == 0
    )
    try:
        found = [f for f in Files().preflight(records.task(MOVE)) if f.code == "PSE-M035"]
    finally:
        if flagged:
            subprocess.run([str(chattr), "-i", path], check=True)
    # A hard link is the same file by another name.
    assert [("plain.txt" in f.message, "hard link" in f.message) for f in found] == [(True, True)] * flagged


@pytest.mark.parametrize("final", [False, True])
def test_a_file_that_vanishes_while_it_is_copied_stops_nothing(
    records: Rig, monkeypatch: pytest.MonkeyPatch, final: bool
) -> None:
    """Before the freeze the next pass looks again; in the last pass nothing may be open, so it is run once more."""
    task, root = records.task(MOVE), records.source.root / "srv/records"
    Files().seed(task)
    (root / "a-large").write_bytes(os.urandom(600_000))
    (root / "z-gone").write_text("soon gone")
    flags = rsync._flags
    monkeypatch.setattr(rsync, "_flags", lambda task: [*flags(task), "--bwlimit=400"])
    with ThreadPoolExecutor(1) as pool:
        moved = pool.submit(Files().delta, task, final=final)
        wait_for(lambda: any((records.target.root / "srv/records").glob(".a-large.*")), 20)
        (root / "z-gone").unlink()
        said = moved.result(60).note
    assert ("vanished" in said) == (not final)
    assert (records.target.root / "srv/records/a-large").read_bytes() == (root / "a-large").read_bytes()
