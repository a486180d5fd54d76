"""Images of one's own: a file of the workspace, uploaded to Glance and seen by this project only."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import STEP_S, Account, Seen, Stuck, is_id
from providers.openstack.client import part
from providers.openstack.images import Images
from providers.openstack.network import delete
from providers.ports import Identity, PortError
from pse.core.schema import ImageInputs, Placement

_FORMATS = {"raw": "raw", "qcow2": "qcow2", "vmdk": "vmdk", "vhd": "vpc"}
"""Formats of the schema, and what Glance calls them."""
_CHUNK = 1024 * 1024
_HASH = "sha512"
"""What Glance works out of every image, unless its operator wants another."""
_MADE = frozenset({"active", "deactivated"})


class ImageWork:
    """An image; see `providers.openstack.account.Work`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: ImageInputs, identity: Identity, /) -> Any:
        """The image, empty, then its bytes; what this very intent left empty is filled."""
        self._path(inputs)
        own = marks.metadata(identity, workload=inputs.workload, source=inputs.source, sha256=inputs.sha256)
        same = [raw for raw in self.all(identity.urn) if all(raw.get(name) == value for name, value in own.items())]
        if same:
            raw = same[0]
        else:
            words = {"disk_format": _FORMATS[inputs.format], "container_format": "bare", "visibility": "private"}
            raw = self._client.call("image", "POST", "/images", body={"name": inputs.name, **words, **own})
        try:
            return self.change(raw, inputs)
        except PortError as exc:
            if self.get(raw["id"]) is None:
                raise
            raise Stuck(raw["id"], f"its bytes did not arrive: {exc.message}") from exc

    def get(self, object_id: str, /) -> Any | None:
        """The image, if it is the project's own."""
        if not is_id(object_id):
            return None
        try:
            raw = self._client.call("image", "GET", f"/images/{part(object_id)}")
        except PortError as exc:
            if exc.reason == "not-found":
                return None
            raise
        return raw if raw.get("owner") == self._client.project and raw["status"] != "deleted" else None

    def all(self, urn: str, /) -> list[Any]:
        """The project's own images."""
        query = {"owner": self._client.project, **({marks.URN: urn} if urn else {})}
        return [raw for raw in self._client.pages("image", "/images", "images", query) if raw["status"] != "deleted"]

    def see(self, raw: Any, _given: ImageInputs | None, /) -> Seen:
        """Everything is told; the file's name and hash stand beside the marks."""
        found = marks.of_metadata({name: value for name, value in raw.items() if isinstance(value, str)})
        formats = {theirs: ours for ours, theirs in _FORMATS.items()}
        told = str(raw["disk_format"] or "")
        live = {"name": raw["name"] or "", "format": formats.get(told, told)}
        live |= {name: found[name] for name in ("source", "sha256") if found[name]}
        stored = Images(self._account).stored(raw)
        placement = (Placement("resource", stored.where, stored.source),)
        reasons = () if raw["status"] in _MADE else (f"the image is {raw['status']}",)
        return Seen(raw["id"], found, live, placement, {"size_bytes": raw["size"] or 0}, reasons)

    def change(self, raw: Any, new: ImageInputs, /) -> Any:
        """Send the bytes where they are missing; nothing else changes in place."""
        current = self._settled(raw["id"]) or raw
        if current["status"] == "queued":
            path = self._path(new)
            with path.open("rb") as file:
                whole = hashlib.file_digest(file, _HASH).hexdigest()
            self._client.call("image", "PUT", f"/images/{part(raw['id'])}/file", data=_Bytes(path))
            current = self._settled(raw["id"]) or current
            if current.get("os_hash_algo") == _HASH and current["os_hash_value"] != whole:
                self.drop(raw["id"])
                raise PortError("other bytes arrived than were sent", vendor_code="os_hash_value", where=new.name)
        return current

    def drop(self, object_id: str, /) -> None:
        """Delete it and wait until it is gone."""
        if self.get(object_id) is not None:
            delete(self._account, "image", f"/images/{part(object_id)}", "id")

    def _settled(self, object_id: str) -> Any | None:
        def look() -> tuple[Any | None] | None:
            raw = self.get(object_id)
            return None if raw is not None and raw["status"] in {"saving", "importing", "uploading"} else (raw,)

        found = patiently(look, closed=self._account.closed, within_s=STEP_S)
        return found[0] if found else self.get(object_id)

    def _path(self, inputs: ImageInputs) -> Path:
        """The file, whose hash is the one asked for.

        Raises:
            PortError: It is not there, or another one.
        """
        folder = self._account.target.workspace / "images"
        path = folder / inputs.source
        if path.parent != folder or not path.is_file():
            raise PortError(f"no file {inputs.source!r} in the workspace's images", reason="invalid", where=inputs.name)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != inputs.sha256.lower():
            raise PortError(f"{inputs.source} has the SHA-256 {found}", reason="invalid", where=inputs.name)
        return path


class _Bytes:
    """A file as the body of a request: from its start each time, as it is sent again after a token was renewed.

    Its length is told before, because not every server and proxy takes a body in chunks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __len__(self) -> int:
        return self._path.stat().st_size

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
