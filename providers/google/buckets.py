"""Buckets of Cloud Storage: of the region, closed to the public, without a second life after their deletion."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.google.account import Account
from providers.google.kms import encryption, key_of
from providers.google.marks import labelled
from providers.google.wire import STORAGE
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import BucketInputs, Placement

URL = "https://storage.googleapis.com"
_NAME = re.compile(r"[a-z0-9][-_a-z0-9.]{1,220}[a-z0-9]")
_CLOSED = {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "enforced"}
Raw = Mapping[str, Any]


class Buckets:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and is unique among all buckets of the world."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: BucketInputs, identity: Identity) -> str:
        """buckets.insert in the place's region."""
        key = encryption(self._account, inputs.encryption_key)
        body = {
            "name": made_name(inputs.name, identity),
            "location": self._account.region.upper(),
            "storageClass": "STANDARD",
            "labels": tags_of(identity),
            "versioning": {"enabled": inputs.versioning},
            "iamConfiguration": _CLOSED,
            # Google's default keeps what was deleted for seven days more.
            "softDeletePolicy": {"retentionDurationSeconds": "0"},
            **({"encryption": {"defaultKmsKeyName": key}} if key else {}),
        }
        query = {"project": self._account.project}
        made = self._account.call("POST", "b", body, query=query, service=STORAGE)
        with self._account.errors():
            return str(made["name"])

    def finish(self, object_id: str, inputs: BucketInputs) -> None:
        """Bring versions and key to those wanted, and close it to the public."""
        raw = self._account.patiently(lambda: self._needed(object_id))
        change: dict[str, Any] = {} if _closed(raw) else {"iamConfiguration": _CLOSED}
        if _versions(raw) != inputs.versioning:
            change["versioning"] = {"enabled": inputs.versioning}
        if key_of(self._account, _key(raw)) != inputs.encryption_key:
            # Null takes it away.
            change["encryption"] = {"defaultKmsKeyName": encryption(self._account, inputs.encryption_key) or None}
        if change:
            self._account.call("PATCH", f"b/{object_id}", change, query={}, service=STORAGE)

    def seen(self, query: Query, known: BucketInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """buckets.get, or buckets.list of the project."""
        if query.id:
            one = self._one(query.id)
            raws: Iterator[dict[str, Any]] = iter([one] if one else [])
        else:
            raws = self._account.pages("b", service=STORAGE, project=self._account.project)
        for raw in raws:
            owner = labelled(raw)
            open_ = owner["identity"] is not None and not _closed(raw)
            yield Seen(
                id=raw["name"],
                **owner,
                inputs={"versioning": _versions(raw), "encryption_key": key_of(self._account, _key(raw))},
                outputs={"url": f"{URL}/{raw['name']}"},
                placement=self._placement(raw),
                reasons=("the public may be let in",) if open_ else (),
            )

    def remove(self, object_id: str) -> None:
        """buckets.delete; one with objects, or versions of them, stays."""
        try:
            self._account.call("DELETE", f"b/{object_id}", query={}, service=STORAGE)
        except PortError as exc:
            if exc.reason != "conflict":
                raise
            raise PortError(exc.message, reason="in-use", vendor_code=exc.vendor_code, where=exc.where) from exc

    def _placement(self, raw: Raw) -> tuple[Placement, ...]:
        location = str(raw.get("location", "")).lower()
        regional = raw.get("locationType") == "region"
        found = [self._account.placed("resource", location if regional else f"{location or '?'} (several regions)")]
        copies: list[str] = raw.get("customPlacementConfig", {}).get("dataLocations", [])
        found += [Placement("replica", str(copy), "unknown") for copy in copies]
        log = raw.get("logging", {}).get("logBucket")
        found += [Placement("log", str(log), "unknown")] if log else []
        return (*found, self._account.keyed({"kmsKeyName": _key(raw)}))

    def _one(self, object_id: str) -> dict[str, Any] | None:
        if not _NAME.fullmatch(object_id):
            return None
        try:
            return self._account.call("GET", f"b/{object_id}", query={}, service=STORAGE)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            return None

    def _needed(self, object_id: str) -> dict[str, Any]:
        found = self._one(object_id)
        if found is None:
            raise PortError(f"no bucket {object_id!r} here", reason="not-found", where=self._account.place)
        return found


def _closed(raw: Raw) -> bool:
    return bool(raw.get("iamConfiguration", {}).get("publicAccessPrevention") == "enforced")


def _key(raw: Raw) -> str:
    return str(raw.get("encryption", {}).get("defaultKmsKeyName", ""))


def _versions(raw: Raw) -> bool:
    return bool(raw.get("versioning", {}).get("enabled", False))
