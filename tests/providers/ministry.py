"""The sample ministry for the journeys of adapters: its places at a real cloud, its estate, its commands."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inventory import estate
from policy.register import sign_register
from providers import pulumi_cli
from providers.lab import sample
from pse.core.errors import MissingTool
from pse.core.settings import Workspace
from tests.blueprints.estates import ministry_estate
from tests.require import missing

AS_OF = "2026-06-01"
ABROAD = "sample-elsewhere/abroad/abr-1"
_SENT = ("portal", "records", "opendata", "learning")


def pse(root: Path, *words: str, rc: int = 0, limit_s: float) -> dict[str, Any]:
    """One command; its JSON, or that of its error."""
    done = subprocess.run(
        [sys.executable, "-m", "pse.cli.main", *words, "--json", "--workspace", str(root)],
        env={name: value for name, value in os.environ.items() if name not in {"CI", "PSE_WORKSPACE"}},
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert done.returncode == rc, done.stdout[-3000:] + done.stderr[-3000:]
    shown: dict[str, Any] = json.loads(done.stdout or done.stderr.splitlines()[-1])
    return shown


def need_cli() -> None:
    """Skip, or fail where everything is required, without Pulumi's CLI."""
    try:
        pulumi_cli.find()
    except MissingTool:
        missing(f"the Pulumi CLI {pulumi_cli.VERSION}")


def ministry_moved(root: Path, csp: str, *, provider: str, endpoint: str, options: Mapping[str, str]) -> Workspace:
    """The sample workspace with its estate as discovered, and one CSP of its register moved to a real cloud."""
    workspace = sample.create(root)
    told = ", ".join(f'{name} = "{value}"' for name, value in options.items())
    edit(
        workspace.path("policy/register.toml"),
        {
            f'provider = "lab"\nendpoint = "lab:{csp}"\n': f'provider = "{provider}"\nendpoint = "{endpoint}"\n'
            f"options = {{ {told} }}\n"
        },
    )
    sign_register(workspace)
    found = ministry_estate()
    made = estate.make_estate(
        {name: getattr(found, name) for name in found.__struct_fields__ if name != "manifest"}, ()
    )
    estate.write(made, workspace.private / "snapshots")
    (workspace.private / "snapshot").write_text(made.manifest.hash)
    return workspace


def ministry_abroad(
    root: Path, *, provider: str, endpoint: str, options: Mapping[str, str], names: Mapping[str, str]
) -> Workspace:
    """The sample workspace with its place outside the country at a real cloud, and every workload sent there.

    Args:
        root: For the workspace.
        provider: Name of the adapter.
        endpoint: Of the cloud.
        options: Of the register's entry.
        names: The cloud's own names of offers, by those of the sample.
    """
    workspace = ministry_moved(root, "sample-elsewhere", provider=provider, endpoint=endpoint, options=options)
    edit(
        workspace.path("workloads.toml"),
        {f"[workload.{name}]\n": f'[workload.{name}]\nplace = "{ABROAD}"\n' for name in _SENT}
        # The public workload is replaced by a service in the sample; here it goes as it is.
        | {'saas = "learning-management"\nseats = 150\n': ""},
    )
    prices = workspace.path("policy/prices.toml")
    blocks = prices.read_text(encoding="utf-8").split("[[offer]]\n")
    for number in (number for number, block in enumerate(blocks) if f'place = "{ABROAD}"' in block):
        for name, own in names.items():
            blocks[number] = blocks[number].replace(f'name = "{name}"\n', f'name = "{own}"\n')
    prices.write_text("[[offer]]\n".join(blocks), encoding="utf-8")
    # Restricted, and demanded nowhere: it would only go up in the lab.
    workspace.path("environments/analytics.toml").unlink()
    return workspace


def edit(path: Path, changes: Mapping[str, str]) -> None:
    """Replace texts that each stand once in a file."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
