"""Approvals and evidence by their verbs: what `pse up` waits for, and what an auditor verifies without a workspace."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pse.core.settings import Workspace
from tests.cli.conftest import Run
from tests.cli.test_cli_rooms import DAY, ministry, told

__all__ = ["ministry"]


def test_up_waits_for_the_approvals_that_the_workspace_asks_for(run: Run, ministry: Path) -> None:
    with (ministry / "pse.toml").open("a") as settings:
        settings.write('\n[approvals]\ncount = 1\nleast = "restricted"\npeople = ["Director Records"]\n')
    plan = told(run, "plan", "--as-of", DAY)
    waits = run("up", "--dry-run", "--json")
    error = json.loads(waits.stderr.splitlines()[-1])["error"]
    assert (waits.exit_code, error["code"]) == (7, "waiting")
    assert "0 of 1 approval for restricted" in error["message"]
    said = ("--reference", "Letter 7")
    assert run("approve", "--by", "Director Records", *said).exit_code == 2, "nobody can be asked"
    assert run("approve", "--by", "Somebody Else", *said, "--yes").exit_code == 3
    looked = told(run, "approve", "--by", "Director Records", *said, "--dry-run")
    assert looked["plan"] == plan["hash"]
    assert run("up", "--dry-run").exit_code == 7
    made = told(run, "approve", "--by", "Director Records", *said, "--yes")
    assert made["approval"]["plan"] == plan["hash"]
    assert run("up", "--dry-run").exit_code == 0
    told(run, "plan", "--as-of", "2026-11-24")
    again = run("up", "--dry-run")
    assert again.exit_code == 7
    assert f"of another plan: {plan['hash'][:12]}" in again.stderr


def test_evidence_is_verified_without_a_workspace(
    run: Run, ministry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(run, "plan", "--as-of", DAY)
    told(run, "approve", "--by", "Director Records", "--reference", "Letter 7", "--yes")
    assert run("evidence", "write", "--out", tmp_path / "none" / "evidence.zip").exit_code == 4
    told(run, "audit")
    away = tmp_path / "away"
    away.mkdir()
    file = away / "evidence.zip"
    written = told(run, "evidence", "write", "--out", str(file))
    again = told(run, "evidence", "write")
    assert written["sha256"] == again["sha256"]
    signer = Workspace(ministry).settings.signer
    monkeypatch.chdir(away)
    verify = [sys.executable, "-m", "pse.cli.main", "evidence", "verify", file.name, "--signer", signer, "--json"]
    done = subprocess.run(verify, cwd=away, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found["verified"] is True
    assert {"audit.json", "oscal/assessment-results.json"} < set(found["manifest"]["members"])
    file.write_bytes(file.read_bytes().replace(b"Letter 7", b"Letter 8"))
    changed = run("evidence", "verify", file, "--signer", signer, "--json")
    assert changed.exit_code == 3
    subjects = {finding["subject"] for finding in json.loads(changed.stdout)["findings"]}
    assert subjects >= {"ledger.jsonl", "oscal/assessment-results.json"}
    assert run("evidence", "verify", file, "--signer", "0" * 63).exit_code == 2
    assert run("evidence", "verify", file, "--signer", "0" * 64).exit_code == 3
    assert run("evidence", "verify", away / "none.zip", "--signer", signer).exit_code == 4
