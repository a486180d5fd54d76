"""Plain ``pulumi preview`` and ``pulumi up`` with the repository's project file, with the real CLI.

The CLI's own Python language host is not to be had everywhere; a stand-in of the same protocol runs the program.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from pse.core.errors import MissingTool
from pse.core.settings import Workspace
from tests.blueprints.estates import ABROAD, IN_COUNTRY
from tests.require import missing, require

ROOT = Path(__file__).parents[2]
LANDING = landing_id(IN_COUNTRY)
HOST = """#!{python}
import os, runpy, signal, sys
from concurrent.futures import ThreadPoolExecutor
import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc


class Host(LanguageServer):
    def Handshake(self, request, context):
        return language_pb2.LanguageHandshakeResponse()

    def Run(self, request, context):
        folder = os.path.join(request.info.program_directory or request.pwd, "")
        self.program = lambda: runpy.run_path(os.path.join(folder, "__main__.py"), run_name="__main__")
        return super().Run(request, context)


signal.signal(signal.SIGINT, lambda *_: os._exit(0))
server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", -1)])
language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(None), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
server.wait_for_termination()
"""


class Plain:
    """A stack in the repository's project, driven by the CLI as a person would."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        """Put the language host on PATH, state into ``folder``, and a root beside it: the CLI writes into its root."""
        from providers import pulumi_cli

        try:
            self._cli = pulumi_cli.find()
        except MissingTool:
            missing("pulumi")
        self._root = folder / "root"
        self._root.mkdir()
        for name in ("Pulumi.yaml", "blueprints", ".venv"):
            (self._root / name).symlink_to(ROOT / name)
        hosts = folder / "bin"
        hosts.mkdir()
        host = hosts / "pulumi-language-python"
        host.write_text(HOST.format(python=sys.executable))
        host.chmod(0o755)
        (folder / "state").mkdir()
        self._env = {
            "PATH": os.pathsep.join((str(hosts), str(Path(sys.executable).parent), os.environ["PATH"])),
            "HOME": str(folder),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "PSE_WORKSPACE": str(workspace.root),
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI in the root."""
        line = [str(self._cli), *words, "--non-interactive", "--color", "never"]
        return subprocess.run(
            line, cwd=self._root, env=self._env, capture_output=True, text=True, timeout=120, check=False
        )


@pytest.fixture
def plain(planned: Workspace, tmp_path: Path) -> Plain:
    require("bwrap", "sshd")
    return Plain(planned, tmp_path)


def test_preview_and_up_at_the_root_run_the_units_program(
    plain: Plain, planned: Workspace, ministry_plan: Bundle
) -> None:
    path = ministry_plan.write(ministry_plan.default_folder(planned))
    assert plain("stack", "init", LANDING).returncode == 0
    for key, value in (("pse:workspace", str(planned.root)), ("pse:plan", str(path))):
        assert plain("config", "set", key, value).returncode == 0
    shown = plain("preview")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for name in ("Network", "Subnet", "KeyPair"):
        assert f"pse:index:{name}" in shown.stdout
    assert not planned.path(".pse", "lab", "places").exists() or not any(
        planned.path(".pse", "lab", "places").rglob("*.json")
    )
    made = plain("up", "--yes", "--skip-preview")
    assert made.returncode == 0, made.stdout + made.stderr
    again = plain("preview", "--expect-no-changes")
    assert again.returncode == 0, again.stdout + again.stderr
    gone = plain("destroy", "--yes", "--skip-preview")
    assert gone.returncode == 0, gone.stdout + gone.stderr


def test_what_is_wrong_is_said_in_words(plain: Plain, planned: Workspace, ministry_plan: Bundle) -> None:
    path = ministry_plan.write(ministry_plan.default_folder(planned))
    assert plain("stack", "init", "portal").returncode == 0
    shown = plain("preview")
    assert shown.returncode != 0
    assert "pse:plan" in shown.stdout + shown.stderr
    assert plain("config", "set", "pse:plan", str(path)).returncode == 0
    shown = plain("preview")
    assert shown.returncode != 0
    assert "--landing" in shown.stdout + shown.stderr
    unit = path.parent / "units" / "portal.json"
    unit.write_text(unit.read_text().replace(IN_COUNTRY, ABROAD))
    shown = plain("preview")
    assert shown.returncode != 0
    assert "changed after it was made" in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stdout + shown.stderr
