"""The adapter of Azure: virtual networks, subnets, security groups, SSH keys, managed disks, virtual machines.

One place is one location, and one zone in it where it has zones, in one subscription and resource group. `provider` is
the way in, and one file a noun group translates to Azure Resource Manager. docs/providers/azure.md tells options,
permissions and limits.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from providers.azure.provider import AzureProvider

__all__ = ["AzureProvider"]


def __getattr__(name: str) -> Any:
    """Import the provider when it is asked for."""
    if name == "AzureProvider":
        from providers.azure.provider import AzureProvider

        return AzureProvider
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
