"""The adapter of OpenStack."""

import threading
from collections.abc import Mapping
from typing import ClassVar

from providers.ports import FoundImage, PortError, Provider, Store, Target
from providers.rfc2136 import UNNAMED, by_options


class OpenStackProvider:
    """See `providers.ports.Provider`.

    Endpoint of the register's entry: address of the identity service, ``https://identity.example.pk/v3``. Credentials
    come from `clouds.yaml` or ``OS_…`` and have to be of this very address.

    Options of the register's entry:

    - ``region``: region of the place; has to be there.
    - ``availability_zone``: zone of servers, and of volumes unless ``volume_zone`` names theirs; has to be there.
    - ``cloud``: entry of clouds.yaml; else ``OS_CLOUD`` or ``OS_…`` count.
    - ``external_network``: name or id of the network that routers lead out to; only routers need it.
    - ``object_policy``: storage policy whose rings lie at this place alone; only buckets need it.
    - ``domain``: domains, separated by commas, that the catalogue's addresses may be in, beside the identity's host.
    - ``image.<name>``, ``shape.<name>``, ``storage.<name>``: the cloud's name or id of an image, its name of a flavour
      or of a volume type, where it is not the price book's.
    - ``ssh_user``: account that the key opens; else the image's ``os_admin_user`` or ``os_distro``, else ``root``.
    - ``host_key_s``: seconds to wait for the host key in a new server's console (120); 0 for one look.
    - ``boot_s``: seconds that a server may take until it is active (900).
    - those of `providers.rfc2136`: the place's own name server, since not every cloud has Designate.
    """

    name: ClassVar[str] = "openstack"
    kinds: ClassVar[Mapping[str, str]] = {
        "Network": "role member: Neutron networks",
        "Subnet": "role member: Neutron subnets",
        "Firewall": "role member: Neutron security groups",
        "KeyPair": "role member: Nova key pairs, which belong to the user",
        "Volume": "role member: Cinder volumes",
        "Server": "role member: Nova servers and Neutron ports",
        "Attachment": "role member: Nova volume attachments",
        "Router": "role member: Neutron routers",
        "Address": "role member: Neutron floating IPs",
        "Snapshot": "role member: Cinder snapshots",
        "Image": "role member: Glance images of the project",
        "LoadBalancer": "role member, or load-balancer_member: Octavia load balancers",
        "Bucket": "role member, where the object store takes it for an operator: Swift containers",
    }
    lacks: ClassVar[Mapping[str, str]] = {
        **UNNAMED,
        "BackupPolicy": "Cinder takes no snapshots by itself",
        "EncryptionKey": "not every cloud has Barbican; a volume type says how its volumes are encrypted",
        "LoadBalancer.certificate": "Octavia takes certificates from Barbican, which not every cloud has",
        "Bucket.retentionDays": "Swift lets whoever may write delete too",
        "Bucket.encryptionKey": "the operator encrypts the object store, or does not",
        "Volume.iops": "the volume type gives the speed",
        "Volume.encryptionKey": "the volume type says how its volumes are encrypted",
    }

    @classmethod
    def by_options(cls, options: Mapping[str, str]) -> type[Provider]:
        """See `providers.ports.ByOptions`."""
        return by_options(cls, options)

    def __init__(self, target: Target) -> None:
        """Remember the target; no call is made yet."""
        from providers.openstack.account import Account

        self._account = Account(target)
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}

    def check_options(self) -> None:
        """See `providers.ports.ChecksOptions`."""
        self._account.check_options()

    def store(self, kind: str) -> Store:
        """The store of one kind.

        Raises:
            PortError: There is no such kind.
        """
        if kind not in self.kinds:
            raise PortError(f"OpenStack makes no {kind} here", reason="invalid", where=self._account.place)
        from providers.openstack.stores import OpenStackStore

        with self._lock:
            # Kept, and with it what it has learnt of images and flavours.
            return self._stores.setdefault(kind, OpenStackStore(self._account, kind))

    def find_image(self, name: str) -> FoundImage | None:
        """See `providers.ports.FindsImages`; of the project itself or the operator."""
        from providers.openstack.errors import port_errors
        from providers.openstack.images import Images

        with port_errors(self._account.place):
            found = Images(self._account).newest(name)
            return None if found is None else FoundImage(id=found["id"], created=str(found.get("created_at", "")))

    def offers(self) -> tuple[Mapping[str, str], ...]:
        """See `providers.ports.TellsOffers`: flavours and volume types that the credentials may use."""
        from providers.openstack.errors import port_errors
        from providers.openstack.offers import offered

        with port_errors(self._account.place):
            return tuple(offered(self._account))

    def account(self) -> str:
        """See `providers.ports.TellsAccount`: the credentials' project, and the region."""
        from providers.openstack.errors import port_errors

        with port_errors(self._account.place):
            project = self._account.client.project
            return f"{project}/{self._account.client.region}" if project else ""

    def close(self) -> None:
        """Give back connections; whoever waits gives up."""
        self._account.closed.set()
        self._account.client.close()
