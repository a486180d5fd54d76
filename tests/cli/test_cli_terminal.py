"""On a real terminal: a person is asked before the world changes, and progress leaves nothing behind."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.test_cli_rooms import DAY, ministry, told

__all__ = ["ministry"]
LIMIT_S, PATIENCE_S = 60, 8.0
STOP = "\x03"
"""The interrupt key; its signal is sent by hand, because the terminal here controls no session."""


def talk(words: list[str], folder: Path, answers: dict[str, str]) -> tuple[int, str]:
    """Run ``pse WORDS`` on a terminal of its own and answer its questions; returns exit code and all that was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        # A shell that starts us in the background ignores the interrupt, and children inherit that.
        ["env", "--default-signal=INT", sys.executable, "-m", "pse.cli.main", *words],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "140"},
    )
    os.close(theirs)
    shown, begun, stopping, pressed = "", time.monotonic(), False, 0.0
    try:
        while time.monotonic() - begun < LIMIT_S:
            if not select.select([ours], [], [], 0.2)[0]:
                # Pressed until it is heard: readline loses an interrupt that comes before it waits for a key. Not too
                # often: a second one that reaches an interpreter on its way out ends it by the signal.
                if stopping and time.monotonic() - pressed > PATIENCE_S:
                    process.send_signal(signal.SIGINT)
                    pressed = time.monotonic()
                continue
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the other side has closed the terminal
                break
            if not piece:
                break
            shown += piece.decode(errors="replace")
            for question in [question for question in answers if question in shown]:
                if (answer := answers.pop(question)) is STOP:
                    stopping = True
                else:
                    os.write(ours, answer.encode())
        return process.wait(timeout=LIMIT_S), shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_no_does_nothing(run: Run, ministry: Path) -> None:
    told(run, "plan", "--as-of", DAY)
    code, shown = talk(["up"], ministry, {"Go on?": "n\n"})
    assert code == 3
    assert "analytics" in shown
    assert "nothing was done" in shown
    assert not (ministry / ".pse" / "deployments").exists()


def test_the_key_for_stop_is_130(run: Run, ministry: Path) -> None:
    told(run, "plan", "--as-of", DAY)
    code, shown = talk(["up"], ministry, {"Go on?": STOP})
    assert code == 130
    assert "Traceback" not in shown


def test_progress_shows_each_step_once_it_is_done(run: Run, ministry: Path) -> None:
    told(run, "plan", "--as-of", DAY)
    code, shown = talk(["preview", "--offline"], ministry, {})
    assert code == 0
    assert shown.count("preview analytics: done") == 1
    assert shown.index("preview analytics: done") < shown.index("total: ")
