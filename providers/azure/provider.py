"""The adapter of Azure."""

from collections.abc import Callable, Mapping
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
from providers.azure.sdk import must_be_there
from providers.azure.servers import Servers
from providers.kit.noun import Noun
from providers.kit.provider import CloudProvider
from providers.ports import FoundImage, Target

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
_EVERYWHERE = "Azure DNS is in no location: it is a place of its own in the register, with the provider azuredns"


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
        must_be_there(self.name, target.place)
        super().__init__(Account(target))

    def find_image(self, name: str) -> FoundImage | None:
        """See `providers.ports.FindsImages`; a name is ``publisher+offer+sku``, and Azure vouches for the publisher."""
        self._account.check()
        found = newest(self._account, name)
        return FoundImage(id=found) if found else None
