"""The adapter of AWS: networks and ways out of them, security groups, keys, EBS volumes and snapshots, EC2 servers.

One place is one availability zone of one region, and one account has one place in a region. `provider` is the way in,
and one file a noun group translates to AWS's calls. docs/providers/aws.md tells
options, permissions and limits.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.aws.provider import AwsProvider

__all__ = ["AwsProvider"]


def __getattr__(name: str) -> Any:
    """Import the provider when it is asked for."""
    if name == "AwsProvider":
        from providers.aws.provider import AwsProvider

        return AwsProvider
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
