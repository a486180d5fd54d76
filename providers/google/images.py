"""Which image is meant: ``project/name``, or ``family:NAME`` for the newest of a family in a project that is pinned."""

import re
from typing import Any

from providers.google.account import Account, last
from providers.ports import PortError

FAMILY = "family:"
_ONE = re.compile(r"(?:projects/)?([a-z0-9.:-]+)/(?:global/images/)?([a-z0-9-]+)")


def resolve(account: Account, image: str) -> dict[str, Any]:
    """The image as Compute Engine describes it.

    Args:
        account: The place.
        image: ``project/name``, or ``family:`` and a family. Only families of the projects in the option
            ``image_projects`` are looked at: anybody may call a family of his own by any name.

    Raises:
        PortError: There is none.
    """
    one = _ONE.fullmatch(image)
    if one:
        paths = [f"projects/{one[1]}/global/images/{one[2]}"]
    elif image.startswith(FAMILY):
        projects = account.options.get("image_projects") or account.project
        family = image.removeprefix(FAMILY)
        paths = [f"projects/{project.strip()}/global/images/family/{family}" for project in projects.split(",")]
    else:
        paths = []
    for path in paths:
        found = account.get(path)
        if found is not None:
            return found
    raise PortError(
        f"no image {image!r} here",
        reason="not-found",
        where=account.place,
        hint="Name project/name of an image, or family:… of a project in the option image_projects.",
    )


def image_name(link: Any) -> str:
    """``project/name`` of the image that a disk was made from; empty for none."""
    parts = str(link or "").split("/projects/")[-1].removeprefix("projects/").split("/")
    return f"{parts[0]}/{last(link)}" if len(parts) > 1 else ""
