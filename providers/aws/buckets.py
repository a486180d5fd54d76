"""Buckets: S3, in one Region, closed to the public, encrypted, and owned by the account whoever writes.

Bucket names are unique in all of S3. A bucket's own name ends in the intent's token, so the same intent finds what it
made, and a stranger can hardly have taken the name before. The name is the id.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from providers.aws.account import Account
from providers.aws.encryption import prove_region, usable
from providers.aws.tags import named, owner
from providers.kit.noun import Query, Seen
from providers.kit.tags import carries
from providers.ports import Identity, PortError
from pse.core.schema import BucketInputs, Placement

T = TypeVar("T")
CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_NAMELESS = "us-east-1"
"""The Region that S3 takes no name of."""
_UNSET = frozenset(
    {
        "NoSuchTagSet",
        "NoSuchPublicAccessBlockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
"""Codes that say that a bucket has nothing of the kind."""


class Buckets:
    """See `providers.kit.noun.Noun`. S3 refuses a second bucket of the same name."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: BucketInputs, identity: Identity) -> str:
        """CreateBucket in the place's Region."""
        self._check(inputs)
        region = self._account.region
        where = {} if region == _NAMELESS else {"LocationConstraint": region}
        name = f"{inputs.name}-{identity.op[:20]}"
        self._call(
            "create_bucket",
            Bucket=name,
            CreateBucketConfiguration={**where, "Tags": named(inputs.name, identity)},
            ObjectOwnership="BucketOwnerEnforced",
        )
        return name

    def finish(self, object_id: str, inputs: BucketInputs) -> None:
        """Close it, then bring versioning, key and retention to those wanted."""
        self._check(inputs)
        if self._told("get_public_access_block", object_id).get("PublicAccessBlockConfiguration") != CLOSED:
            self._call("put_public_access_block", Bucket=object_id, PublicAccessBlockConfiguration=CLOSED)
        live = self._inputs(object_id)
        if live["encryption_key"] != inputs.encryption_key:
            rule = {"SSEAlgorithm": "AES256"}
            if inputs.encryption_key:
                rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": usable(self._account, inputs.encryption_key)}
            rules = [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": bool(inputs.encryption_key)}]
            self._call("put_bucket_encryption", Bucket=object_id, ServerSideEncryptionConfiguration={"Rules": rules})
        if live["versioning"] != inputs.versioning:
            status = "Enabled" if inputs.versioning else "Suspended"
            self._call("put_bucket_versioning", Bucket=object_id, VersioningConfiguration={"Status": status})
        if live["retention_days"] != inputs.retention_days:
            kept = {"Mode": "COMPLIANCE", "Days": inputs.retention_days}
            lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": kept}}
            self._call("put_object_lock_configuration", Bucket=object_id, ObjectLockConfiguration=lock)

    def seen(self, query: Query, known: BucketInputs | None) -> Iterator[Seen]:  # noqa: ARG002
        """What S3 tells of one bucket, or of each in ListBuckets: it finds none by its tags."""
        for name in [query.id] if query.id else self._names():
            tags = self._unless_gone(self._tags, name)
            if tags is None:
                continue
            whose = owner({"Tags": tags})
            # The rest of what S3 tells takes seven calls.
            found = self._unless_gone(self._described, name) if carries(whose["identity"], query.tags) else None
            if found is not None:
                inputs, placement, reasons = found
                url = f"{self._account.client('s3').meta.endpoint_url}/{name}"
                yield Seen(id=name, **whose, inputs=inputs, outputs={"url": url}, placement=placement, reasons=reasons)

    def remove(self, object_id: str) -> None:
        """DeleteBucket; S3 refuses one that is not empty, versions and all."""
        self._call("delete_bucket", Bucket=object_id)

    def _check(self, inputs: BucketInputs) -> None:
        if inputs.retention_days and not inputs.versioning:
            said = "S3 keeps objects from being deleted in a bucket with versioning only"
            raise PortError(said, reason="invalid", where=self._account.place)
        if inputs.encryption_key:
            prove_region(self._account)

    def _names(self) -> list[str]:
        region = self._account.region
        found = self._account.pages("list_buckets", "Buckets", service="s3", BucketRegion=region)
        return [str(raw["Name"]) for raw in found]

    def _described(self, name: str) -> tuple[dict[str, Any], tuple[Placement, ...], tuple[str, ...]]:
        closed = self._told("get_public_access_block", name).get("PublicAccessBlockConfiguration")
        reasons = () if closed == CLOSED else ("it is not closed to the public",)
        return self._inputs(name), tuple(self._placement(name)), reasons

    def _inputs(self, name: str) -> dict[str, Any]:
        lock = self._told("get_object_lock_configuration", name).get("ObjectLockConfiguration", {})
        kept = lock.get("Rule", {}).get("DefaultRetention", {})
        # Whoever may, can lift another mode.
        days = kept.get("Days") or 365 * kept.get("Years", 0)
        return {
            "versioning": self._told("get_bucket_versioning", name).get("Status") == "Enabled",
            "retention_days": int(days) if kept.get("Mode") == "COMPLIANCE" else 0,
            "encryption_key": self._key(name).rpartition("/")[2],
        }

    def _key(self, name: str) -> str:
        rules = self._told("get_bucket_encryption", name).get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
        ways = (rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules)
        return next((str(way.get("KMSMasterKeyID", "")) for way in ways), "")

    def _placement(self, name: str) -> Iterator[Placement]:
        place, region = self._account.place, self._account.region
        said = self._call("get_bucket_location", Bucket=name).get("LocationConstraint") or _NAMELESS
        yield Placement("resource", place if said == region else said, "set" if said == region else "unknown")
        if key := self._key(name):
            yield self._account.regional("key", key)
        copies = self._told("get_bucket_replication", name).get("ReplicationConfiguration", {}).get("Rules", ())
        for rule in copies:
            yield Placement("replica", rule.get("Destination", {}).get("Bucket", "?"), "unknown")
        log = self._told("get_bucket_logging", name).get("LoggingEnabled", {})
        if log:
            yield Placement("log", log.get("TargetBucket", "?"), "unknown")

    def _told(self, operation: str, name: str) -> dict[str, Any]:
        """What S3 tells of one aspect; nothing where the bucket has none."""
        try:
            return self._call(operation, Bucket=name)
        except PortError as exc:
            if exc.vendor_code not in _UNSET:
                raise
            return {}

    def _tags(self, name: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._told("get_bucket_tagging", name).get("TagSet", [])
        return found

    def _unless_gone(self, look: Callable[[str], T], name: str) -> T | None:
        try:
            return look(name)
        except PortError as exc:
            # A stranger's bucket may keep even its tags to itself.
            if exc.vendor_code not in {"NoSuchBucket", "AccessDenied"}:
                raise
            return None

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._account.call(operation, service="s3", **params)
