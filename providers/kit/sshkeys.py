"""Public SSH keys: what they are known by."""

import base64
import hashlib


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
