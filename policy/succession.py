"""Keys that followed each other: each names its successor with its own signature, in ``policy/keys.json``.

The tags of objects at clouds are made from the workspace's first key, so that they are known for ever. Nothing else of
a former key is believed. The file is no secret and belongs into git, beside ``pse.toml``.
"""

import msgspec

from policy.signing import verify
from pse.core.canonical import read_bytes
from pse.core.errors import Refused
from pse.core.settings import Workspace

FILE = "policy/keys.json"
_SIGNED = b"pse succeeding key\n"
"""Stands before what is signed, so that no signature of another document is one of a succession."""


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change of the key.

    Attributes:
        signer: Public key until then, 64 hexadecimal digits.
        successor: Public key from then on.
        signature: Of ``signer`` over ``successor``, 128 hexadecimal digits.
    """

    signer: str
    successor: str
    signature: str


def signed(successor: str) -> bytes:
    """What a key signs to name its successor."""
    return _SIGNED + successor.encode()


def links(workspace: Workspace) -> tuple[Link, ...]:
    """All changes that the workspace tells of; none of them verified.

    Raises:
        Refused: The file is none of these.
    """
    path = workspace.path(FILE)
    if not path.exists():
        return ()
    try:
        return msgspec.json.decode(read_bytes(path), type=tuple[Link, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise Refused("not a list of keys", where=str(path), hint=_HINT) from exc


def first_signer(workspace: Workspace) -> str:
    """The key that the workspace's tags are made from: the pinned one, or the first of those that led to it.

    Raises:
        Refused: A change was not signed by the key before it, or the changes lead in a circle.
    """
    before = {link.successor: link for link in links(workspace)}
    found, seen = workspace.settings.signer, set[str]()
    while found in before:
        link = before[found]
        if found in seen:
            raise Refused("the changes of key lead in a circle", where=str(workspace.path(FILE)), hint=_HINT)
        seen.add(found)
        try:
            verify(link.signer, signed(link.successor), link.signature)
        except Refused as exc:
            raise Refused(exc.message, where=str(workspace.path(FILE)), hint=_HINT) from exc
        found = link.signer
    return found


_HINT = "Bring the file back as `pse register rekey` wrote it; without it the workspace's objects look like another's."
