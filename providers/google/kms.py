"""Encryption keys of Cloud KMS, in the key ring of the place.

Cloud KMS deletes neither rings nor keys, and gives no name twice. So the ring is the operator's (option ``key_ring``),
a key's name ends in the intent, and a key is gone when the last of its versions is on its way to be destroyed, which
Google does 30 days later.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from providers.google.account import Account, last
from providers.google.marks import labelled
from providers.google.wire import KMS
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import EncryptionKeyInputs, Placement

DAY_S = 86400
_OVER = frozenset({"DESTROY_SCHEDULED", "DESTROYED"})
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,63}")
Raw = Mapping[str, Any]


class EncryptionKeys:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: EncryptionKeyInputs, identity: Identity) -> str:
        """cryptoKeys.create in the place's ring."""
        body = {
            "purpose": "ENCRYPT_DECRYPT",
            "versionTemplate": {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "protectionLevel": "SOFTWARE"},
            "labels": tags_of(identity),
            **_rotation(inputs.rotation_days),
        }
        name = made_name(inputs.name, identity)
        query = {"cryptoKeyId": name}
        made = self._account.call("POST", f"{ring(self._account)}/cryptoKeys", body, query=query, service=KMS)
        with self._account.errors():
            return last(made["name"])

    def finish(self, object_id: str, inputs: EncryptionKeyInputs) -> None:
        """Wait until it is usable, and let it rotate as wanted."""

        def usable() -> Raw | None:
            raw = self._one(object_id)
            return raw if raw is not None and raw["primary"]["state"] == "ENABLED" else None

        raw = self._account.until(usable, what=f"{object_id} to be ENABLED", seconds=60)
        if _days(raw) != inputs.rotation_days:
            self._rotate(object_id, inputs.rotation_days)

    def seen(self, query: Query, known: EncryptionKeyInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """cryptoKeys.get, or cryptoKeys.list of the ring."""
        one = self._one(query.id) if query.id else None
        for raw in ([one] if one else []) if query.id else self._all():
            state = raw.get("primary", {}).get("state", "")
            name = last(raw["name"])
            placement = [self._account.keyed({"kmsKeyName": raw["name"]}, what="resource")]
            level = raw.get("versionTemplate", {}).get("protectionLevel", "")
            if level.startswith("EXTERNAL"):
                placement.append(Placement("key", level, "unknown"))
            yield Seen(
                id=name,
                **labelled({**raw, "name": name}),
                inputs={"rotation_days": _days(raw)},
                placement=tuple(placement),
                reasons=() if state == "ENABLED" else (f"its version is {state}",),
            )

    def remove(self, object_id: str) -> None:
        """cryptoKeyVersions.destroy of every version, after it rotates no more."""
        raw = self._one(object_id)
        if raw is None:
            return
        if _days(raw):
            self._rotate(object_id, 0)
        path = f"{ring(self._account)}/cryptoKeys/{object_id}/cryptoKeyVersions"
        for version in self._account.pages(path, items="cryptoKeyVersions", service=KMS):
            if version["state"] not in _OVER:
                self._account.call("POST", f"{path}/{last(version['name'])}:destroy", {}, query={}, service=KMS)

    def _rotate(self, object_id: str, days: int) -> None:
        path = f"{ring(self._account)}/cryptoKeys/{object_id}"
        query = {"updateMask": "rotationPeriod,nextRotationTime"}
        self._account.call("PATCH", path, _rotation(days), query=query, service=KMS)

    def _all(self) -> Iterator[dict[str, Any]]:
        if not self._account.options.get("key_ring"):
            return
        for raw in self._account.pages(f"{ring(self._account)}/cryptoKeys", items="cryptoKeys", service=KMS):
            if not _over(raw):
                yield raw

    def _one(self, object_id: str) -> dict[str, Any] | None:
        if not _NAME.fullmatch(object_id):
            return None
        try:
            raw = self._account.call("GET", f"{ring(self._account)}/cryptoKeys/{object_id}", query={}, service=KMS)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            return None
        return None if _over(raw) else raw


def ring(account: Account) -> str:
    """The key ring of the place.

    Raises:
        PortError: The register names none.
    """
    name = account.options.get("key_ring", "")
    if not name:
        raise PortError(
            "the register names no key ring",
            reason="invalid",
            where=account.place,
            hint="Make one in the place's region, and name it in the option key_ring.",
        )
    return f"projects/{account.project}/locations/{account.region}/keyRings/{name}"


def encryption(account: Account, key: str = "") -> str:
    """The full name of a key for what is encrypted.

    Args:
        account: The place.
        key: Id of one of our keys; empty for the one of the option ``kms_key``, or Google's own.
    """
    return f"{ring(account)}/cryptoKeys/{key}" if key else account.options.get("kms_key", "")


def key_of(account: Account, full: str) -> str:
    """The id of the key that something is encrypted with; empty for that of the option ``kms_key`` and Google's own."""
    name = full.partition("/cryptoKeyVersions/")[0]
    return "" if name == account.options.get("kms_key", "") else last(name)


def _rotation(days: int) -> dict[str, str]:
    if not days:
        return {}
    first = datetime.now(UTC) + timedelta(days=days)
    return {"rotationPeriod": f"{days * DAY_S}s", "nextRotationTime": first.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _days(raw: Raw) -> int:
    return int(str(raw.get("rotationPeriod", "0s")).removesuffix("s").partition(".")[0]) // DAY_S


def _over(raw: Raw) -> bool:
    return raw.get("primary", {}).get("state") in _OVER
