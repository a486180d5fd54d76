"""What S3 calls a request, which only method and path tell: the names of IAM's actions."""

import urllib.parse

_ACTIONS = {
    ("GET", "location"): "GetBucketLocation",
    ("GET", "tagging"): "GetBucketTagging",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", "versioning"): "PutBucketVersioning",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("GET", "object-lock"): "GetBucketObjectLockConfiguration",
    ("PUT", "object-lock"): "PutBucketObjectLockConfiguration",
    ("GET", "replication"): "GetReplicationConfiguration",
    ("GET", "logging"): "GetBucketLogging",
    ("PUT", ""): "CreateBucket",
    ("DELETE", ""): "DeleteBucket",
}
"""Of buckets, by method and the first word of the query."""


def action_of(method: str, path: str) -> str:
    """The action of a request about buckets; the request itself where it has no name here."""
    parts = urllib.parse.urlsplit(path)
    if parts.path in {"", "/"}:
        return "ListAllMyBuckets"
    words = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    return _ACTIONS.get((method, words[0][0] if words else ""), f"{method} {path}")
