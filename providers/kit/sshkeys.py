"""Public SSH keys: what they are known by."""

import base64
import hashlib

from providers.ports import PortError


def blob(public_key: str) -> bytes:
    """The key itself, without its type and comment; empty when it is none."""
    parts = public_key.split()
    try:
        return base64.b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except ValueError:
        return b""


def fingerprint(public_key: str) -> str:
    """``SHA256:…`` as OpenSSH shows it: the clouds' own are of other kinds. Empty for what is no key."""
    found = blob(public_key)
    return "SHA256:" + base64.b64encode(hashlib.sha256(found).digest()).decode().rstrip("=") if found else ""


def must_be_key(public_key: str, *, where: str) -> None:
    """See that a text is one public key in OpenSSH format: clouds answer what is none in many ways.

    Raises:
        PortError: It is not.
    """
    if not fingerprint(public_key) or "\n" in public_key.strip():
        raise PortError("this is no public key in one line", reason="invalid", where=where)
