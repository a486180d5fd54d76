"""The provider of Azure DNS: names only, at a place that is no location.

Azure DNS is one service for the whole world (its zones are in the location ``global``), so it is a place of its own in
the register (docs/adr/0014-a-service-of-the-whole-world.md). A place of the provider ``azure`` makes no names.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from providers.azure.account import Account
from providers.azure.dnsnames import Records, Zones
from providers.azure.sdk import must_be_there
from providers.kit.noun import Noun
from providers.kit.provider import CloudProvider
from providers.ports import Target
from pse.core.schema import KINDS

NOUNS: Mapping[str, Callable[[Account], Noun[Any]]] = MappingProxyType({"DnsZone": Zones, "DnsRecord": Records})


class World(Account):
    """Azure DNS as `providers.azure.account.Account` has a location."""

    known_options: ClassVar[frozenset[str]] = frozenset({"subscription", "resource_group", "proxy", "wait_s"})
    needed_options: ClassVar[tuple[str, ...]] = ("subscription", "resource_group")

    @property
    def here(self) -> str:
        """The service."""
        return "Azure DNS"

    def is_right(self, location: str) -> bool:  # noqa: ARG002  (the base class's signature)
        """Wherever the resource group is: the zones are in all the world."""
        return True


class AzureDnsProvider(CloudProvider[World]):
    """See `providers.ports.Provider`. The place is the service; credentials are the SDK's own chain.

    Options of the register's entry: ``subscription`` and ``resource_group`` (both needed), ``proxy`` and ``wait_s``, as
    `providers.azure.provider.AzureProvider` has them.
    """

    name: ClassVar[str] = "azuredns"
    nouns: ClassVar[Mapping[str, Callable[[Any], Noun[Any]]]] = NOUNS
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(NOUNS, "needs the actions of docs/permissions/azuredns.json")
    lacks: ClassVar[Mapping[str, str]] = dict.fromkeys(
        [kind for kind in KINDS if kind not in NOUNS], "Azure DNS has names and nothing else"
    )

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported and no call is made yet.

        Raises:
            MissingTool: The SDK is not installed.
        """
        must_be_there(self.name, target.place)
        super().__init__(World(target))
