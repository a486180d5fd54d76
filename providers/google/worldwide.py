"""The provider of Cloud DNS: names only, at a place that is no region (docs/adr/0014)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from providers.google.account import Account
from providers.google.names import RecordSets, Zones
from providers.google.provider import must_be_installed
from providers.kit.noun import Noun
from providers.kit.provider import CloudProvider
from providers.ports import Target
from pse.core.schema import KINDS

NOUNS: Mapping[str, Callable[[Any], Noun[Any]]] = MappingProxyType({"DnsZone": Zones, "DnsRecord": RecordSets})


class World(Account):
    """Cloud DNS of one project as `providers.google.account.Account` has a zone."""

    known_options: ClassVar[frozenset[str]] = frozenset({"project", "proxy", "wait_s"})
    needed_options: ClassVar[tuple[str, ...]] = ("project",)

    @property
    def here(self) -> str:
        """The service."""
        return "Cloud DNS"

    def check(self) -> None:
        """See that the register's entry can be used; that there is one Cloud DNS only needs no proof.

        Raises:
            PortError: It cannot.
        """
        self.check_options()
        self._wire.open()


class CloudDnsProvider(CloudProvider[World]):
    """See `providers.ports.Provider`. The place is the service, for one project; credentials are google-auth's chain.

    Options of the register's entry: ``project`` (needed), ``proxy`` and ``wait_s``, as
    `providers.google.provider.GoogleProvider` has them.
    """

    name: ClassVar[str] = "clouddns"
    nouns: ClassVar[Mapping[str, Callable[[Any], Noun[Any]]]] = NOUNS
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(NOUNS, "needs the permissions of docs/permissions/clouddns.json")
    lacks: ClassVar[Mapping[str, str]] = dict.fromkeys(
        [kind for kind in KINDS if kind not in NOUNS], "Cloud DNS has names and nothing else"
    )

    def __init__(self, target: Target) -> None:
        """Remember the target; no library is imported and no call is made yet.

        Raises:
            MissingTool: Google's libraries are not installed.
        """
        must_be_installed(self.name, target.place)
        super().__init__(World(target))
