"""Which image is meant: ``ami-…``, or ``name:PATTERN`` for the newest of that name by an owner who is pinned."""

from typing import Any

from providers.aws.account import Account
from providers.ports import PortError

BY_NAME = "name:"


def resolve(account: Account, image: str) -> dict[str, Any]:
    """The image as EC2 describes it.

    Args:
        account: The place.
        image: An id, or ``name:`` and a name in which ``*`` and ``?`` stand for anything. Only images of the accounts
            in the option ``image_owners`` are looked at: anybody may publish an image under any name.

    Raises:
        PortError: There is none.
    """
    if image.startswith(BY_NAME):
        owners = [owner.strip() for owner in account.options.get("image_owners", "self").split(",")]
        wanted = [
            {"Name": "name", "Values": [image.removeprefix(BY_NAME)]},
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
            hint="Name an ami-… id, or name:… of an image of an account in the option image_owners.",
        )
    newest: dict[str, Any] = max(found, key=lambda raw: (raw.get("CreationDate", ""), raw["ImageId"]))
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
