"""The pipelines of ``examples/ci``: their script lines, as written, each job from a clean clone of the workspace."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pse.core.settings import Workspace
from tests.conftest import _stop
from tests.require import missing, require
from tests.schemas import INFRACOST, SARIF, valid

EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"
GITHUB: dict[str, Any] = yaml.safe_load((EXAMPLES / "github.yml").read_text(encoding="utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((EXAMPLES / "gitlab.yml").read_text(encoding="utf-8"))
ENVIRONMENT = """category = "restricted"

[[servers]]
role = "web"
vcpus = {vcpus}
memory_mib = 4096
ports = [8080]
"""


def github(job: str) -> list[str]:
    """The scripts of a job; its last one is run after a failure too."""
    return [step["run"] for step in GITHUB["jobs"][job]["steps"] if "run" in step]


def gitlab(job: str) -> list[str]:
    """The scripts of a job: GitLab runs the lines before and of the job in one shell, and those after it in another."""
    lines = [*GITLAB["default"]["before_script"], *GITLAB[job]["script"]]
    return ["\n".join(lines), "\n".join(GITLAB[job].get("after_script", []))]


class Forge:
    """A repository, a place where clones are made, and what the platforms put into the environment."""

    def __init__(self, base: Path, bucket: str) -> None:
        self.bucket = bucket
        self.origin, self.clone, self.author = base / "origin.git", base / "clone", base / "author"
        self.keep, self.tools = base / "keep", base / "tools"
        self.summary = base / "summary.md"
        self.tools.mkdir()
        self._tool("pse", f'exec "{sys.executable}" -m pse.cli.main "$@"')
        self._tool("gh", "echo cloud-office")  # GitHub's own command, asked who approved
        self._git("init", "-q", "--bare", "-b", "main", str(self.origin), at=base)

    def _tool(self, name: str, line: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def _git(self, *words: str, at: Path) -> None:
        names = ("-c", "user.name=Office", "-c", "user.email=office@ministry.example")
        subprocess.run(["git", *names, *words], cwd=at, check=True, capture_output=True, timeout=60)

    def workspace(self) -> None:
        """The author's workspace: the sample's, in which people have to approve; what is secret is kept apart."""
        from providers.lab import sample

        sample.create(self.author)
        settings = self.author / "pse.toml"
        text = settings.read_text().replace("[plan]", "[approvals]\ncount = 1\n\n[plan]")
        settings.write_text(text.replace("allow_local_state = true", f'backend = "{self.bucket}"'))
        (self.author / ".gitignore").write_text(".pse/\nci/\n")
        self._git("init", "-q", "-b", "main", at=self.author)
        self._git("remote", "add", "origin", str(self.origin), at=self.author)
        self.push("main")
        shutil.copytree(self.author / ".pse", self.keep)

    def propose(self, vcpus: int, branch: str) -> str:
        """Plan an environment as the README says, and push it to a branch."""
        (self.author / "environments" / "analytics.toml").write_text(ENVIRONMENT.format(vcpus=vcpus))
        self._git("checkout", "-q", "-B", branch, at=self.author)
        self.run([_readme_line()], at=self.author)
        self.push(branch)
        return (self.author / "plans" / "current").read_text().strip()

    def push(self, branch: str) -> None:
        self._git("add", "-A", at=self.author)
        self._git("commit", "-qm", "Want it", at=self.author)
        self._git("push", "-q", "-f", "origin", f"HEAD:{branch}", at=self.author)

    def merge(self) -> None:
        self._git("push", "-q", "-f", "origin", "HEAD:main", at=self.author)

    def clean(self, branch: str) -> None:
        """A clean clone; the lab's clouds, which a real place has elsewhere, stay untouched where they are."""
        fresh = self.clone.with_name("fresh")
        self._git("clone", "-q", "-b", branch, str(self.origin), str(fresh), at=self.origin)
        self.clone.mkdir(exist_ok=True)
        for path in [*self.clone.iterdir(), *self.clone.glob(".pse/*")]:
            if path.name not in (".pse", "lab"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in fresh.iterdir():
            path.rename(self.clone / path.name)
        fresh.rmdir()
        shutil.rmtree(self.keep / "lab", ignore_errors=True)

    def run(self, scripts: list[str], *, at: Path | None = None) -> list[subprocess.CompletedProcess[str]]:
        """Run scripts as a runner does: a failed one ends the job but for its last, which is run always."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PSE_", "CI_", "GIT"))},
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "CI": "true",
            "PSE_KEEP": str(self.keep),
            "PSE_DATABASE_URL": f"sqlite:///{self.keep}/pse.db",
            "AWS_ACCESS_KEY_ID": "sample",
            "AWS_SECRET_ACCESS_KEY": "sample",
            "TARGET": "main",
            "RUN": "https://forge.example/runs/1",
            "GITHUB_REPOSITORY": "works/cloud",
            "GITHUB_RUN_ID": "1",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_JOB_URL": "https://forge.example/jobs/1",
            "GITLAB_USER_NAME": "Director Records",
        }
        done: list[subprocess.CompletedProcess[str]] = []
        for script in scripts:
            if script is scripts[-1] or all(one.returncode == 0 for one in done):
                words = ["bash", "-e", "-o", "pipefail", "-c", script]
                here = at or self.clone
                done.append(
                    subprocess.run(
                        words, cwd=here, env=environment, capture_output=True, text=True, check=False, timeout=240
                    )
                )
        return done

    def job(self, scripts: list[str], branch: str, *, code: int = 0) -> str:
        """Run a job in a clean clone; gives what it said."""
        self.clean(branch)
        done = self.run(scripts)
        said = "\n".join(one.stdout + one.stderr for one in done)
        assert next((one.returncode for one in done if one.returncode), 0) == code, said
        return said


def _readme_line() -> str:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    return next(line.strip() for line in text.splitlines() if "> plans/current" in line)


@pytest.fixture
def bucket() -> Iterator[str]:
    """Where the state lives, by the address that Pulumi takes; moto plays S3."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        where = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
        client = boto3.client("s3", aws_access_key_id="sample", aws_secret_access_key="sample", **where)
        client.create_bucket(Bucket="pse-state")
        client.close()
        yield f"s3://pse-state?endpoint=http://{host}:{port}&region=us-east-1&use_path_style=true"
    finally:
        server.stop()


@pytest.fixture
def forge(tmp_path: Path, bucket: str) -> Iterator[Forge]:
    from providers import pulumi_cli
    from pse.core.errors import MissingTool

    require("git", "rsync", "bwrap", "sshd", "bash")
    try:
        pulumi_cli.find()
    except MissingTool:
        missing("pulumi")
    made = Forge(tmp_path, bucket)
    made.workspace()
    yield made
    if (made.clone / "pse.toml").exists():
        _stop(Workspace(made.clone))


def test_from_a_merge_request_to_the_nightly_audit(forge: Forge) -> None:
    first = forge.propose(2, "want")
    forge.job(github("review"), "want")
    assert forge.summary.read_text().startswith("pse ci: passed")
    valid(json.loads((forge.clone / "ci" / "ci.sarif").read_text()), SARIF)
    valid(json.loads((forge.clone / "ci" / "infracost.json").read_text()), INFRACOST)

    forge.merge()
    forge.job(github("up"), "main")
    ledger = (forge.keep / "ledger.jsonl").read_text()
    assert '"by":"cloud-office"' in ledger
    assert first in ledger
    assert (forge.keep / "deployments" / "analytics.json").is_file()
    assert not (forge.keep / "state").exists()  # it is in the bucket

    # A larger server: the merge request shows the difference, and costs more than it may.
    forge.propose(8, "larger")
    said = forge.job(gitlab("review"), "larger", code=1)
    assert "PSE-B051" in (forge.clone / "ci" / "ci.xml").read_text()
    assert "| analytics | changed |" in (forge.clone / "ci" / "ci.md").read_text()

    # Merged with a price that nobody reviewed: what was approved is not what would be built.
    book = forge.author / "policy" / "prices.toml"
    book.write_text(book.read_text().replace('price = "8.40"', 'price = "9.40"'))
    forge.push("larger")
    forge.merge()
    said = forge.job(gitlab("up"), "main", code=3)
    assert "offers changed since the plan was made" in said
    assert "have it reviewed" in said

    # What stands is still what was reviewed first.
    forge.author.joinpath("plans", "current").write_text(f"{first}\n")
    forge.push("back")
    forge.job(gitlab("audit"), "back")
    assert (forge.keep / "audits").is_dir()


def test_both_platforms_run_the_same_verbs() -> None:
    for job in ("review", "up", "audit"):
        mine, theirs = ("\n".join(of(job)) for of in (github, gitlab))
        verbs = [[line.split()[1] for line in text.splitlines() if line.startswith("pse ")] for text in (mine, theirs)]
        assert verbs[0] == verbs[1]
        assert mine.startswith("mkdir -p -m 700 .pse")
        assert ('rsync -a .pse/ "$PSE_KEEP/"' in mine) == (job != "review") == ('rsync -a .pse/ "$PSE_KEEP/"' in theirs)
    assert GITHUB["jobs"]["up"]["concurrency"] == GITHUB["jobs"]["audit"]["concurrency"] == "pse"
    assert GITLAB["up"]["resource_group"] == GITLAB["audit"]["resource_group"] == "pse"
