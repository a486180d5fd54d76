"""Which image is meant: an image by its name, or the newest of a family, in a project that is pinned."""

from typing import Any

from providers.google.account import Account
from providers.ports import PortError


def resolve(account: Account, image: str) -> dict[str, Any]:
    """The image as Compute Engine describes it.

    Args:
        account: The place.
        image: Name of an image, or of a family, of which the newest counts that is not deprecated. Only the projects in
            the option ``image_projects`` are looked at: anybody may call an image of his own by any name.

    Raises:
        PortError: There is none.
    """
    listed = account.options.get("image_projects") or account.project
    projects = [project.strip() for project in listed.split(",")]
    for way in ("images", "images/family") if "/" not in image else ():
        for project in projects:
            found = account.get(f"projects/{project}/global/{way}/{image}")
            if found is not None:
                return found
    raise PortError(
        f"no image {image!r} here",
        reason="not-found",
        where=account.place,
        hint="Name an image or a family of a project in the option image_projects.",
    )
