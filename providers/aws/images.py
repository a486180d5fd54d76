"""Which image is meant: ``ami-…``, or how a name begins for the newest of those by an owner who is pinned."""

from typing import Any

from providers.aws.account import Account
from providers.ports import PortError

ID = "ami-"
"""Beginning of an image's id."""


def resolve(account: Account, image: str) -> dict[str, Any]:
    """The image as EC2 describes it.

    Args:
        account: The place.
        image: An id, a name, or the beginning of one. Only images of the accounts in the option ``image_owners`` are
            looked at then: anybody may publish an image under any name.

    Raises:
        PortError: There is none.
    """
    if set(image) & set("*?\\"):
        raise PortError("an image has no * or ? in its name", reason="invalid", where=account.place)
    if not image.startswith(ID):
        owners = [owner.strip() for owner in account.options.get("image_owners", "self").split(",")]
        wanted = [
            {"Name": "name", "Values": [f"{image}*"]},
            {"Name": "state", "Values": ["available"]},
        ]
        found = list(account.pages("describe_images", "Images", Owners=owners, Filters=wanted))
    else:
        found = account.call("describe_images", ImageIds=[image])["Images"]
    if not found:
        raise PortError(
            f"no image {image!r} here",
            reason="not-found",
            where=account.place,
            hint="Give an ami-… id, or how the name of an image of an account in the option image_owners begins.",
        )
    exact = [raw for raw in found if raw.get("Name") == image]
    newest: dict[str, Any] = max(exact or found, key=lambda raw: (raw.get("CreationDate", ""), raw["ImageId"]))
    return newest


def root_disk(image: dict[str, Any]) -> tuple[str, int]:
    """Device name and size in GiB of an image's root disk; 0 when the image does not say."""
    root = image.get("RootDeviceName", "/dev/xvda")
    sizes = (
        mapping.get("Ebs", {}).get("VolumeSize", 0)
        for mapping in image.get("BlockDeviceMappings", ())
        if mapping.get("DeviceName") == root
    )
    return root, int(next(sizes, 0))
