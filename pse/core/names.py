"""Names that rooms have to agree on: how one is written at a cloud, and what a place's landing zone is called."""

import re

from pse.core.canonical import digest

LONGEST = 40
NAME_WORDS = "A name has 1 to 40 lower-case letters, digits and hyphens, with no hyphen at either end."
_OTHER = re.compile(r"[^a-z0-9]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)


def is_name(text: str) -> bool:
    """Whether ``text`` can be a name at a cloud: a DNS label of at most 40 lower-case letters, digits and hyphens."""
    return _NAME.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Whether a file of a plan can be called ``text``: it names no other folder, and every file system takes it."""
    return _FILE_NAME.fullmatch(text) is not None


def slug(text: str, *, longest: int = LONGEST) -> str:
    """``text`` as a name; what is cut off or has no letter is told apart by digits of its hash."""
    plain = _OTHER.sub("-", text.lower()).strip("-")
    if plain and len(plain) <= longest:
        return plain
    mark = digest(text.encode("utf-8", "surrogatepass"))[:6]
    return f"{plain[: longest - 7].strip('-')}-{mark}".lstrip("-")


def landing_id(place: str) -> str:
    """Unit id of the landing zone at ``place``."""
    return slug("landing-" + place.replace("/", "-"))
