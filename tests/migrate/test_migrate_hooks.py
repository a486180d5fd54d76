"""Commands around steps: what they leave running, say and are not."""

import os
import signal
import time
from pathlib import Path

import pytest

from migrate.hooks import run
from migrate.hosts import Host
from pse.core.errors import RemoteError
from pse.core.moving import Hook, When
from tests.migrate.rig import wait_for

ABOUT = {"PSE_PLAN": "p", "PSE_WORKLOAD": "w", "PSE_STEP": "freeze", "PSE_WHEN": "before"}


def hook(command: str, timeout_s: float = 60.0) -> Hook:
    return Hook(step="freeze", when=When.BEFORE, command=command, timeout_s=timeout_s)


def do(command: str, timeout_s: float = 60.0) -> None:
    def nowhere(name: str) -> Host:
        raise AssertionError(name)

    run(hook(command, timeout_s), ABOUT, within_s=float("inf"), host=nowhere)


def runs(pid: int) -> bool:
    """It is there, and more than what a parent has yet to look at."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_daemon_that_keeps_the_output_open_holds_nobody_up(tmp_path: Path) -> None:
    """In a session of its own, where ending the hook's process group does not reach it."""
    pid = tmp_path / "pid"
    daemon = f"setsid sh -c 'echo $$ >{pid}.new; mv {pid}.new {pid}; exec sleep 300' & until [ -e {pid} ]; do :; done"
    began = time.monotonic()
    try:
        do(daemon)
        assert runs(int(pid.read_text())), "what it was to start goes on"
        os.kill(int(pid.read_text()), signal.SIGKILL)
        pid.unlink()
        # And one that does not end itself, beside it.
        with pytest.raises(RemoteError, match="did not end within 1 s, so it was ended; it said last: nearly there"):
            do(f"{daemon}; echo first; echo nearly there; sleep 300", timeout_s=1)
        assert time.monotonic() - began < 200, "it waited for the daemon"
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_what_does_not_end_is_ended_with_all_of_its_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(RemoteError, match="did not end within 1 s"):
        do(f"sleep 300 & echo $! $$ >{pids}; trap '' TERM; wait; sleep 300", timeout_s=1)
    for pid in pids.read_text().split():
        wait_for(lambda pid=int(pid): not runs(pid), 10)  # type: ignore[misc] # bound at once


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/nowhere/drain", r"the hook before freeze failed \(exit 127\): .*No such file"),
        ("./plain", r"the hook before freeze failed \(exit 126\): .*Permission denied"),
        ("echo a\0b", "the hook before freeze cannot be run: embedded null byte"),
        ("x" * 200_000, "the hook before freeze cannot be run: .*Argument list too long"),
        ("yes no | head -c 9000000; exit 3", r"failed \(exit 3\): no$"),
    ],
)
def test_what_cannot_be_run_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_text("no program")
    with pytest.raises(RemoteError, match=said) as caught:
        do(command)
    assert caught.value.where == command[:200]
