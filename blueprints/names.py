"""Names at a cloud: lower-case letters, digits and hyphens, at most 40, unique where they have to be."""

import re
from collections.abc import Container

from pse.core.canonical import digest

LONGEST = 40
_OTHER = re.compile(r"[^a-z0-9]+")


def slug(text: str, *, longest: int = LONGEST) -> str:
    """``text`` as a name; what is cut off or has no letter is told apart by digits of its hash."""
    plain = _OTHER.sub("-", text.lower()).strip("-")
    if plain and len(plain) <= longest:
        return plain
    mark = digest(text.encode("utf-8", "surrogatepass"))[:6]
    return f"{plain[: longest - 7].strip('-')}-{mark}".lstrip("-")


def unique(text: str, taken: Container[str]) -> str:
    """`slug` of ``text``, numbered where the name is taken."""
    name = slug(text)
    number = 2
    while name in taken:
        name = f"{slug(text, longest=LONGEST - 1 - len(str(number)))}-{number}"
        number += 1
    return name


def landing_id(place: str) -> str:
    """Unit id of the landing zone at ``place``."""
    return slug("landing-" + place.replace("/", "-"))
