"""Secrets by reference: documents, settings and durable arguments carry references, never values.

A reference is ``env:NAME``, ``file:PATH`` (mode 0600 or stricter, relative to the workspace) or
``keyring:SERVICE/NAME``. It is resolved in the process that uses the value, at the moment of use.
"""

import os
import stat
from pathlib import Path

from pse.core.errors import BadInput, MissingTool

_SCHEMES = frozenset({"env", "file", "keyring"})


def path_of(reference: str, *, base: Path) -> Path:
    """The path behind a ``file:`` reference, checked to be private.

    Raises:
        BadInput: Not a ``file:`` reference, missing, or readable by others.
    """
    scheme, _, rest = reference.partition(":")
    if scheme != "file" or not rest:
        raise _not_a_reference(scheme, "not a file: reference")
    path = base / Path(rest).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        raise BadInput(f"secret file cannot be read: {exc.strerror}", where=str(path)) from exc
    if stat.S_IMODE(mode) & 0o077:
        raise BadInput("secret file can be read by others", where=str(path), hint=f"Run `chmod 600 {path}`.")
    return path


def resolve(reference: str, *, base: Path) -> str:
    """The value behind ``reference``.

    Args:
        reference: See the module.
        base: Folder that relative ``file:`` paths start from.

    Raises:
        BadInput: Unknown scheme, missing or empty value, or a file that others can read. No message holds the value.
        MissingTool: ``keyring:`` without the keyring library.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "env" and rest:
        value = os.environ.get(rest, "")
    elif scheme == "file" and rest:
        value = path_of(reference, base=base).read_text(encoding="utf-8").rstrip("\n")
    elif scheme == "keyring" and "/" in rest:
        value = _from_keyring(rest)
    else:
        raise _not_a_reference(scheme, "not a secret reference")
    if not value:
        raise BadInput("the secret is empty or not set", where=reference)
    return value


def _not_a_reference(scheme: str, message: str) -> BadInput:
    # What stands there may be the secret itself, so only a scheme that is known is repeated.
    where = f"{scheme}:…" if scheme in _SCHEMES else "a value that is not shown"
    return BadInput(message, where=where, hint="Use env:NAME, file:PATH or keyring:SERVICE/NAME.")


def _from_keyring(rest: str) -> str:
    try:
        import keyring
    except ImportError as exc:
        raise MissingTool("the keyring library is not installed", hint="Install the extra `keyring`.") from exc
    service, _, name = rest.rpartition("/")
    return keyring.get_password(service, name) or ""
