"""Whose an object at a cloud is, by its tags: only what is the stack's own is imported, changed or deleted.

An id proves nothing. It may have been typed into `pulumi import` or into a state by hand, and the account holds the
objects of other workloads too.
"""

from providers.identity import Urn
from providers.plugin.session import Session
from providers.ports import Made
from pse.core.errors import Refused
from pse.core.names import landing_id
from pse.core.text import printable

UNTAGGED = "carries no tags: it was made by hand, or somebody took its tags off"


class NotOurs(Refused):
    """The object is not this stack's; nothing was done to it."""

    code = "not-ours"


class AlreadyExists(Refused):
    """Objects with our tags live, and nothing tells whether they may be adopted."""

    code = "already-exists"


def others(session: Session, urn: Urn, made: Made) -> str:
    """Why ``made`` is not the stack's; empty when it is."""
    if made.identity is None:
        return UNTAGGED
    return "" if made.identity.stack == session.stack_tag(urn) else _belongs(made.identity.stack)


def must_be_ours(session: Session, kind: str, urn: Urn, made: Made) -> None:
    """See that the resource may change or delete ``made``.

    An object bears the URN that made it for ever, so a resource that was renamed is known by the state: see `_renamed`.

    Raises:
        NotOurs: It may not.
    """
    hint = f"`pulumi state delete '{urn.text}'` makes the stack forget it."
    why = others(session, urn, made)
    if not why and made.identity is not None and made.identity.urn != urn.hash and not _renamed(session, urn, made):
        why = "was made for another resource of this stack"
        hint += " If that one was renamed, run `pse up`, which knows the state, or give it its old name again."
    if why:
        raise NotOurs(
            f"{kind} {made.id} {why}; nothing was done to it",
            where=urn.text,
            hint=hint,
        )


def _renamed(session: Session, urn: Urn, made: Made) -> bool:
    """Whether the state says that the object's resource has another URN since: one URN holds it, and nothing the old.

    After ``pulumi state rename``, or an alias in an earlier program, the state holds the object under the new URN. With
    an alias in the program at work it still holds it under the old one, and the new one is not in it yet. Whatever else
    a state says was written by hand.
    """
    known = session.state_of(urn)
    if known is None or made.identity is None:
        return False
    holders, old = known.holders(made.id), made.identity.urn
    if holders == {urn.hash}:
        return old not in known.urns and not session.wants(old)
    return holders == {old} and urn.hash not in known.urns and not session.wants(old)


def must_be_free(session: Session, kind: str, urn: Urn, place: str, made: Made) -> None:
    """See that ``made`` may be imported: the resource's own, or nobody's, which is then never changed or deleted.

    Raises:
        NotOurs: It is somebody's.
        Refused: It is not at the place that it was looked for at.
    """
    if made.elsewhere:
        raise Refused(f"{kind} {made.id} rests in {printable(made.elsewhere)}, and not at {place}", where=urn.text)
    tags = made.identity
    if tags is None or (tags.stack == session.stack_tag(urn) and tags.urn == urn.hash):
        return
    mine = tags.stack == session.stack_tag(urn)
    why = "is another resource's of this stack" if mine else _belongs(tags.stack)
    raise NotOurs(f"{kind} {made.id} {why}, and cannot be imported", where=urn.text)


def unreferable(session: Session, urn: Urn, place: str, made: Made) -> str:
    """Why a resource at ``place`` may not refer to ``made``; empty when it may.

    A unit refers to its own objects, to its landing zone's, and to nobody's that its state holds since an import.
    """
    if made.identity is None:
        return "" if made.id in (session.known(urn) or ()) or session.has_seen(made.id) else UNTAGGED
    mine = {session.stack_tag(urn), session.stack_tag(urn, stack=landing_id(place))}
    return "" if made.identity.stack in mine else _belongs(made.identity.stack)


def _belongs(tag: str) -> str:
    return f"belongs to another stack ({printable(tag)})"
