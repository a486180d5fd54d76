"""The adapter of Azure."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, ClassVar

from providers.azure.account import Account
from providers.azure.attachments import Attachments
from providers.azure.balancers import LoadBalancers
from providers.azure.buckets import Buckets
from providers.azure.copies import Snapshots
from providers.azure.disks import Volumes
from providers.azure.images import newest
from providers.azure.keys import KeyPairs
from providers.azure.network import Firewalls, Networks, Subnets
from providers.azure.outside import Addresses, Routers
from providers.azure.servers import Servers
from providers.kit.noun import Noun
from providers.kit.provider import CloudProvider
from providers.ports import FoundImage, Target
from pse.core.errors import MissingTool

NOUNS: Mapping[str, Callable[[Account], Noun[Any]]] = MappingProxyType(
    {
        "Network": Networks,
        "Subnet": Subnets,
        "Firewall": Firewalls,
        "KeyPair": KeyPairs,
        "Volume": Volumes,
        "Server": Servers,
        "Attachment": Attachments,
        "Router": Routers,
        "Address": Addresses,
        "Snapshot": Snapshots,
        "LoadBalancer": LoadBalancers,
        "Bucket": Buckets,
    }
)
"""What the adapter can make."""
PACKAGES = (
    "azure.identity",
    *(f"azure.mgmt.{name}" for name in ("compute", "network", "resource.resources", "storage")),
    "azure.storage.blob",
)
"""What it calls Azure by."""

_EVERYWHERE = "Azure DNS serves its zones from all over the world, and has none in one place"


class AzureProvider(CloudProvider[Account]):
    """See `providers.ports.Provider`. One place is one location; credentials are the SDK's own chain.

    Options of the register's entry: ``subscription``, ``resource_group`` and ``location`` (all needed; the group has to
    be there, in that location), ``zone`` (``1`` to ``3``; empty where the location has none), ``proxy`` (URL),
    ``os_disk_class`` (of servers' own disks; ``StandardSSD_LRS``), ``ssh_user`` (``azureuser``), ``host_key_wait_s``
    (seconds to ask a new server for its host key; 180, and 0 for not at all) and ``wait_s`` (seconds for any other
    wait; 600).
    """

    name: ClassVar[str] = "azure"
    nouns: ClassVar[Mapping[str, Callable[[Account], Noun[Any]]]] = NOUNS
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(NOUNS, "needs the actions of docs/permissions/azure.json")

    lacks: ClassVar[Mapping[str, str]] = {
        "LoadBalancer.certificate": "a load balancer at Azure ends no TLS",
        "LoadBalancer.firewalls": "a load balancer at Azure has none; those of its servers hold",
        "DnsZone": _EVERYWHERE,
        "DnsRecord": _EVERYWHERE,
        "Image": "Azure takes a disk's content as a page blob only, and the adapter writes none",
        "BackupPolicy": "Azure takes snapshots by itself by roles that an administrator has to give to a vault first",
        "Bucket.encryptionKey": "the adapter makes no keys; objects are encrypted with the platform's",
        "EncryptionKey": "Azure copies what a vault holds to another location by itself",
        "Volume.encryptionKey": "the adapter makes no keys; disks are encrypted with the platform's",
        "Server.bootVolume": "Azure gives a machine that starts from a disk neither key nor first-boot script",
        "Server.apart": "an availability set is in no zone, and beyond its three domains servers may share a machine",
    }

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported and no call is made yet.

        Raises:
            MissingTool: The SDK is not installed.
        """
        missing = _missing()
        if missing:
            raise MissingTool(
                f"the provider azure needs {missing}, which is not installed",
                hint="Run `pip install 'pse-cloud[azure]'`.",
                where=target.place,
            )
        super().__init__(Account(target))

    def find_image(self, name: str) -> FoundImage | None:
        """See `providers.ports.FindsImages`; a name is ``publisher+offer+sku``, and Azure vouches for the publisher."""
        self._account.check()
        found = newest(self._account, name)
        return FoundImage(id=found) if found else None


def _missing() -> str:
    """The first part of the SDK that is not installed; empty when all are."""
    for package in PACKAGES:
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return package.replace(".", "-").removesuffix("-resources")
    return ""
