"""The sample ministry in a server room of its own, to be moved; shared by the tests that do."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from blueprints import Bundle, make_plan
from inventory import discover
from inventory.ssh import Endpoint, endpoint_of
from migrate.dns import Dns
from migrate.hosts import Host
from migrate.replicators.postgresql.psql import Admin
from providers.pulumi_cli import find
from pse.core import canonical
from pse.core.documents.campaign import Campaign, MoveState
from pse.core.documents.deployment import BuiltServer, Deployment
from pse.core.errors import PseError
from pse.core.settings import Workspace
from pse.core.time import today
from tests.require import missing, require


@dataclass
class Ministry:
    """A workspace whose server room runs, and its plan."""

    workspace: Workspace
    bundle: Bundle
    plan: Path
    die_at: str = ""

    def url(self, name: str = "portal") -> str:
        """Where the name points now, as a client sees it."""
        address, _ = Dns(self.workspace).lookup(f"{name}.ministry.example")
        return f"http://{address}:8080"

    def pay(self) -> int:
        """Write one row through the service."""
        with urlopen(Request(self.url() + "/pay", data=b"", method="POST"), timeout=10) as answer:
            paid: int = json.load(answer)["id"]
            return paid

    def count(self) -> int:
        """Rows that the service sees."""
        with urlopen(self.url() + "/count", timeout=10) as answer:
            rows: int = json.load(answer)["payments"]
            return rows

    @contextlib.contextmanager
    def freeze(self, *, budget_s: float, grace_s: float) -> Iterator[None]:
        """With another budget, for processes and workspaces that are made meanwhile."""
        path = self.workspace.root / "pse.toml"
        text = path.read_text()
        rest = re.sub(r"^\[migrate\]\n|^freeze_(budget|grace)_s = .*\n", "", text, flags=re.MULTILINE)
        wanted = f"[migrate]\nfreeze_budget_s = {budget_s}\nfreeze_grace_s = {grace_s}\n[migrate.dns]"
        path.write_text(rest.replace("[migrate.dns]", wanted))
        try:
            yield
        finally:
            path.write_text(text)

    def start(self, *workloads: str) -> "subprocess.Popen[str]":
        """Run the campaign in a process of its own."""
        line = [sys.executable, "-m", "tests.migrate.driver", str(self.workspace.root), str(self.plan), *workloads]
        environment = {**os.environ, "DIE_AT": self.die_at}
        return subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env=environment)

    def down(self, name: str) -> bool:
        """The service does not answer."""
        try:
            urlopen(self.url(name) + "/health", timeout=2).close()
        except OSError:
            return True
        return False

    def kill_at(self, moment: str, *workloads: str) -> None:
        """Run it and kill it with -9 as soon as it says ``moment``."""
        self.die_at = moment
        process = self.start(*workloads)
        self.die_at = ""
        assert process.stdout is not None
        seen = [line.strip() for line in process.stdout]
        process.wait(30)
        process.stdout.close()
        assert seen[-1] == moment, seen
        assert process.returncode == -signal.SIGKILL

    def servers(self, name: str) -> tuple[Host, Host]:
        """The new server and the old one of a workload of one server."""
        (built,) = self.built(name)
        return self.host(built), Host(endpoint_of(self.workspace, name), base=self.workspace.root)

    def built(self, unit: str) -> list[BuiltServer]:
        """New servers of a workload."""
        return list(canonical.read(self.workspace.private / "deployments" / f"{unit}.json", Deployment).servers)

    def host(self, built: BuiltServer) -> Host:
        """The way into a new server."""
        new = Endpoint(
            name=built.name,
            address=built.address,
            port=built.ssh_port,
            user=built.ssh_user,
            key=self.workspace.settings.ssh_key,
            host_key=built.host_key,
        )
        return Host(new, base=self.workspace.root)

    def payments(self) -> Admin:
        """The old database server."""
        return Admin(Host(endpoint_of(self.workspace, "payments"), base=self.workspace.root), 5432)


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministry]:
    """A ministry of this module's own, because moving it changes it."""
    require("bwrap", "sshd", "rsync", "named", "nginx", "ssh", "openssl")
    try:
        find()
    except PseError:
        missing("Pulumi CLI 3.250.0")
    from providers.lab import hosts, sample

    workspace = sample.create(tmp_path_factory.mktemp("migrate") / "workspace")
    try:
        hosts.start_room(workspace)
        discover(workspace, accept_new=True)
        bundle = make_plan(workspace, as_of=today())
        yield Ministry(workspace, bundle, bundle.write(bundle.default_folder(workspace)))
    finally:
        hosts.stop(workspace)


def one(campaign: Campaign | None, workload: str) -> MoveState:
    assert campaign is not None
    return next(progress.state for progress in campaign.workloads if progress.workload == workload)


def bare() -> Campaign:
    return Campaign(plan="", workloads=())
