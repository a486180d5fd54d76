"""The identity of an object in its description, where a cloud has neither tags nor labels for it.

Beside the identity stand notes: what the neutral resource knows and the cloud has no word for (docs/adr/0011).
"""

from collections.abc import Mapping

from providers.kit.tags import PREFIX, identity_of, tags_of
from providers.ports import Identity, PortError


def written(identity: Identity, *, most: int, **notes: str) -> str:
    """A description.

    Args:
        identity: Whose the object is.
        most: Characters that the cloud takes.
        notes: Further words by name.

    Raises:
        PortError: It does not fit, or a word has a space in it.
    """
    words = {**tags_of(identity), **notes}
    text = " ".join(f"{name}={value}" for name, value in words.items())
    if any(" " in value for value in words.values()):
        raise PortError("a mark has a space in it", reason="invalid", where=text)
    if len(text) > most:
        raise PortError(f"{len(text)} characters do not fit into {most}", reason="invalid", where=text[:40])
    return text


def read(text: str | None) -> tuple[Identity | None, Mapping[str, str]]:
    """Identity and notes in a description; a stranger's words are neither."""
    words = {name: value for name, _, value in (part.partition("=") for part in (text or "").split(" "))}
    identity = identity_of(words)
    own = {name: value for name, value in words.items() if not name.startswith(PREFIX)}
    return (identity, own) if identity is not None else (None, {})
