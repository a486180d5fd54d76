"""Who an object at a cloud belongs to: the values of the tags ``pse-stack`` and ``pse-urn``.

Both are made from what never changes, so that an object is found again after any crash. `pse-op` is the token of the
intent in the journal.
"""

import hashlib

import msgspec

from pse.core.errors import BadInput

PROJECT = "pse"
"""The Pulumi project of every stack."""

ACCOUNT = "__account"
"""Property in the state: the account that an object was made in. Pulumi shows none that begins with two underscores."""


class Urn(msgspec.Struct, frozen=True):
    """The parts of a Pulumi URN.

    Attributes:
        text: All of it.
        stack: Stack name, which is the unit's id.
        project: Project name.
        type: Type token of the resource, without those of its parents.
        name: Name in the program.
    """

    text: str
    stack: str
    project: str
    type: str
    name: str

    @property
    def hash(self) -> str:
        """Tag ``pse-urn``: 32 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


def parse_urn(text: str) -> Urn:
    """Take a URN apart.

    Raises:
        BadInput: Not a URN.
    """
    prefix = "urn:pulumi:"
    parts = text.removeprefix(prefix).split("::", 3)
    if not text.startswith(prefix) or len(parts) != 4:
        raise BadInput("not a Pulumi URN", where=text)
    stack, project, types, name = parts
    return Urn(text=text, stack=stack, project=project, type=types.rpartition("$")[2], name=name)


def stack_tag(signer: str, project: str, stack: str) -> str:
    """Tag ``pse-stack``: the stack's name, for people, and a hash that sets workspaces apart.

    Args:
        signer: The workspace's first public key, by `policy.succession.first_signer`: two workspaces may share an
            account and a stack's name.
        project: Pulumi project.
        stack: Stack name.

    Returns:
        At most 53 lower-case letters, digits and hyphens, as the narrowest cloud's labels allow.
    """
    mark = hashlib.sha256(f"{signer}/{project}/{stack}".encode()).hexdigest()[:12]
    return f"{stack[:40]}-{mark}"
