"""The adapter of Google Cloud."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, ClassVar

from providers.google.account import Account
from providers.google.buckets import Buckets
from providers.google.copies import BackupPolicies, Snapshots
from providers.google.disks import Attachments, Volumes
from providers.google.firewalls import Firewalls
from providers.google.images import resolve
from providers.google.keys import KeyPairs
from providers.google.kms import EncryptionKeys
from providers.google.network import Networks, Subnets
from providers.google.outside import Addresses, Routers
from providers.google.servers import Servers
from providers.kit.noun import Noun
from providers.kit.provider import CloudProvider
from providers.ports import FoundImage, PortError, Target
from pse.core.errors import MissingTool

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
        "BackupPolicy": BackupPolicies,
        "Bucket": Buckets,
        "Server": Servers,
        "Attachment": Attachments,
        "Address": Addresses,
    }
)
"""What the adapter can make."""

_EVERYWHERE = "Cloud DNS is no part of a region: it is a place of its own in the register, with the provider clouddns"


class GoogleProvider(CloudProvider[Account]):
    """See `providers.ports.Provider`. One place is one zone of one project; credentials are google-auth's own chain.

    Options of the register's entry: ``project``, ``region`` and ``zone`` (all needed), ``proxy`` (URL),
    ``image_projects`` (projects whose images are found, with commas between; the place's own project),
    ``kms_key`` (for disks and buckets, ``projects/…/locations/…/keyRings/…/cryptoKeys/…``; without it a key of
    Google's, and nobody knows where that is), ``key_ring`` (name of a key ring of the region, for keys that are made),
    ``ssh_user`` (``pse``), ``host_key_wait_s`` (seconds to wait for the host key on a new server's console; 180) and
    ``wait_s`` (seconds for any other wait; 600).
    """

    name: ClassVar[str] = "google"
    nouns: ClassVar[Mapping[str, Callable[[Account], Noun[Any]]]] = NOUNS
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(NOUNS, "needs the permissions of docs/permissions/google.json")

    lacks: ClassVar[Mapping[str, str]] = {
        "LoadBalancer": "the adapter does not make it yet",
        "DnsZone": _EVERYWHERE,
        "DnsRecord": _EVERYWHERE,
        "Image": "Compute Engine imports images from objects of a bucket only, and the adapter writes no objects",
        "Bucket.retentionDays": "a bucket lock of Google's can never be undone, and was never tried with versions",
        "Server.apart": "Google spreads servers over at most eight domains, and beyond them they may share a machine",
    }

    def __init__(self, target: Target) -> None:
        """Remember the target; no library is imported and no call is made yet.

        Raises:
            MissingTool: Google's libraries are not installed.
        """
        must_be_installed(self.name, target.place)
        super().__init__(Account(target))

    def find_image(self, name: str) -> FoundImage | None:
        """See `providers.ports.FindsImages`; an image or a family, of the projects in the option ``image_projects``."""
        self._account.check()
        try:
            found = resolve(self._account, name)
        except PortError as exc:
            if exc.reason != "not-found":
                raise
            return None
        return FoundImage(id=str(found["name"]), created=str(found.get("creationTimestamp", "")))


def must_be_installed(provider: str, where: str) -> None:
    """See that Google's libraries are there.

    Raises:
        MissingTool: They are not.
    """
    if not _installed():
        raise MissingTool(
            f"the provider {provider} needs google-auth and google-cloud-compute, which are not installed",
            hint="Run `pip install 'pse-cloud[google]'`.",
            where=where,
        )


def _installed() -> bool:
    """Whether they are; ``google`` alone is a namespace that other packages share."""
    try:
        return all(find_spec(name) is not None for name in ("google.auth", "google.cloud.compute_v1"))
    except ModuleNotFoundError:
        return False
