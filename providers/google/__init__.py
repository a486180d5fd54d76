"""The adapter of Google Cloud: networks, subnets, firewalls, key pairs, persistent disks, instances and attachments.

One place is one zone of one region in one project. `provider` is the way in, `account` speaks the JSON of Compute
Engine, and one file a noun group translates to its calls. docs/providers/google.md tells options, permissions and
limits.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.google.provider import GoogleProvider

__all__ = ["GoogleProvider"]


def __getattr__(name: str) -> Any:
    """Import the provider when it is asked for."""
    if name == "GoogleProvider":
        from providers.google.provider import GoogleProvider

        return GoogleProvider
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
