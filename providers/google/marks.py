"""How an object at Google Cloud says whose it is: by labels where it has them, else in its description.

Both are set in the call that makes it. A name ends in the intent, so that Google refuses a second object of the same
intent, and two intents never meet.
"""

from collections.abc import Mapping
from typing import Any

from providers.kit.descriptions import read
from providers.kit.tags import PREFIX, Owner, ending, identity_of
from providers.ports import Identity

BOOT = "pse-boot"
"""Label of a disk that a server starts from: it is part of the server, and no volume."""


def plain_name(name: str, identity: Identity | None) -> str:
    """The name that the object was asked for with."""
    return name.removesuffix(ending(identity)) if identity is not None else name


def labelled(raw: Mapping[str, Any]) -> Owner:
    """Name and identity of an object with labels."""
    return _owner(raw["name"], identity_of(raw.get("labels", {})))


def described(raw: Mapping[str, Any]) -> Owner:
    """Name and identity of an object with nothing but a description."""
    return _owner(raw["name"], read(raw.get("description"))[0])


def _owner(name: str, identity: Identity | None) -> Owner:
    # What was cloned has the labels of the original, and a name of its own: it is a stranger's.
    own = identity if identity is not None and name.endswith(ending(identity)) else None
    return {"name": plain_name(name, own), "identity": own}


def filtered(tags: Mapping[str, str], *, prefix: str = PREFIX) -> dict[str, str]:
    """The query that lists objects with these labels; all of them when there are none."""
    expression = " ".join(f'(labels.{prefix}{key}="{value}")' for key, value in tags.items())
    return {"filter": expression} if expression else {}
