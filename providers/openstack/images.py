"""Images and sizes: from the names that people use to the cloud's ids and back."""

import re
import threading
from typing import Any

from providers.openstack.account import Account, is_id
from providers.openstack.client import part
from providers.ports import PortError
from pse.core.documents.deployment import USER
from pse.core.schema import Placement

_IMAGE, _SHAPE = "image", "shape"


class Images:
    """Images and flavours of one place.

    Args:
        account: The place's project.
    """

    def __init__(self, account: Account) -> None:
        """Make no call yet."""
        self._account = account
        self._client = account.client
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}

    def image(self, name: str) -> dict[str, Any]:
        """The one active image of a name.

        Raises:
            PortError: There is none, or several: anybody may publish one of the same name, so none is guessed.
        """
        wanted = self._account.alias(_IMAGE, name)
        if is_id(wanted):
            found = [self._client.call("image", "GET", f"/images/{part(wanted)}")]
        else:
            query = {"name": wanted, "status": "active"}
            found = [
                image for image in self._client.pages("image", "/images", "images", query) if image["name"] == wanted
            ]
        if len(found) != 1:
            raise PortError(
                f"{len(found) or 'no'} active images are called {wanted!r}",
                reason="invalid",
                vendor_code="image",
                where=self._account.place,
                hint=f'Name one by its id: option "image.{name}" of the register\'s entry.',
            )
        return dict(found[0])

    def newest(self, name: str) -> dict[str, Any] | None:
        """The newest active image of a name that the project or the operator published; None when there is none.

        One that is shared or of the community may be anybody's.
        """
        wanted = self._account.alias(_IMAGE, name)
        if is_id(wanted):
            # The register, or the program, names this very one.
            found = self.by_id(wanted)
            return found if found.get("status") == "active" else None
        mine = self._client.project
        named = [
            image
            for image in self._client.pages("image", "/images", "images", {"name": wanted, "status": "active"})
            if image["name"] == wanted and (image.get("visibility") == "public" or image.get("owner") == mine)
        ]
        return max(named, key=lambda image: (str(image.get("created_at", "")), str(image["id"])), default=None)

    def by_id(self, image_id: str) -> dict[str, Any]:
        """What is known of an image that a server was made from; nothing when it is gone."""
        if not image_id:
            return {}
        with self._lock:
            known = self._known.get(image_id)
        if known is None:
            try:
                known = dict(self._client.call("image", "GET", f"/images/{part(image_id)}"))
            except PortError as exc:
                if exc.reason not in {"not-found", "auth"}:
                    raise
                known = {}
            with self._lock:
                self._known[image_id] = known
        return known

    def name_of(self, image_id: str) -> str:
        """What people call an image; its id when it is gone."""
        named = self._account.unalias(_IMAGE, image_id)
        return (
            named if named != image_id else self._account.unalias(_IMAGE, self.by_id(image_id).get("name") or image_id)
        )

    def stored(self, image: dict[str, Any]) -> Placement:
        """Where an image's bytes lie: with several stores, or one that is elsewhere, nobody can tell."""
        stores = [name for name in str(image.get("stores") or "").split(",") if name]
        if len(stores) > 1:
            return Placement("image", f"image stores {', '.join(stores)}", "unknown")
        return self._account.regional("image")

    def flavour(self, shape: str) -> str:
        """Id of the flavour of a name.

        Raises:
            PortError: There is none.
        """
        wanted = self._account.alias(_SHAPE, shape)
        found = self._account.once(_SHAPE, wanted, lambda: self._flavours().get(wanted, ""))
        if not found:
            raise PortError(f"no flavour is called {wanted!r}", reason="invalid", vendor_code="flavor", where=shape)
        return found

    def shape_of(self, flavour: str) -> str:
        """The price book's name of a flavour's name."""
        return self._account.unalias(_SHAPE, flavour)

    def _flavours(self) -> dict[str, str]:
        return {found["name"]: found["id"] for found in self._client.pages("compute", "/flavors", "flavors")}

    def user_of(self, image: dict[str, Any]) -> str:
        """Account that the key opens; whoever made the image may have written anything there."""
        told = (self._account.target.options.get("ssh_user"), image.get("os_admin_user"), image.get("os_distro"))
        return next((str(word) for word in told if word and re.match(USER, str(word))), "root")
