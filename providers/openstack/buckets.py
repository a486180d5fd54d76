"""Buckets: containers of Swift.

A container's name is all that a second PUT goes by, and it is unique in the project. So the name carries a part of the
intent: the same intent again is the same container, and another one never is. What a person calls it stands in its
metadata, beside the marks.
"""

from collections.abc import Mapping
from typing import Any

from providers.kit.waiting import patiently
from providers.openstack import marks
from providers.openstack.account import GONE_S, Account, Seen
from providers.openstack.client import option, part
from providers.ports import Identity, PortError
from pse.core.schema import BucketInputs, Placement

_META = "x-container-meta-"
_VERSIONS, _POLICY = "x-versions-enabled", "x-storage-policy"
_READ, _SYNC = "x-container-read", "x-container-sync-to"
_PART = 8


class BucketWork:
    """A container; see `providers.openstack.account.Work`. Raw is ``{"name", "headers"}``, their names in small."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._client = account.client

    def make(self, inputs: BucketInputs, identity: Identity, /) -> Any:
        """One call, which may be repeated; a cloud that keeps no versions is found out and left again."""
        own = marks.metadata(identity, workload=inputs.workload, name=inputs.name)
        headers = {f"{_META}{name}": value for name, value in own.items()}
        headers |= {_VERSIONS: str(inputs.versioning).lower(), _POLICY: self._policy}
        name = f"{inputs.name}-{identity.urn[:_PART]}{identity.op[:_PART]}"
        raw = self.get(name)
        if raw is None:
            self._client.headers("PUT", f"/{part(name)}", headers)
            raw = self.get(name)
        if raw is None:
            raise PortError("the container is not there after it was made", where=inputs.name)
        if inputs.versioning and not _versioning(raw):
            self.drop(name)
            raise PortError("this object store keeps no versions", reason="invalid", vendor_code=_VERSIONS)
        return raw

    def get(self, object_id: str, /) -> Any | None:
        """The container, by what its headers say."""
        if not object_id or "/" in object_id:
            return None
        try:
            found = self._client.headers("HEAD", f"/{part(object_id)}", {})
        except PortError as exc:
            if exc.reason == "not-found":
                return None
            raise
        return {"name": object_id, "headers": {name.lower(): value for name, value in found.items()}}

    def all(self, urn: str, /) -> list[Any]:
        """The project's containers; with a URN those whose name fits it."""
        found, marker = [], ""
        while page := self._client.call("object", "GET", "", params={"format": "json", "marker": marker}):
            found += [str(listed["name"]) for listed in page if urn[:_PART] in listed["name"]]
            marker = page[-1]["name"]
        return [raw for raw in map(self.get, found) if raw is not None]

    def see(self, raw: Any, _given: BucketInputs | None, /) -> Seen:
        """Everything is told."""
        headers = raw["headers"]
        found = _marks(headers)
        live = {"name": found["name"] or raw["name"], "versioning": _versioning(raw)}
        policy = str(headers.get(_POLICY, ""))
        here = policy == self._policy
        placement = [self._account.regional() if here else Placement("resource", f"policy {policy}", "unknown")]
        if headers.get(_SYNC):
            placement.append(Placement("replica", str(headers[_SYNC]), "unknown"))
        reasons = ("others than the project may read it",) if headers.get(_READ) else ()
        outputs = {"url": f"{self._client.address('object')}/{part(raw['name'])}"}
        return Seen(raw["name"], found, live, tuple(placement), outputs, reasons)

    def change(self, raw: Any, new: BucketInputs, /) -> Any:
        """Keep versions or not, and close it to others."""
        if _versioning(raw) != new.versioning or raw["headers"].get(_READ):
            headers = {_VERSIONS: str(new.versioning).lower(), _READ: ""}
            self._client.headers("POST", f"/{part(raw['name'])}", headers)
        return self.get(raw["name"]) or raw

    def drop(self, object_id: str, /) -> None:
        """Delete it, when it is empty, and wait until it is gone."""
        if self.get(object_id) is None:
            return
        try:
            self._client.headers("DELETE", f"/{part(object_id)}", {})
        except PortError as exc:
            if exc.reason == "conflict":
                raise PortError("there are objects in it", reason="in-use", where=object_id) from exc
            if exc.reason != "not-found":
                raise
        if patiently(lambda: self.get(object_id) is None or None, closed=self._account.closed, within_s=GONE_S) is None:
            raise PortError("it is still there after its deletion", vendor_code="not-gone", where=object_id)

    @property
    def _policy(self) -> str:
        return option(self._account.target, "object_policy")


def _versioning(raw: Any) -> bool:
    return str(raw["headers"].get(_VERSIONS, "")).lower() == "true"


def _marks(headers: Mapping[str, str]) -> marks.Marks:
    return marks.of_metadata({name.removeprefix(_META): value for name, value in headers.items() if _META in name})
