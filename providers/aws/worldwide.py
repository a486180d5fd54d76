"""The provider of Route 53: names only, at a place that is no Region.

Route 53 is one service for the whole world, and its zones and records rest at edges everywhere. So it is a place of its
own in the register, with the country that the register's signers give it, and the gate judges it as any other place.
A place of the provider ``aws`` is a zone of a Region, and makes no names.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

from providers.aws.account import Account
from providers.aws.names import RecordSets, Zones
from providers.aws.sdk import must_be_there
from providers.kit.noun import Noun
from providers.kit.provider import CloudProvider
from providers.ports import PortError, Target
from pse.core.schema import KINDS

HOST = "route53.amazonaws.com"
NOUNS: Mapping[str, Callable[[Account], Noun[Any]]] = MappingProxyType({"DnsZone": Zones, "DnsRecord": RecordSets})


class World(Account):
    """Route 53 as `providers.aws.account.Account` has a zone.

    Args:
        target: The place.
    """

    known_options: ClassVar[frozenset[str]] = frozenset({"profile", "proxy", "wait_s"})
    needed_options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported yet."""
        super().__init__(target)
        # Where its calls are signed for, whatever Region anything else is in.
        self.region = "us-east-1"

    @property
    def here(self) -> str:
        """The service."""
        return "Route 53"

    def check(self) -> None:
        """See that the register's entry can be used; that there is one Route 53 only needs no proof.

        Raises:
            PortError: It cannot.
        """
        self.client("route53")

    def _own_endpoint(self) -> str | None:
        host = urlsplit(self._endpoint).hostname or ""
        if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return self._endpoint or None
        if host != HOST:
            raise PortError(f"{self._endpoint} is not the endpoint of Route 53", reason="invalid", where=self.place)
        return None


class Route53Provider(CloudProvider[World]):
    """See `providers.ports.Provider`. The place is the service; credentials are the SDK's own chain.

    Options of the register's entry: ``profile``, ``proxy`` and ``wait_s``, as `providers.aws.provider.AwsProvider` has
    them.
    """

    name: ClassVar[str] = "route53"
    nouns: ClassVar[Mapping[str, Callable[[Any], Noun[Any]]]] = NOUNS
    kinds: ClassVar[Mapping[str, str]] = dict.fromkeys(NOUNS, "needs the actions of docs/permissions/route53.json")
    lacks: ClassVar[Mapping[str, str]] = dict.fromkeys(
        [kind for kind in KINDS if kind not in NOUNS], "Route 53 has names and nothing else"
    )

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported and no call is made yet.

        Raises:
            MissingTool: The SDK is not installed.
        """
        must_be_there(self.name, target.place)
        super().__init__(World(target))
