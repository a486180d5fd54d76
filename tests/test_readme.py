"""Every command of the README runs, in its order, on a real lab."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.workbook import write_workbook
from tests.require import require

ROOT = Path(__file__).parents[1]
LIMIT_S = 240
pytestmark = pytest.mark.timeout(4 * LIMIT_S)


def blocks() -> list[list[list[str]]]:
    """The words of each line of each shell block of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [[shlex.split(line, comments=True) for line in block.splitlines() if line] for block in found]


def pse(here: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if k not in ("PSE_WORKSPACE", "PSE_DATABASE_URL", "CI")}
    return subprocess.run(
        [sys.executable, "-m", "pse.cli.main", *words],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=False,
    )


def test_the_sample_one_command_at_a_time(tmp_path: Path) -> None:
    require("bwrap", "sshd", "nginx", "named", "rsync")
    here = tmp_path
    block = blocks()[0]
    assert len(block) > 15
    try:
        for first, *words in block:
            if first == "cd":
                here = here / words[0]
                continue
            assert first == "pse"
            done = pse(here, *words)
            assert done.returncode == 0, f"pse {words}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            assert "Traceback" not in done.stderr, words
    finally:
        pse(here, "lab", "stop")


def test_an_estate_of_ones_own(tmp_path: Path) -> None:
    """As far as it goes before anybody has written a file: no place is allowed yet, and everything is refused."""
    here = tmp_path
    (block,) = blocks()[1:]
    for first, *words in block:
        if first == "cd":
            here = here / words[0]
            continue
        assert first == "pse"
        book = ["import", str(write_workbook(tmp_path / "old.xlsx", ["web1"]))]
        done = pse(here, *(book if words[0] == "discover" else words))
        assert done.returncode == (1 if words[0] in ("label", "plan") else 0), f"pse {words}\n{done.stderr}"
        assert "Traceback" not in done.stderr, words


def test_the_make_targets_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^    make ([\w-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True, timeout=30)
