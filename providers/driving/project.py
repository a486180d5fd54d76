"""The Pulumi project of a workspace: written files, environment, and the stack as the Automation API sees it."""

import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi.automation import (
    CommandError,
    CommandResult,
    Deployment,
    LocalWorkspace,
    OnOutput,
    OutputMap,
    PulumiCommand,
    Stack,
    StackSettings,
    UpdateSummary,
)
from pulumi.automation._stack import StackInitMode  # the class is public, its export was forgotten
from semver import VersionInfo

from providers import pulumi_cli
from providers.driving.language import served
from providers.driving.statefile import prepared
from providers.identity import PROJECT
from providers.known import VARIABLE, path_of
from pse.core import secrets
from pse.core.canonical import write_bytes
from pse.core.errors import RemoteError
from pse.core.settings import Workspace

INTERRUPTED_S = 30.0
"""Seconds that an interrupted engine is given; a second Ctrl-C is not waited for."""
TORN_S = 5.0
"""Seconds that a state which is only partly there is given: an engine whose driver was killed may be writing it."""
_TORN, _TORN_PAUSE_S = "failed to load checkpoint", 0.2
_LOCAL, _INLINE = "auto.local", "auto.inline"
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_PROGRAMS = {
    "pulumi-resource-pse": "providers.plugin.main",
    "pulumi-analyzer-policy-pse": "providers.analyzer.main",
}


def write_project(workspace: Workspace) -> Path:
    """Write the project's files where they are missing or differ, and return the project folder.

    The plugins are named by path, each a wrapper that runs this very Python: no PATH and no installation is trusted.
    """
    plugin = workspace.private / "plugin"
    project = workspace.private / "project"
    for name, module in _PROGRAMS.items():
        # -P keeps the project folder, which is the working directory, out of the import path.
        script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m {module} "$@"\n'
        _write(plugin / name, script, mode=0o755)
    # JSON is YAML, and needs no thought about quoting paths.
    _write(plugin / "pack" / "PulumiPolicy.yaml", json.dumps({"runtime": "pse"}) + "\n")
    settings = {
        "name": PROJECT,
        "runtime": "python",
        "plugins": {
            "providers": [{"name": "pse", "path": str(plugin)}],
            "analyzers": [{"name": "policy-pse", "path": str(plugin)}],
        },
    }
    _write(project / "Pulumi.yaml", json.dumps(settings, indent=1) + "\n")
    return project


def pack(workspace: Workspace) -> Path:
    """Folder of the policy pack."""
    return workspace.private / "plugin" / "pack"


def environment(workspace: Workspace, stack: str, *, plan: str) -> dict[str, str]:
    """Variables of one operation: quiet, offline, and what our plugin has to know.

    Raises:
        UsageError: In a pipeline with local state.
        BadInput: The passphrase cannot be read.
    """
    backend = prepared(workspace.backend_url())
    reference = workspace.settings.passphrase
    if reference.startswith("file:") and "PULUMI_CONFIG_PASSPHRASE" not in os.environ:
        passphrase = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(secrets.path_of(reference, base=workspace.root))}
    else:
        # A value in the user's own environment would win over our file, so it is overruled.
        passphrase = {"PULUMI_CONFIG_PASSPHRASE": secrets.resolve(reference, base=workspace.root)}
    return {
        "PULUMI_BACKEND_URL": backend,
        "PULUMI_HOME": str(workspace.private / "pulumi"),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "1",
        "PSE_WORKSPACE": str(workspace.root),
        "PSE_PLAN": plan,
        VARIABLE: str(path_of(workspace.private, PROJECT, stack)),
        **passphrase,
    }


