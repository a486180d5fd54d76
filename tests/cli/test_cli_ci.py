"""`pse ci`: all that a merge request needs, one folder, one exit code, and no step that hides another's result."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from pse.core.settings import Workspace
from tests.cli.conftest import Run
from tests.cli.test_cli_rooms import DAY, told
from tests.schemas import INFRACOST, SARIF, valid

FILES = {"ci.md", "ci.sarif", "ci.xml", "infracost.json"}


class Merge:
    """A workspace with the plan of main and that of a branch, in which analytics is larger."""

    def __init__(self, root: Path, run: Run) -> None:
        self.root = root
        assert run("init", root, "--sample").exit_code == 0
        self.base = self._plan(run)
        wanted = root / "environments" / "analytics.toml"
        wanted.write_text(wanted.read_text().replace("vcpus = 2", "vcpus = 4", 1))
        self.plan = self._plan(run)

    def _plan(self, run: Run) -> str:
        path = told(run, "plan", "--as-of", DAY, "--workspace", str(self.root))["path"]
        return Path(path).parent.name

    def ci(self, *words: str, code: int) -> dict[str, Any]:
        """Run it as a pipeline does, in a process of its own: Pulumi's mocks leave event loops open behind them."""
        command = [sys.executable, "-m", "pse.cli.main", "ci", *words, "--offline", "--json"]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["exit_code"] == code
        log = json.loads(self.file("ci.sarif"))
        valid(log, SARIF)
        self.results = log["runs"][0]["results"]
        self.states = {item["name"]: item["state"] for item in found["items"]}
        self.messages = {item["name"]: item["message"] for item in found["items"]}
        self.suites = {suite.get("name"): suite for suite in fromstring(self.file("ci.xml"))}
        return found

    def file(self, name: str) -> str:
        return (self.root / "ci" / name).read_text(encoding="utf-8")

    def state(self) -> dict[str, str]:
        """What a change of the world would show in; the notes of categories are no such thing."""
        parts = ("ledger.jsonl", "deployments", "state", "snapshot", "known")
        files = [
            path for part in parts for path in sorted((self.root / ".pse").glob(f"{part}*/**/*")) if path.is_file()
        ]
        files += [path for part in parts if (path := self.root / ".pse" / part).is_file()]
        files += sorted(path for path in self.root.glob("plans/**/*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def merge(tmp_path: Path, run: Run) -> Merge:
    return Merge(tmp_path / "sample", run)


def test_a_reviewed_plan_is_looked_at_from_all_sides(merge: Merge) -> None:
    before = merge.state()
    found = merge.ci(merge.plan, "--base", merge.base, "--max-increase", "0%", code=1)
    assert (found["passed"], found["plan"][:12], found["base"][:12]) == (False, merge.plan, merge.base)
    assert merge.states.pop("budget") == "found"  # and nothing else is
    assert set(merge.states.values()) == {"passed"}
    assert {result["ruleId"] for result in merge.results} >= {"PSE-B051", "PSE-B052"}
    assert merge.suites["budget"].get("failures") == "1"
    assert {case.get("name") for case in merge.suites["plan"]} >= {"plan", "base", "analytics"}

    assert {path.name for path in (merge.root / "ci").iterdir()} == FILES
    made = json.loads(merge.file("infracost.json"))
    valid(made, INFRACOST)
    assert made["metadata"]["infracostCommand"] == "diff"
    assert float(made["diffTotalMonthlyCost"]) > 0
    text = merge.file("ci.md")
    assert text.startswith("pse ci: NOT passed, exit code 1\n\n| step | result | what |")
    for part in ("### Changes", "| analytics | changed |", "### Cost", "### Preview", "SAMPLE"):
        assert part in text
    assert merge.state() == before


def test_a_plan_whose_inputs_changed_is_refused_and_the_rest_is_still_told(merge: Merge, run: Run) -> None:
    book = merge.root / Workspace(merge.root).settings.price_book
    book.write_text(book.read_text().replace('price = "8.40"', 'price = "9.40"'))
    merge.ci(merge.plan, code=3)
    assert merge.states["plan"] == "failed"
    assert "offers changed since the plan was made" in merge.messages["plan"]
    assert {merge.states[name] for name in ("policy", "cost", "preview")} == {"passed"}
    assert "pse-refused" in {result["ruleId"] for result in merge.results}

    before = merge.state()
    words = ("up", merge.plan, "--unchanged", "--yes", "--workspace", merge.root)
    refused = run(*words, "--json")
    assert refused.exit_code == 3
    error = json.loads(refused.stderr.splitlines()[-1])["error"]
    assert error["message"] == "offers changed since the plan was made"
    assert "have it reviewed" in error["hint"]
    changed = merge.state()
    assert [path for path in changed if changed[path] != before.get(path)] == [str(merge.root / ".pse/ledger.jsonl")]


def test_each_step_tells_its_own_and_the_first_failure_is_the_exit_code(merge: Merge) -> None:
    book = merge.root / Workspace(merge.root).settings.price_book
    text = book.read_text()
    book.write_text(text + "\nnot toml <b>|\x1b[31m\n")
    merge.ci("--base", merge.base, code=4)
    assert merge.states["price book"] == merge.states["plan"] == "failed"
    assert merge.states["policy"] == merge.states["base"] == "passed"
    assert {merge.states[name] for name in ("changes", "cost", "preview")} == {"skipped"}
    assert {path.name for path in (merge.root / "ci").iterdir()} == FILES - {"infracost.json"}
    (spot,) = {json.dumps(r["locations"][0]["physicalLocation"]) for r in merge.results if "not TOML" in str(r)}
    assert json.loads(spot)["artifactLocation"]["uri"] == "policy/prices.toml"
    assert json.loads(spot)["region"]["startLine"] == len(text.splitlines()) + 2
    assert str(merge.root) not in merge.file("ci.md") + merge.file("ci.sarif") + merge.file("ci.xml")
    assert "\x1b" not in merge.file("ci.md")

    # Nothing that is wrong with the plan to compare with hides this plan.
    book.write_text(text)
    (merge.root / "plans" / merge.base / "plan.json").write_text("{}")
    found = merge.ci("--base", merge.base, "--as-of", DAY, code=4)
    assert merge.states["base"] == "failed"
    assert merge.states["changes"] == "skipped"
    assert merge.states["cost"] == merge.states["preview"] == "passed"
    assert found["plan"].startswith(merge.plan)
    assert (merge.root / "ci" / "plan" / "plan.json").is_file()


def test_an_increase_needs_a_base(merge: Merge, run: Run) -> None:
    assert run("ci", "--max-increase", "5%", "--workspace", merge.root).exit_code == 2
    assert run("ci", "--max-monthly", "much", "--workspace", merge.root).exit_code == 2
    assert not (merge.root / "ci").exists()
