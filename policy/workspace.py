"""A new workspace: the folder, its keys, and files to fill in, as plain ``pse init`` makes it."""

import json
import secrets
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from policy.register import sign_register
from policy.signing import init_keys
from pse.core import canonical
from pse.core.errors import BadInput, UsageError
from pse.core.settings import FILE, Workspace

_FILES = {
    "hosts.toml": "hosts.toml",
    "workloads.toml": "workloads.toml",
    "labels.toml": "policy/labels.toml",
    "register.toml": "policy/register.toml",
    "prices.toml": "policy/prices.toml",
}


def create(root: Path, entity: str) -> Workspace:
    """Make a workspace with keys and empty files to fill in, for ``entity``.

    Raises:
        UsageError: There is a workspace at ``root`` already, or a file that it would overwrite.
        BadInput: The folder cannot be written.
    """
    values = begin(root) | {"ENTITY": json.dumps(entity, ensure_ascii=False)}
    write_files(root, {name: filled(_template(template), values) for template, name in _FILES.items()})
    # Last, because a folder with this file is a workspace.
    canonical.write_bytes(root / FILE, filled(_template("pse.toml"), values))
    workspace = Workspace(root)
    sign_register(workspace)
    return workspace


def begin(root: Path) -> dict[str, str]:
    """Make what every workspace has: folders, keys and passphrase; safe to repeat after a try that was cut short.

    Returns:
        Values for `filled`: ``SIGNER``, the pin of the key.

    Raises:
        UsageError: There is a workspace at ``root`` already.
        BadInput: The folder cannot be written.
    """
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
    private_file(root / ".pse" / "passphrase", secrets.token_urlsafe(32).encode() + b"\n")
    return {"SIGNER": pin}


def write_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their path under ``root``.

    Raises:
        UsageError: One is there already, and it is another.
    """
    texts = {root / name: text for name, text in files.items()}
    for path, text in texts.items():
        # What an earlier try wrote is the same text; anything else is somebody's work.
        if path.exists() and canonical.read_bytes(path) != text:
            raise UsageError("there is a file here already", where=str(path), hint="Choose an empty folder.")
    for path, text in texts.items():
        canonical.write_bytes(path, text)


def filled(text: str, values: Mapping[str, str]) -> bytes:
    """``text`` with each ``@NAME@`` replaced by its value."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text.encode("utf-8")


def _template(name: str) -> str:
    return resources.files("policy").joinpath("templates", name).read_text(encoding="utf-8")


def _keep_out_of_git(path: Path) -> None:
    have = canonical.read_bytes(path) if path.exists() else b""
    if b".pse/" not in have.splitlines():
        end = b"" if not have or have.endswith(b"\n") else b"\n"
        canonical.write_bytes(path, have + end + _template("gitignore").encode())


def private_file(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads, unless it is there."""
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
    private_file(path, key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption()))
