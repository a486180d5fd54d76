"""Encryption keys are KMS keys: symmetric, of one Region, their material AWS's own.

Nothing deletes a KMS key at once: it is disabled, and deleted after seven days, the shortest time that KMS knows. From
the first moment nobody can use it, so it counts as gone. Until the end an administrator can call CancelKeyDeletion.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.kit.noun import Query, Seen
from providers.kit.tags import identity_of, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import EncryptionKeyInputs, Placement

WINDOW_DAYS = 7
ROTATIONS = range(90, 2561)
"""Days between rotations that KMS permits."""
_OVER = frozenset({"PendingDeletion", "PendingReplicaDeletion"})


class EncryptionKeys:
    """See `providers.kit.noun.Noun`. CreateKey has neither token nor a name that is kept unique."""

    settle_s: ClassVar[float] = 15

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: EncryptionKeyInputs, identity: Identity) -> str:
        """CreateKey, never multi-Region."""
        self._check(inputs)
        prove_region(self._account)
        tags = {"Name": inputs.name} | tags_of(identity)
        made = self._call(
            "create_key",
            Description=inputs.name,
            KeySpec="SYMMETRIC_DEFAULT",
            KeyUsage="ENCRYPT_DECRYPT",
            Origin="AWS_KMS",
            MultiRegion=False,
            Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()],
        )
        return str(made["KeyMetadata"]["KeyId"])

    def finish(self, object_id: str, inputs: EncryptionKeyInputs) -> None:
        """Turn rotation on, off, or to other days."""
        self._check(inputs)
        if self._rotation(object_id) == inputs.rotation_days:
            return
        if inputs.rotation_days:
            self._call("enable_key_rotation", KeyId=object_id, RotationPeriodInDays=inputs.rotation_days)
        else:
            self._call("disable_key_rotation", KeyId=object_id)

    def seen(self, query: Query, known: EncryptionKeyInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """DescribeKey for each key of ListKeys: KMS finds none by its tags. Keys of AWS's own are left out."""
        prove_region(self._account)
        for object_id in [query.id] if query.id else self._ids():
            raw = self._described(object_id)
            if raw is None or raw["KeyState"] in _OVER or raw["KeyManager"] != "CUSTOMER":
                continue
            # A key has fifty tags at most, and one page of KMS's takes fifty.
            told = self._call("list_resource_tags", KeyId=raw["KeyId"])["Tags"]
            tags = {tag["TagKey"]: tag["TagValue"] for tag in told}
            yield Seen(
                id=raw["KeyId"],
                name=tags.get("Name", ""),
                identity=identity_of(tags),
                inputs={"rotation_days": self._rotation(raw["KeyId"])},
                placement=self._placement(raw),
                reasons=() if raw["KeyState"] in {"Enabled", "Creating"} else (f"it is {raw['KeyState']}",),
            )

    def remove(self, object_id: str) -> None:
        """ScheduleKeyDeletion."""
        prove_region(self._account)
        try:
            self._call("schedule_key_deletion", KeyId=object_id, PendingWindowInDays=WINDOW_DAYS)
        except PortError as exc:
            # It is on its way already: the store looks whether it is gone.
            if exc.vendor_code != "KMSInvalidStateException":
                raise

    def _check(self, inputs: EncryptionKeyInputs) -> None:
        if inputs.rotation_days and inputs.rotation_days not in ROTATIONS:
            said = f"KMS rotates a key every {ROTATIONS[0]} to {ROTATIONS[-1]} days, not every {inputs.rotation_days}"
            raise PortError(said, reason="invalid", where=self._account.place)

    def _placement(self, raw: dict[str, Any]) -> tuple[Placement, ...]:
        found = [self._account.regional("resource", raw["Arn"])]
        if raw.get("MultiRegion"):
            found.append(Placement("replica", "multi-Region", "unknown"))
        if raw.get("CustomKeyStoreId") or raw.get("Origin", "AWS_KMS") != "AWS_KMS":
            found.append(Placement("store", raw.get("CustomKeyStoreId") or raw["Origin"], "unknown"))
        return tuple(found)

    def _described(self, object_id: str) -> dict[str, Any] | None:
        try:
            return described(self._account, object_id)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            return None

    def _rotation(self, object_id: str) -> int:
        said = self._call("get_key_rotation_status", KeyId=object_id)
        # Every 365 days is what KMS does where nothing else was asked for.
        return int(said.get("RotationPeriodInDays", 365)) if said["KeyRotationEnabled"] else 0

    def _ids(self) -> list[str]:
        return [str(raw["KeyId"]) for raw in self._pages("list_keys", "Keys")]

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._account.call(operation, service="kms", **params)

    def _pages(self, operation: str, key: str, **params: Any) -> Iterator[dict[str, Any]]:
        return self._account.pages(operation, key, service="kms", **params)


def prove_region(account: Account) -> None:
    """See, once, that KMS answers for the region: every account has aliases of AWS's own, and each ARN has the region.

    Raises:
        PortError: It does not.
    """
    account.prove("kms", lambda: [raw["AliasArn"] for raw in account.pages("list_aliases", "Aliases", service="kms")])


def described(account: Account, object_id: str) -> dict[str, Any]:
    """One key as KMS describes it.

    Raises:
        PortError: There is none, or it cannot be asked for.
    """
    prove_region(account)
    found: dict[str, Any] = account.call("describe_key", service="kms", KeyId=object_id)["KeyMetadata"]
    return found


def usable(account: Account, object_id: str) -> str:
    """ARN of a key that can encrypt now: EBS makes a disk with any other, and takes it back without a word.

    Raises:
        PortError: There is none, or it is disabled or pending deletion.
    """
    raw = described(account, object_id)
    if raw["KeyState"] != "Enabled":
        raise PortError(f"key {object_id} is {raw['KeyState']}", reason="invalid", where=account.place)
    return str(raw["Arn"])
