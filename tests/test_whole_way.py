"""`make demo`, run for real: its figures, its secrets, and what it leaves behind."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pse.core.settings import Workspace
from tests.require import require

ROOT = Path(__file__).parents[1]
LIMIT_S = 600
pytestmark = pytest.mark.timeout(2 * LIMIT_S)
KEEPERS = ("signing_key", "ssh_key", "passphrase", "tsig")
"""Files below .pse that hold a secret because that is what they are for."""


class Run(NamedTuple):
    """One demo that was kept standing.

    Attributes:
        root: Its workspace.
        figures: The last line of its stdout.
        shown: Everything that it printed.
        arguments: Command lines of all processes seen meanwhile.
    """

    root: Path
    figures: dict[str, Any]
    shown: str
    arguments: frozenset[bytes]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    require("bwrap", "sshd", "nginx", "named", "rsync")
    root = tmp_path_factory.mktemp("way") / "ministry"
    seen: set[bytes] = set()
    over = threading.Event()
    watcher = threading.Thread(target=watch, args=(seen, over))
    watcher.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "examples.demo", "--workspace", str(root), "--keep"],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if k not in ("PSE_WORKSPACE", "PSE_DATABASE_URL")}
            | {"CI": "true"},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        over.set()
        watcher.join()
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        yield Run(root, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr, frozenset(seen))
    finally:
        over.set()
        for words in (["destroy", "--with-moved-data", "--yes"], ["lab", "stop"]):
            subprocess.run(
                [sys.executable, "-m", "pse.cli.main", *words, "--workspace", str(root)],
                capture_output=True,
                timeout=LIMIT_S,
                check=False,
            )
        assert not [line for line in command_lines() if str(root).encode() in line], "the lab left something running"


def watch(seen: set[bytes], over: threading.Event) -> None:
    """Collect the command lines of this machine until told to stop."""
    while not over.wait(0.05):
        seen.update(command_lines())


def command_lines() -> set[bytes]:
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                found.add((process / "cmdline").read_bytes())
            except OSError:
                continue
    return found


def canaries(root: Path) -> dict[str, bytes]:
    """Every secret of the workspace, by the door it came in through."""
    private = root / ".pse"
    password = next(private.glob("lab/**/srv/portal/etc/database.pass"))
    found = {name: private / name for name in KEEPERS} | {"database.pass": password}
    values = {}
    for name, path in found.items():
        raw = path.read_bytes().strip()
        # A line from the middle of a key: its first and last lines are the same for everybody.
        lines = raw.splitlines()
        values[name] = lines[len(lines) // 2] if len(lines) > 2 else raw
        assert len(values[name]) >= 12, name
    return values


def test_its_figures(run: Run) -> None:
    figures = run.figures
    assert figures["verified"] is True
    assert figures["mismatches"] == 0
    assert figures["servers"] == 6
    assert figures["workloads"] == 5  # those with servers; the environment has none
    assert figures["refusals"] >= 3
    assert figures["resources"] == 19
    assert figures["bytes_moved"] > 256 * 2**20
    assert set(figures["downtime_s"]) == {"portal", "records", "opendata"}
    assert all(0 < seconds < 60 for seconds in figures["downtime_s"].values())
    assert Path(figures["report"]).is_file()


def test_no_secret_is_written_or_shown(run: Run) -> None:
    secrets = canaries(run.root)
    found = []
    for path in (run.root, run.root.with_suffix(".log")):
        files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
        for file in files:
            inside = file.relative_to(run.root.parent).parts
            if "lab" in inside or file.name in KEEPERS:
                continue  # disks of the lab's hosts hold their own application's files
            data = file.read_bytes()
            found += [f"{name} in {file}" for name, value in secrets.items() if value in data]
    assert not found
    assert not [name for name, value in secrets.items() if value.decode() in run.shown]


def test_no_secret_is_an_argument_of_a_process(run: Run) -> None:
    assert len(run.arguments) > 20
    for name, value in canaries(run.root).items():
        assert not [line for line in run.arguments if value in line], name
    assert not [line for line in run.arguments if b"PASSWORD '" in line or b"password=" in line.lower()]


def test_first_boot_scripts_are_not_in_the_state_in_the_clear(run: Run) -> None:
    states = list((run.root / ".pse" / "state").rglob("*.json"))
    assert states
    kept = [path for path in states if b'"userData"' in path.read_bytes()]
    assert kept
    for path in kept:
        assert b"#!/bin/sh" not in path.read_bytes(), path


def test_the_database_and_the_ledger_outlive_it(run: Run) -> None:
    workspace = Workspace(run.root)
    assert (workspace.private / "pse.db").exists()
    done = subprocess.run(
        [sys.executable, "-m", "pse.cli.main", "ledger", "verify", "--json", "--workspace", str(run.root)],
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["entries"] > 0
