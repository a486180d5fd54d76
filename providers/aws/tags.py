"""The tags of an object at AWS: ``Name``, and who it belongs to."""

from collections.abc import Iterable, Mapping
from typing import Any

from providers.ports import Identity

KEYS = ("stack", "urn", "op")
"""Parts of an identity; each is a tag of its own."""
PREFIX = "pse-"


def tags_of(name: str, identity: Identity, *, prefix: str = PREFIX) -> list[dict[str, str]]:
    """Tags as EC2 takes them.

    Args:
        name: Name of the object.
        identity: Whose it is.
        prefix: Of the keys.
    """
    name_key = "Name" if prefix == PREFIX else f"{prefix}name"
    pairs = {name_key: name} | {f"{prefix}{key}": getattr(identity, key) for key in KEYS}
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def specifications(name: str, identity: Identity, *resources: str) -> list[dict[str, Any]]:
    """``TagSpecifications`` of a call that makes ``resources``: the tags are there from the first moment."""
    return [{"ResourceType": resource, "Tags": tags_of(name, identity)} for resource in resources]


def plain(raw: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags as EC2 gives them, as a mapping."""
    return {tag["Key"]: tag.get("Value", "") for tag in raw}


def identity_of(tags: Mapping[str, str]) -> Identity | None:
    """Who the object belongs to; None when any of the three tags is missing."""
    found = {key: tags.get(f"{PREFIX}{key}", "") for key in KEYS}
    return Identity(**found) if all(found.values()) else None


def filters(id_filter: str, object_id: str, tags: Mapping[str, str], *, prefix: str = PREFIX) -> list[dict[str, Any]]:
    """Filters for a ``describe`` call.

    Args:
        id_filter: Filter that takes an id.
        object_id: The id, or empty for any.
        tags: Parts of an identity, or none.
        prefix: Of the tags' keys.
    """
    wanted = {id_filter: object_id} if object_id else {}
    wanted |= {f"tag:{prefix}{key}": value for key, value in tags.items()}
    return [{"Name": name, "Values": [value]} for name, value in wanted.items()]
