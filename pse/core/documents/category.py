"""The five data categories, by sensitivity. Source: Cloud First Policy, as read in secondary sources."""

from collections.abc import Iterable
from enum import StrEnum


class Category(StrEnum):
    """A data category; later means more sensitive."""

    OPEN = "open"
    PUBLIC = "public"
    RESTRICTED = "restricted"
    SENSITIVE = "sensitive"
    SECRET = "secret"

    @property
    def rank(self) -> int:
        """0 for open up to 4 for secret."""
        return _RANKS[self]


_RANKS = {category: rank for rank, category in enumerate(Category)}


def strictest(categories: Iterable[Category | None]) -> Category | None:
    """The most sensitive of ``categories``; None when there is none or when any is None.

    A group with an unclassified member is unclassified, because unclassified means refused and not Open.
    """
    found = list(categories)
    if not found or any(c is None for c in found):
        return None
    return max((c for c in found if c is not None), key=lambda c: c.rank)
