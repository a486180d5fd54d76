"""What ``pse init`` writes: the sample workspace, and the bare one."""

import base64
import json
import secrets
from importlib import resources
from pathlib import Path

from providers.lab.addresses import port_of
from providers.lab.hosts import Hosts
from providers.lab.sample.database import postgres
from pse.core import canonical
from pse.core.errors import BadInput, UsageError
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
_EMPTY = {
    "empty-hosts.toml": "hosts.toml",
    "empty-workloads.toml": "workloads.toml",
    "empty-labels.toml": "policy/labels.toml",
    "empty-register.toml": "policy/register.toml",
    "empty-prices.toml": "policy/prices.toml",
}


def create(root: Path, *, progress: Progress) -> Workspace:
    """See `providers.lab.sample.create`."""
    from policy.register import sign_register

    version = postgres().major
    values = _begin(root) | {"PG": str(version)}
    hosts = Hosts(root)
    values |= {name: hosts.addresses.take(name) for name in (*ROOM, NAME_SERVER)}
    values["DNS_PORT"] = str(hosts.addresses.port())
    _write_all(root, _SAMPLE, values)
    _private(root / ".pse" / "tsig", base64.b64encode(secrets.token_bytes(32)) + b"\n")
    # Last, because a folder with this file is a workspace.
    canonical.write_bytes(root / FILE, _filled("pse.toml", values))
    workspace = Workspace(root)
    sign_register(workspace)
    progress(Event("init", "done", message=f"sample workspace at {root}, addresses {hosts.addresses.range()}.0/24"))
    return workspace


def create_empty(root: Path, entity: str) -> Workspace:
    """See `providers.lab.sample.create_empty`."""
    from policy.register import sign_register

    values = _begin(root) | {"ENTITY": json.dumps(entity, ensure_ascii=False)}
    _write_all(root, _EMPTY, values)
    canonical.write_bytes(root / FILE, _filled("empty.toml", values))
    workspace = Workspace(root)
    sign_register(workspace)
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


def _begin(root: Path) -> dict[str, str]:
    from policy import init_keys

    if (root / FILE).exists():
        raise UsageError("there is a workspace here already", where=str(root), hint="Choose an empty folder.")
    pin = init_keys(root)
    (root / ".pse").chmod(0o700)
    try:
        for folder in ("environments", "policy/rules", "plans"):
            (root / folder).mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BadInput(f"the folder cannot be written: {exc.strerror}", where=str(root)) from exc
    _keep_out_of_git(root / ".gitignore")
    _ssh_key(root / ".pse" / "ssh_key")
    _private(root / ".pse" / "passphrase", secrets.token_urlsafe(32).encode() + b"\n")
    return {"SIGNER": pin}


def _write_all(root: Path, files: dict[str, str], values: dict[str, str]) -> None:
    texts = {root / name: _filled(template, values) for template, name in files.items()}
    for path, text in texts.items():
        # What an earlier try wrote is the same text; anything else is somebody's work.
        if path.exists() and canonical.read_bytes(path) != text:
            raise UsageError("there is a file here already", where=str(path), hint="Choose an empty folder.")
    for path, text in texts.items():
        canonical.write_bytes(path, text)


def _filled(template: str, values: dict[str, str]) -> bytes:
    text = text_of("templates", template)
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text.encode("utf-8")


def _keep_out_of_git(path: Path) -> None:
    have = canonical.read_bytes(path) if path.exists() else b""
    if b".pse/" not in have.splitlines():
        end = b"" if not have or have.endswith(b"\n") else b"\n"
        canonical.write_bytes(path, have + end + text_of("templates", "gitignore").encode())


def _private(path: Path, data: bytes) -> None:
    if not path.exists():
        canonical.write_bytes(path, data, mode=0o600)


def _ssh_key(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if path.exists():
        return
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH)
    canonical.write_bytes(path.with_name("ssh_key.pub"), public + b" pse\n")
    _private(path, key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption()))
