"""Another signing key for a workspace: what the old one signed is signed anew, and objects at clouds stay its own.

The order makes it safe to be cut short: the new key is on disk before the old one names it, the old one names it before
it is pinned, and what is signed anew is first verified by whichever of the two signed it. Running it again goes on.
"""

import msgspec

from policy import categories, classified, gatefiles, newest, nocs, register, signing
from policy.ledger import Ledger
from policy.ledgerhead import Heads
from policy.succession import FILE, Link, first_signer, links, signed
from pse.core.canonical import encode, read_bytes, write_bytes
from pse.core.errors import BadInput, Refused
from pse.core.settings import FILE as SETTINGS
from pse.core.settings import Workspace

NEXT = "signing_key.next"
PENDING = "locks/rekey"
"""Former key of a change that was cut short."""


def rekey(workspace: Workspace) -> Workspace:
    """Make a new key, pin it and sign with it what the old one signed; returns the workspace with the new pin.

    Register, NOCs, their marks, what servers are and were classified as, gates of units and the ledger's head are
    signed anew. Plans are not: they are made again.

    Args:
        workspace: As its ``pse.toml`` says; nothing else may be at work in it.

    Raises:
        BadInput: A file cannot be read or written.
        Refused: The key here is not the pinned one, or something was altered: nothing is signed that was not believed.
    """
    first_signer(workspace)
    pending = workspace.private / PENDING
    if not pending.exists():
        _check(workspace)
        successor = signing.prepare_key(workspace.root, NEXT)
        _name_successor(workspace, successor)
        pending.parent.mkdir(exist_ok=True)
        write_bytes(pending, workspace.settings.signer.encode(), mode=0o600)
    former = read_bytes(pending).decode()
    successor = next((link.successor for link in links(workspace) if link.signer == former), "")
    if workspace.settings.signer == former:
        _pin(workspace, former, successor)
    new, old = Workspace(workspace.root), Workspace(workspace.root)
    if new.settings.signer != successor:
        raise Refused("another key is pinned than the old one named", where=str(workspace.path(SETTINGS)))
    signing.adopt_key(workspace.root, NEXT)
    old.settings = msgspec.structs.replace(old.settings, signer=former)
    _sign_anew(old, new)
    Ledger(new).record("rekey", {"from": former, "to": successor})
    pending.unlink()
    return new


def _check(workspace: Workspace) -> None:
    """See that all is well before anything is changed, and that the key here is the pinned one."""
    signing.sign(workspace, signed(""))
    register.load_register(workspace)
    nocs.load_nocs(workspace)
    Ledger(workspace).verify()


def _name_successor(workspace: Workspace, successor: str) -> None:
    known = tuple(link for link in links(workspace) if link.signer != workspace.settings.signer)
    link = Link(
        signer=workspace.settings.signer,
        successor=successor,
        signature=signing.sign(workspace, signed(successor)),
    )
    write_bytes(workspace.path(FILE), encode((*known, link)) + b"\n")


def _pin(workspace: Workspace, former: str, successor: str) -> None:
    path = workspace.path(SETTINGS)
    text = read_bytes(path)
    if text.count(former.encode()) != 1 or not successor:
        raise BadInput("the pinned key is not there once", where=str(path))
    write_bytes(path, text.replace(former.encode(), successor.encode()))


def _sign_anew(old: Workspace, new: Workspace) -> None:
    for file in (register.FILE, nocs.FILE):
        path = new.path(file)
        if path.with_name(f"{path.name}.sig").exists():
            try:
                signing.read_signed(new, path)
            except Refused:
                signing.read_signed(old, path)
                signing.sign_file(new, path)
        newest.sign_anew(old, new, file)
    categories.NOTE.sign_anew(old, new)
    classified.RECORD.sign_anew(old, new)
    gatefiles.sign_anew(old, new)
    Heads(new).sign_anew(old.settings.signer)
