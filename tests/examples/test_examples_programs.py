"""People's own programs in Python, YAML and TypeScript: the real CLI, our plugin, and its gate.

YAML and TypeScript need what ``scripts/languages`` gets. Without it they are skipped by name, also where everything is
required that ``scripts/setup`` installs.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from blueprints import make_plan
from policy.gate import write_gate
from providers import pulumi_cli
from providers.plugin.package import package_schema
from pse.core.errors import MissingTool
from pse.core.settings import Workspace
from pse.core.time import today
from tests.require import missing

ROOT = Path(__file__).parents[2]
PLUGIN = Path(sys.executable).parent / "pulumi-resource-pse"
LANGUAGES = pulumi_cli.cache().parents[1] / f"languages-{pulumi_cli.VERSION}"
ABROAD = "sample-elsewhere/abroad/abr-1"
LIMIT_S = 120


@pytest.fixture
def cli() -> Path:
    try:
        return pulumi_cli.find()
    except MissingTool:
        missing(f"the Pulumi CLI {pulumi_cli.VERSION}")
        raise


def got(*names: str) -> Path:
    """The folder with what ``scripts/languages`` gets."""
    for name in names:
        if not (LANGUAGES / name).exists():
            pytest.skip(f"{name} is missing: run scripts/languages")
    return LANGUAGES


class Program:
    """An example in a folder of its own, on a workspace where its unit is planned."""

    def __init__(self, folder: Path, cli: Path, workspace: Workspace, hosts: Mapping[str, str]) -> None:
        """Lay the gate, the plugin's path and the language host."""
        self._folder = folder
        self._cli = cli
        bundle = make_plan(workspace, as_of=max(today(), date(2026, 6, 1)))
        write_gate(workspace, bundle.gates["analytics"])
        project = folder / "Pulumi.yaml"
        project.write_text(project.read_text().replace("../../.venv/bin", str(PLUGIN.parent)))
        path = folder / "hosts"
        path.mkdir()
        for name, script in hosts.items():
            (path / name).write_text(script)
            (path / name).chmod(0o755)
        (folder / "state").mkdir()
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join((str(path), os.environ["PATH"])),
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "nothing is kept here",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PSE_WORKSPACE": str(workspace.root),
        }
        self.run("stack", "init", "analytics")

    def run(self, *words: str, fails: bool = False) -> str:
        """What the CLI prints."""
        done = subprocess.run(
            [str(self._cli), *words, "--non-interactive", "--color", "never"],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def shows_itself(self) -> None:
        """Preview makes what it should, with a price; at a place that the gate refuses nothing is even asked."""
        said = self.run("preview")
        assert "+ 5 to create" in said
        assert "PKR 6132.00 a month before tax, by Sample price book (invented)" in said
        self.run("config", "set", "place", ABROAD)
        refused = self.run("preview", fails=True)
        assert "refused by the gate: PSE-" in refused
        assert "+ 5 to create" not in refused


def copied(name: str, tmp_path: Path) -> Path:
    # Without what is left by somebody who tried it where it is.
    left = shutil.ignore_patterns("Pulumi.*.yaml", "node_modules", "sdk", "bin")
    return Path(shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=left))


def stand_in(language: str) -> dict[str, str]:
    """A language host that is the tests' own; the engine's address is its last argument."""
    host = f"'{sys.executable}' '{Path(__file__).with_name('languagehost.py')}' {language}"
    return {f"pulumi-language-{language}": f'#!/bin/sh\nfor last; do :; done\nexec {host} "$last"\n'}


def test_schema_is_one_to_pulumi(cli: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(cli), "package", "get-schema", str(PLUGIN)],
        env={**os.environ, "PULUMI_HOME": str(tmp_path), "PULUMI_SKIP_UPDATE_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown, ours = json.loads(done.stdout), json.loads(package_schema())
    assert {part: set(shown[part]) for part in ("resources", "functions", "types")} == {
        part: set(ours[part]) for part in ("resources", "functions", "types")
    }


def test_python(cli: Path, sample: Workspace, tmp_path: Path) -> None:
    Program(copied("python", tmp_path), cli, sample, stand_in("python")).shows_itself()


def test_yaml(cli: Path, sample: Workspace, tmp_path: Path) -> None:
    host = got("pulumi-language-yaml") / "pulumi-language-yaml"
    script = {"pulumi-language-yaml": f"#!/bin/sh\nexec '{host}' \"$@\"\n"}
    Program(copied("yaml", tmp_path), cli, sample, script).shows_itself()


def test_typescript_by_the_sdk_that_pulumi_generates(cli: Path, sample: Workspace, tmp_path: Path) -> None:
    languages = got("sdkgen", "node_modules")
    if shutil.which("node") is None:
        pytest.skip("node is missing")
    folder = copied("typescript", tmp_path)
    modules, sdk = folder / "node_modules", folder / "sdk"
    modules.mkdir()
    for module in (languages / "node_modules").iterdir():
        (modules / module.name).symlink_to(module)
    schema = tmp_path / "schema.json"
    schema.write_text(package_schema())
    compiler = languages / "node_modules" / "typescript" / "bin" / "tsc"
    for command, at in (
        ([str(languages / "sdkgen"), str(schema), str(sdk)], folder),
        (["node", str(compiler)], sdk),
        (["node", str(compiler), "--noEmit"], folder),
    ):
        done = subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        if at == folder:
            (modules / "pse-cloud").unlink(missing_ok=True)
            (modules / "pse-cloud").symlink_to(sdk)
    shutil.copy(sdk / "package.json", sdk / "bin")
    Program(folder, cli, sample, stand_in("nodejs")).shows_itself()
