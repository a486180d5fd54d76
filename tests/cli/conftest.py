"""A workspace without anything in it, and the way to run the command in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pse.cli.main import root

Run = Callable[..., Result]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with settings and nothing else; the environment names no other."""
    for name in ("PSE_WORKSPACE", "PSE_DATABASE_URL", "CI"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "ministry"
    folder.mkdir()
    (folder / "pse.toml").write_text('entity = "Ministry of Works"\n')
    return folder


@pytest.fixture
def run(empty: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``pse WORDS`` in the empty workspace, without a terminal."""
    monkeypatch.chdir(empty)

    def call(*words: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(root, [str(word) for word in words], input=stdin)

    return call
