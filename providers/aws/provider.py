"""The adapter of AWS."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.aws.balancers import LoadBalancers
from providers.aws.buckets import Buckets
from providers.aws.disks import Attachments, Volumes
from providers.aws.encryption import EncryptionKeys
from providers.aws.images import resolve
from providers.aws.keys import KeyPairs
from providers.aws.network import Firewalls, Networks, Subnets
from providers.aws.routers import Addresses, Routers
from providers.aws.sdk import must_be_there
from providers.aws.servers import Servers
from providers.aws.snapshots import Snapshots
from providers.kit.noun import Noun
from providers.kit.provider import CloudProvider
from providers.ports import FoundImage, PortError, Target

NOUNS: Mapping[str, Callable[[Account], Noun[Any]]] = MappingProxyType(
    {
        "Network": Networks,
        "Subnet": Subnets,
        "Router": Routers,
        "Firewall": Firewalls,
        "KeyPair": KeyPairs,
        "EncryptionKey": EncryptionKeys,
        "Volume": Volumes,
        "Snapshot": Snapshots,
        "Bucket": Buckets,
        "Server": Servers,
        "Attachment": Attachments,
        "Address": Addresses,
        "LoadBalancer": LoadBalancers,
    }
)
"""What the adapter can make."""

_GLOBAL = "Route 53 is no part of a Region: it is a place of its own in the register, with the provider route53"


class AwsProvider(CloudProvider[Account]):
    """See `providers.ports.Provider`. One place is one availability zone; credentials are the SDK's own chain.

    Options of the register's entry: ``region`` and ``zone`` (both needed), ``profile`` (of the AWS configuration),
    ``proxy`` (URL), ``image_owners`` (accounts whose images a name finds, with commas between; ``self``),
    ``kms_key`` (for disks; the account's own default key), ``ssh_user`` (``admin``), ``host_key_wait_s`` (seconds to
    wait for the host key on a new server's console; 180) and ``wait_s`` (seconds for any other wait; 600).
    """

    name: ClassVar[str] = "aws"
    nouns: ClassVar[Mapping[str, Callable[[Account], Noun[Any]]]] = NOUNS
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(NOUNS, "needs the actions of docs/permissions/aws.json")

    lacks: ClassVar[Mapping[str, str]] = {
        "DnsZone": _GLOBAL,
        "DnsRecord": _GLOBAL,
        "Image": "EC2 imports an image by a role that an administrator has to make first",
        "BackupPolicy": "EC2 takes snapshots by itself by a role that an administrator has to make first",
        "Server.bootVolume": "an EC2 instance starts from an image only",
    }

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported and no call is made yet.

        Raises:
            MissingTool: The SDK is not installed.
        """
        must_be_there(self.name, target.place)
        super().__init__(Account(target))

    def find_image(self, name: str) -> FoundImage | None:
        """See `providers.ports.FindsImages`; of the accounts in the option ``image_owners``."""
        self._account.check()
        try:
            found = resolve(self._account, name)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            return None
        return FoundImage(id=found["ImageId"], created=found.get("CreationDate", ""))
