"""The provider of a cloud whose kinds are nouns: a store for each, on one account."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from providers.kit.account import CloudAccount
from providers.kit.noun import Noun
from providers.kit.store import CloudStore
from providers.ports import PortError, Store

A = TypeVar("A", bound=CloudAccount)


class CloudProvider(Generic[A]):
    """What `providers.ports.Provider` asks of every such provider alike.

    Args:
        account: The place.
    """

    name: ClassVar[str]
    nouns: ClassVar[Mapping[str, Callable[[Any], Noun[Any]]]]
    """What it can make."""

    def __init__(self, account: A) -> None:
        """Remember the account; no call is made yet."""
        self._account = account

    def store(self, kind: str) -> Store:
        """The store of one kind.

        Raises:
            PortError: The adapter makes no such kind.
        """
        if kind not in self.nouns:
            raise PortError(f"{self.name} makes no {kind}", reason="invalid", where=self._account.place)
        return CloudStore(self._account, kind, self.nouns[kind](self._account))

    def check_options(self) -> None:
        """See `providers.ports.ChecksOptions`."""
        self._account.check_options()

    def account(self) -> str:
        """See `providers.ports.TellsAccount`."""
        return self._account.account()

    def close(self) -> None:
        """Give back connections; whatever still waits gives up."""
        self._account.close()
