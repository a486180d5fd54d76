"""Helpers of the lab's tests: a key, a login, a wait."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from providers.lab.hosts import LabHost


def make_key(folder: Path) -> str:
    """Make ``folder/key`` and return its public half."""
    key = Ed25519PrivateKey.generate()
    path = folder / "key"
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption()))
    return key.public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH).decode()


def login(host: LabHost, key: Path, command: str) -> str:
    """Run ``command`` over SSH with the reported host key pinned; returns its output."""
    pins = key.with_name(f"pins-{host.name}")
    pins.write_text(f"[{host.address}]:{host.ssh_port} {host.host_key}\n", encoding="ascii")
    options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={pins}", "ConnectTimeout=10")
    line = ["ssh", "-F", "none", "-i", str(key), *(w for o in options for w in ("-o", o))]
    line += ["-p", str(host.ssh_port), f"{host.ssh_user}@{host.address}", command]
    return subprocess.run(line, check=True, capture_output=True, text=True, timeout=30).stdout


def eventually(true: Callable[[], bool], *, within_s: float = 10.0) -> bool:
    """Poll ``true`` until it holds or the time is over."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
