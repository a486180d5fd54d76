"""The sample ministry's whole plan at OpenStack, by the commands that a person types: one journey."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from providers import pulumi_cli
from pse.core.errors import MissingTool
from tests.providers.openstack.accounts import Project
from tests.providers.openstack.ministry import ministry_at
from tests.require import missing

AS_OF = "2026-06-01"
SERVERS = ["analytics-database", "analytics-web", "opendata", "payments", "portal", "records"]
LIMIT_S = 900


def pse(root: Path, *words: str, rc: int = 0) -> dict[str, Any]:
    """One command; its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "pse.cli.main", *words, "--json", "--workspace", str(root)],
        env={name: value for name, value in os.environ.items() if name not in {"CI", "PSE_WORKSPACE"}},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == rc, done.stdout[-3000:] + done.stderr[-3000:]
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def test_plan_goes_up_and_away_again(signed_in: Project, tmp_path: Path) -> None:
    try:
        pulumi_cli.find()
    except MissingTool:
        missing(f"the Pulumi CLI {pulumi_cli.VERSION}")
    root = ministry_at(tmp_path / "ministry").root
    pse(root, "plan", "--as-of", AS_OF)
    bills = {item["workload"]: item["cost"]["monthly"] for item in pse(root, "cost")["items"]}
    assert bills["portal"] == "15899.90"
    preview = pse(root, "preview")
    assert {operation for operation, count in preview["operations"].items() if count} == {"create"}
    assert preview["cost"]["monthly"] == "67254.30"  # all but what becomes a service
    assert signed_in.holds() == {}

    pse(root, "up", "--yes")
    holds = signed_in.holds()
    assert holds["server"] == SERVERS
    assert {sort: len(names) for sort, names in holds.items()} == {
        "network": 1,
        "subnet": 1,
        "key": 1,
        "security_group": 6,
        "port": 6,
        "server": 6,
        "volume": 5,
    }
    deployment = json.loads((root / ".pse" / "deployments" / "portal.json").read_text())
    assert {built["name"] for built in deployment["servers"]} == {"payments", "portal"}
    assert all(built["address"].startswith("10.") for built in deployment["servers"])
    assert all(built["ssh_user"] == "debian" for built in deployment["servers"])

    pse(root, "up", "--yes")
    assert signed_in.holds() == holds

    pse(root, "destroy", "--yes")
    assert signed_in.holds() == {}
    state = b"".join(path.read_bytes() for path in (root / ".pse").rglob("*") if path.is_file())
    assert signed_in.password.encode() not in state
