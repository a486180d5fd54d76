"""What S3 and Route 53 call a request, which only method and path tell: the names of IAM's actions."""

import re
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


_NAMES = (
    ("GET", r"/hostedzone", "ListHostedZones"),
    ("POST", r"/hostedzone", "CreateHostedZone"),
    ("GET", r"/hostedzone/[^/]+", "GetHostedZone"),
    ("DELETE", r"/hostedzone/[^/]+", "DeleteHostedZone"),
    ("GET", r"/hostedzone/[^/]+/rrset", "ListResourceRecordSets"),
    ("POST", r"/hostedzone/[^/]+/rrset", "ChangeResourceRecordSets"),
    ("GET", r"/change/[^/]+", "GetChange"),
)
"""Of Route 53, by method and path below the API's version."""


def action_of(service: str, method: str, path: str) -> str:
    """The action of a request; the request itself where it has no name here, and nothing for other services."""
    parts = urllib.parse.urlsplit(path)
    if service == "route53":
        below = "/" + parts.path.strip("/").partition("/")[2]
        found = (name for verb, like, name in _NAMES if verb == method and re.fullmatch(like, below))
        return next(found, f"{method} {path}")
    if service != "s3":
        return ""
    if parts.path in {"", "/"}:
        return "ListAllMyBuckets"
    words = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    return _ACTIONS.get((method, words[0][0] if words else ""), f"{method} {path}")
