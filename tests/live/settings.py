"""What a live run is told, and how it reaches the tests: as JSON in one environment variable."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from providers import registry
from providers.conformance import Rig
from providers.ports import Provider, Target
from tests.chaos.program import IMAGE_FILE, Names, put_image

VARIABLE = "PSE_LIVE"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A live run.

    Attributes:
        provider: Name of the adapter.
        endpoint: What the register's entry would say; empty for the SDK's own.
        options: The same.
        image: An image that the place has.
        shapes: Two shapes that it has.
        storage_class: A storage class that it has.
        place: What the place is called here.
    """

    provider: str
    endpoint: str = ""
    options: Mapping[str, str] = {}
    image: str
    shapes: tuple[str, str]
    storage_class: str
    place: str = "live/account/one"

    def adapter(self) -> type[Provider]:
        """The adapter's class."""
        return registry.load(self.provider)

    def open(self, workspace: Path) -> Provider:
        """The adapter at the account; credentials are those of the SDK's own chain."""
        put_image(workspace)
        return self.adapter()(
            Target(place=self.place, country="", endpoint=self.endpoint, workspace=workspace, options=self.options)
        )

    def rig(self, provider: Provider, workspace: Path) -> Rig:
        """Its rig."""
        return Rig(
            provider,
            place=self.place,
            image=self.image,
            shapes=self.shapes,
            storage_class=self.storage_class,
            image_file=IMAGE_FILE,
            image_sha256=Names().image_sha256,
            again=lambda: self.open(workspace),
        )


def told() -> Settings | None:
    """The settings of this process; None when nobody asked for a live run."""
    raw = os.environ.get(VARIABLE)
    return msgspec.json.decode(raw, type=Settings) if raw else None
