"""What ``pse init --sample`` writes beside what every workspace has."""

import base64
import secrets
from importlib import resources
from pathlib import Path

from policy.workspace import begin, filled, private_file, write_files
from providers.lab.addresses import port_of
from providers.lab.hosts import Hosts
from providers.lab.sample.database import postgres
from pse.core import canonical
from pse.core.progress import Event, Progress
from pse.core.settings import FILE, Workspace

ROOM = ("portal", "payments", "records", "opendata", "learning", "legacy")
"""The old servers, in the order of their addresses."""

NAME_SERVER = "dns"

_SAMPLE = {
    "hosts.toml": "hosts.toml",
    "workloads.toml": "workloads.toml",
    "labels.toml": "policy/labels.toml",
    "register.toml": "policy/register.toml",
    "prices.toml": "policy/prices.toml",
    "analytics.toml": "environments/analytics.toml",
}


def create(root: Path, *, progress: Progress) -> Workspace:
    """See `providers.lab.sample.create`."""
    from policy.register import sign_register

    version = postgres().major
    values = begin(root) | {"PG": str(version)}
    hosts = Hosts(root)
    values |= {name: hosts.addresses.take(name) for name in (*ROOM, NAME_SERVER)}
    values["DNS_PORT"] = str(hosts.addresses.port())
    write_files(root, {name: filled(text_of("templates", template), values) for template, name in _SAMPLE.items()})
    private_file(root / ".pse" / "tsig", base64.b64encode(secrets.token_bytes(32)) + b"\n")
    # Last, because a folder with this file is a workspace.
    canonical.write_bytes(root / FILE, filled(text_of("templates", "pse.toml"), values))
    workspace = Workspace(root)
    sign_register(workspace)
    progress(Event("init", "done", message=f"sample workspace at {root}, addresses {hosts.addresses.range()}.0/24"))
    return workspace


def move_addresses(workspace: Workspace, old: str, new: str) -> None:
    """Write the range ``new`` in place of ``old`` in the files that name the lab's addresses."""
    for name, before, after in (
        ("hosts.toml", f'"{old}.', f'"{new}.'),
        (FILE, f"port = {port_of(old)}\n", f"port = {port_of(new)}\n"),
    ):
        path = workspace.path(name)
        text = path.read_text(encoding="utf-8")
        canonical.write_bytes(path, text.replace(before, after).encode())


def text_of(folder: str, name: str) -> str:
    """A file of this package's data."""
    return resources.files("providers.lab.sample").joinpath(folder, name).read_text(encoding="utf-8")
