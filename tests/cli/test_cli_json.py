"""Under ``--json`` stdout holds one object or nothing; errors are one JSON object on stderr."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_cli_verbs import ALL

WITHOUT = frozenset({"blueprints list"})
"""Verbs that show what comes with the tool, and look at no workspace."""
WORDS = {"rollback": ["portal", "plans/x"], "import": ["none.xlsx"], "adopt": ["records"], "init": []}


@pytest.mark.parametrize("name", [name for name in ALL if name not in WITHOUT])
def test_without_a_workspace_every_verb_says_so_in_json(name: str, tmp_path: Path, run: Run) -> None:
    run_words = [*name.split(), *WORDS.get(name, []), "--json", "--workspace", str(tmp_path / "none")]
    if name == "discover":
        run_words.append("--accept-new")
    done = run(*run_words)
    assert done.exit_code in (2, 4)
    assert done.stdout == ""
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert set(error) == {"code", "exit_code", "message", "hint", "where"}
    assert error["exit_code"] == done.exit_code
    assert error["message"]


@pytest.mark.parametrize("words", [["nonsense"], ["plan", "--nonsense"], ["rollback"], ["up", "--wave", "first"]])
def test_a_wrong_command_line_is_usage(words: list[str], run: Run) -> None:
    done = run(*words, "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "usage"
    assert "--help" in error["hint"]


def test_common_options_may_stand_before_a_family_s_verb(run: Run, tmp_path: Path) -> None:
    done = run("ledger", "--workspace", tmp_path / "none", "--json", "show")
    assert done.exit_code == 4
    assert json.loads(done.stderr)["error"]["where"].startswith(str(tmp_path / "none"))


def test_the_real_command_ends_with_the_code_of_the_class(empty: Path) -> None:
    (empty / "pse.toml").write_text('entity = "a"\nsurprise = 1\n')
    done = subprocess.run(
        [sys.executable, "-m", "pse.cli.main", "cost", "--json"],
        cwd=empty,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (4, "")
    error = json.loads(done.stderr)["error"]
    assert "surprise" in error["message"]
    assert error["where"] == str(empty / "pse.toml")
