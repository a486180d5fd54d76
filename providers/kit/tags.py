"""The identity of an object as tags, labels or metadata, one word for each part; and in its name."""

from collections.abc import Mapping
from typing import TypedDict

from providers.ports import Identity

KEYS = ("stack", "urn", "op")
"""Parts of an identity; each is a tag of its own."""
PREFIX = "pse-"


class Owner(TypedDict):
    """Two of the attributes of `providers.kit.noun.Seen`."""

    name: str
    identity: Identity | None


def made_name(name: str, identity: Identity) -> str:
    """A name that is this intent's only: the wanted one, and the beginning of the token."""
    return f"{name}{ending(identity)}"


def ending(identity: Identity) -> str:
    """How every name by `made_name` ends."""
    return f"-{identity.op[:12]}"


def tags_of(identity: Identity, *, prefix: str = PREFIX) -> dict[str, str]:
    """Tags by key."""
    return {f"{prefix}{key}": getattr(identity, key) for key in KEYS}


def identity_of(tags: Mapping[str, str], *, prefix: str = PREFIX) -> Identity | None:
    """Who the object belongs to; None when any of the three tags is missing."""
    found = {key: tags.get(f"{prefix}{key}", "") for key in KEYS}
    return Identity(**found) if all(found.values()) else None


def carries(identity: Identity | None, tags: Mapping[str, str]) -> bool:
    """Whether an identity has these parts; every one, and nobody's too, when there are none."""
    return not tags or (
        identity is not None and all(getattr(identity, key) == tags[key] for key in KEYS if key in tags)
    )
