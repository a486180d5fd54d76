"""The tags of an object at AWS: ``Name``, and who it belongs to."""

from collections.abc import Iterable, Mapping
from typing import Any

from providers.kit.tags import PREFIX, Owner, identity_of, tags_of
from providers.ports import Identity


def named(name: str, identity: Identity, *, prefix: str = PREFIX) -> list[dict[str, str]]:
    """Tags as EC2 takes them.

    Args:
        name: Name of the object.
        identity: Whose it is.
        prefix: Of the keys.
    """
    name_key = "Name" if prefix == PREFIX else f"{prefix}name"
    pairs = {name_key: name} | tags_of(identity, prefix=prefix)
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def specifications(name: str, identity: Identity, *resources: str) -> list[dict[str, Any]]:
    """``TagSpecifications`` of a call that makes ``resources``: the tags are there from the first moment."""
    return [{"ResourceType": resource, "Tags": named(name, identity)} for resource in resources]


def plain(raw: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags as EC2 gives them, as a mapping."""
    return {tag["Key"]: tag.get("Value", "") for tag in raw}


def owner(raw: Mapping[str, Any]) -> Owner:
    """Name and identity of an object as EC2 describes it."""
    tags = plain(raw.get("Tags", ()))
    return {"name": tags.get("Name", ""), "identity": identity_of(tags)}


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
