"""What goes wrong becomes words, a hint and an exit code; a traceback only with ``--debug``."""

import errno
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import pytest

import policy.ledger
from pse.cli.failure import fail
from pse.core.errors import Incomplete, PseError, Refused, Waiting
from tests.cli.conftest import Run
from tests.core.test_core_errors import core


@pytest.mark.parametrize("kind", core(), ids=lambda kind: kind.__name__)
def test_text_and_code_come_from_the_class(kind: type[PseError], capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(kind("it broke", hint="mend it", where="row 3"), []) == kind.exit_code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: it broke\n  where: row 3\n  hint: mend it\n"


def test_interrupted_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(KeyboardInterrupt(), []) == 130
    assert fail(click.Abort(), ["--json"]) == 130
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["error"]["code"] == "interrupted"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_says_no_is_no_defect_of_ours(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(OSError(number, "no", "/srv/file"), []) == 4
    assert "/srv/file" in capsys.readouterr().err


def test_a_full_database_is_no_defect_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(tmp_path / "full.db")) as database:
        database.execute("PRAGMA max_page_count = 2")
        database.execute("CREATE TABLE t (x)")
        with pytest.raises(sqlite3.OperationalError) as caught:
            database.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert fail(caught.value, []) == 4
    assert "disk of the database is full" in capsys.readouterr().err


def test_outside_text_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    fail(Refused("host \x1b]0;owned\x07 said no"), [])
    assert "\x1b]" not in capsys.readouterr().err


class Broken:
    def __init__(self, *_: object) -> None:
        raise LookupError("the password is sesame")


def test_a_defect_of_ours_is_70_without_a_traceback_or_its_text(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.ledger, "Ledger", Broken)
    done = run("ledger", "show", "--json")
    assert done.exit_code == 70
    error = json.loads(done.stderr)["error"]
    assert error["message"].startswith("a defect of ours: LookupError at ")
    assert "--debug" in error["hint"]
    assert "sesame" not in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.ledger, "Ledger", Broken)
    done = run("ledger", "show", "--debug")
    assert done.exit_code == 70
    assert "Traceback" in done.stderr
    assert "sesame" in done.stderr


@pytest.mark.parametrize(("error", "code"), [(Incomplete("half"), 6), (Waiting("ask the Director Records"), 7)])
def test_errors_of_rooms_reach_the_exit_code(
    error: PseError, code: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ledger(_: object) -> None:
        raise error

    monkeypatch.setattr(policy.ledger, "Ledger", ledger)
    assert run("ledger", "verify").exit_code == code


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    script = f"{sys.executable} -m pse.cli.main --help | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=30, cwd=tmp_path)
    assert done.stdout == "0\n"
    assert done.stderr == ""
