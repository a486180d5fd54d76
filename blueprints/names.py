"""Names at a cloud: lower-case letters, digits and hyphens, at most 40, unique where they have to be."""

from collections.abc import Container

from pse.core.names import LONGEST, landing_id, slug

__all__ = ["landing_id", "slug", "unique"]


def unique(text: str, taken: Container[str]) -> str:
    """`slug` of ``text``, numbered where the name is taken."""
    name = slug(text)
    number = 2
    while name in taken:
        name = f"{slug(text, longest=LONGEST - 1 - len(str(number)))}-{number}"
        number += 1
    return name
