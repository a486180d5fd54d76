"""Which image is meant: ``publisher+offer+sku+version`` of the platform's own, the publisher pinned by its name.

Azure's own tools write colons; the gate takes none in a place's own name for an image, as they stand behind a place id.
"""

import re
from collections.abc import Mapping
from typing import Any

from providers.azure.account import Account
from providers.ports import PortError

BETWEEN = "+"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_PARTS = ("publisher", "offer", "sku", "version")


def reference(account: Account, image: str) -> dict[str, str]:
    """The image as Azure takes it.

    Args:
        account: The place.
        image: Four words with a plus between; the version may be ``latest``. Images of galleries are not taken: their
            versions are replicated to locations of somebody's choice.

    Raises:
        PortError: It is no such name.
    """
    words = image.split(BETWEEN)
    if len(words) != len(_PARTS) or not all(words):
        raise PortError(
            f"no image {image!r} here",
            reason="not-found",
            where=account.place,
            hint="Name publisher+offer+sku+version, for example Debian+debian-12+12-gen2+latest.",
        )
    return dict(zip(_PARTS, words, strict=True))


def newest(account: Account, name: str) -> str | None:
    """The image of a name, its version told: the newest one where the name has none, or ``latest``.

    Args:
        account: The place.
        name: ``publisher+offer+sku``, or with a version.

    Raises:
        PortError: The cloud said no.
    """
    *words, version = (name if name.count(BETWEEN) == 3 else f"{name}{BETWEEN}latest").split(BETWEEN)
    if len(words) != 3 or not all(_WORD.fullmatch(word) for word in words):
        return None
    try:
        versions = account.image_versions(words[0], words[1], words[2])
    except PortError as exc:
        if exc.reason != "not-found":
            raise
        return None
    wanted = max(versions, key=_age, default="") if version == "latest" else version
    return BETWEEN.join((*words, wanted)) if wanted in versions else None


def _age(version: str) -> tuple[int, ...]:
    """Versions are numbers with dots between."""
    return tuple(int(number) if number.isdigit() else 0 for number in version.split("."))


def name_of(live: Mapping[str, Any]) -> str:
    """The same words of a live machine's image; an id where it has one."""
    return str(live.get("id") or BETWEEN.join(str(live.get(part) or "?") for part in _PARTS))
