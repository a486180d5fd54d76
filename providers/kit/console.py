"""The host key of a new server, from what cloud-init prints on the console."""

import re

_BLOCK = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)
_KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) ([A-Za-z0-9+/=]+)")


def host_key(output: str) -> str:
    """The public host key in a console's output, or nothing.

    Args:
        output: All that the console shows.

    Returns:
        Type and key in OpenSSH format; Ed25519 before ECDSA before RSA. Of several blocks the first counts: it was
        printed before anybody could log in.
    """
    block = _BLOCK.search(output)
    keys = dict(_KEY.findall(block[1])) if block else {}
    return next(
        (f"{kind} {keys[kind]}" for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa") if kind in keys), ""
    )
