"""Pinned host keys: ``.pse/known_hosts``, one line ``name type base64`` a host, the name being that of ``hosts.toml``.

Pins go by name and not by address: two bastions may each have a 10.0.0.5 behind them, and a host whose address was
edited has to show the same key at the new one.
"""

import base64
import binascii
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pse.core.canonical import write_bytes
from pse.core.errors import BadInput

FILE = "known_hosts"


def read_pins(folder: Path) -> dict[str, str]:
    """Pins by host name: ``type base64``.

    Args:
        folder: The workspace's private folder.

    Raises:
        BadInput: A line is not a pin; it is named by its number.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(f"cannot be read: {exc}", where=str(path)) from exc
    pins: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) < 3:
            raise BadInput("not a pin: name, type and key are wanted", where=f"{path}:{number}")
        fingerprint(f"{fields[1]} {fields[2]}", where=f"{path}:{number}")
        for name in fields[0].split(","):
            pins[name] = f"{fields[1]} {fields[2]}"
    return pins


def write_pin(folder: Path, name: str, key: str) -> None:
    """Pin ``key`` for ``name``; a pin that stands already is never replaced.

    Raises:
        BadInput: The file cannot be written, or another key is pinned for ``name``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / ".known_hosts.lock"):
        pins = read_pins(folder)
        if pins.get(name, key) != key:
            raise BadInput(f"another key is pinned for {name} already", where=str(folder / FILE))
        pins[name] = key
        text = "".join(f"{known} {pin}\n" for known, pin in sorted(pins.items()))
        write_bytes(folder / FILE, text.encode(), mode=0o600)


def fingerprint(key: str, *, where: str = "") -> str:
    """The fingerprint of a public key line as OpenSSH writes it: ``SHA256:`` + base64 without padding.

    Raises:
        BadInput: Not a public key line.
    """
    fields = key.split()
    try:
        blob = base64.b64decode(fields[1], validate=True)
    except (IndexError, binascii.Error) as exc:
        raise BadInput("not a public key line", where=where) from exc
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
