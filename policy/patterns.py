"""Patterns of ids, as NOCs and rules write them: ``*``, ``?`` and ``[…]``, capitals count."""

import re
from fnmatch import translate
from functools import lru_cache


@lru_cache(maxsize=1024)
def pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression that matches what any of ``patterns`` matches; none of them matches nothing."""
    return re.compile("|".join(translate(one) for one in patterns) or r"(?!)")


def matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether ``name`` as a whole fits one of ``patterns``."""
    return pattern(patterns).match(name) is not None