class CLI(PulumiCommand):
    """The CLI at a path; its version was looked at when it was found.

    Args:
        program: The executable.
    """

    def __init__(self, program: Path) -> None:
        """Start nothing, unlike the class above, which runs ``pulumi version`` each time."""
        self.command = str(program)
        self.version = VersionInfo.parse(pulumi_cli.VERSION)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run the CLI; on Ctrl-C, which the terminal sends to it too, wait until it has put its affairs in order."""
        answer: Future[CommandResult] = Future()

        def work() -> None:
            try:
                answer.set_result(super(CLI, self).run(args, cwd, additional_env, on_output, on_error))
            except Exception as exc:  # noqa: BLE001  handed over to the thread that waits
                answer.set_exception(exc)

        threading.Thread(target=work, name="pulumi", daemon=True).start()
        try:
            return answer.result()
        except KeyboardInterrupt:
            wait((answer,), timeout=INTERRUPTED_S)
            raise


class Project(LocalWorkspace):
    """A project folder that selects no stack: the selection is one file for all threads.

    Attributes:
        opened: The state as it was when the stack was opened.
    """

    opened: Deployment = Deployment()

    def select_stack(self, stack_name: str) -> None:
        """Find out whether the stack is there, by its state, which is wanted anyway.

        Raises:
            StackNotFoundError: It is not.
        """
        self.opened = self.export_stack(stack_name)

    def create_stack(self, stack_name: str) -> None:
        """Make it."""
        self._run_pulumi_cmd_sync(["stack", "init", stack_name, "--no-select"])
        self.opened = Deployment(version=3, deployment={})

    def export_stack(self, stack_name: str) -> Deployment:
        """The state, its secrets as they are stored."""
        end = time.monotonic() + TORN_S
        while True:
            try:
                done = self._run_pulumi_cmd_sync(["stack", "export", "--stack", stack_name])
                break
            except CommandError as exc:
                if _TORN not in str(exc) or time.monotonic() > end:
                    raise
                time.sleep(_TORN_PAUSE_S)
        said: dict[str, Any] = json.loads(done.stdout)
        return Deployment(version=said.get("version", 3), deployment=said.get("deployment") or {})


class QuietStack(Stack):
    """A stack whose outputs we read from the exported state: three runs of the CLI less for each operation.

    Attributes:
        opened: The state as it was when the stack was opened.
        inline: Program that up and preview run.
    """

    opened: Deployment
    inline: Callable[[], None] | None = None

    def outputs(self) -> OutputMap:
        """Nothing; see the class."""
        nothing: OutputMap = {}
        return nothing

    def info(self, show_secrets: bool = True) -> UpdateSummary | None:  # noqa: ARG002  Pulumi's signature
        """A summary that says nothing; see the class."""
        return UpdateSummary(kind="update", start_time=_NEVER, message="", environment={}, config={}, result="")

    def _run_pulumi_cmd_sync(
        self, args: list[str], on_output: OnOutput | None = None, on_error: OnOutput | None = None
    ) -> CommandResult:
        """Serve the program ourselves where one is run; see `providers.driving.language`."""
        if self.inline is None or args[0] not in {"up", "preview"}:
            return super()._run_pulumi_cmd_sync(args, on_output, on_error)
        with served(self.inline) as (address, host):
            inline = [f"--client={address}" if arg == _LOCAL else arg for arg in args if arg != "--exec-kind"]
            done = super()._run_pulumi_cmd_sync([*inline, "--exec-kind", _INLINE], on_output, on_error)
        if not host.finished:
            raise RemoteError("the engine ended well without having run the whole program", where=self.name)
        return done


def open_stack(
    workspace: Workspace, unit: str, *, cli: Path, plan: str, program: Callable[[], None] | None, create: bool
) -> QuietStack:
    """The stack of a unit.

    Raises:
        StackNotFoundError: It is not there and ``create`` is false.
        CommandError: The backend cannot be used.
    """
    folder = write_project(workspace)
    project = Project(
        work_dir=str(folder),
        env_vars=environment(workspace, unit, plan=plan),
        pulumi_command=CLI(cli),
    )
    mode = StackInitMode.CREATE_OR_SELECT if create else StackInitMode.SELECT
    stack = QuietStack(unit, project, mode)
    stack.opened = project.opened
    stack.inline = program
    _configure(project, workspace, unit)
    return stack


def _configure(project: Project, workspace: Workspace, unit: str) -> None:
    """Put our settings into the stack's file, beside the salt that Pulumi keeps there."""
    try:
        settings = project.stack_settings(unit)
    except FileNotFoundError:
        settings = StackSettings()
    config: dict[str, Any] = {"pse:workspace": str(workspace.root), "pse:unit": unit}
    if settings.config != config:
        settings.config = config
        project.save_stack_settings(unit, settings)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_bytes(path, text.encode(), mode=mode)
