"""The neutral resources as Pulumi classes: what a program writes down. No cloud is known here.

The inputs repeat `pse.core.schema` with their types, so that an editor and mypy see them; a test holds the two equal.
Importing this package imports Pulumi, which takes half a second: import it in programs only.
"""

from collections.abc import Mapping

from providers.sdk.base import Neutral
from providers.sdk.compute import Attachment, Image, KeyPair, Server
from providers.sdk.functions import get_image, get_price, get_shape
from providers.sdk.names import DnsRecord, DnsZone
from providers.sdk.network import Address, Firewall, LoadBalancer, Network, Router, Subnet
from providers.sdk.provider import Provider
from providers.sdk.storage import BackupPolicy, Bucket, EncryptionKey, Snapshot, Volume

__all__ = [
    "CLASSES",
    "Address",
    "Attachment",
    "BackupPolicy",
    "Bucket",
    "DnsRecord",
    "DnsZone",
    "EncryptionKey",
    "Firewall",
    "Image",
    "KeyPair",
    "LoadBalancer",
    "Network",
    "Neutral",
    "Provider",
    "Router",
    "Server",
    "Snapshot",
    "Subnet",
    "Volume",
    "get_image",
    "get_price",
    "get_shape",
]

CLASSES: Mapping[str, type[Neutral]] = {
    cls.kind: cls
    for cls in (
        Network,
        Subnet,
        Router,
        Firewall,
        KeyPair,
        EncryptionKey,
        Image,
        Volume,
        Snapshot,
        BackupPolicy,
        Bucket,
        Server,
        Attachment,
        Address,
        LoadBalancer,
        DnsZone,
        DnsRecord,
    )
}
"""The class of each kind of the schema."""
