"""Where the adapters are killed: a cloud that runs here, how it is reached, and a listing that trusts no adapter.

An adapter joins `make chaos-providers` by one class here, or by one in a module of its own, and its row in
`tests.chaos.arenas.ARENAS`.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from providers.conformance import Trouble
from tests.chaos.program import Names
from tests.fakes.hostile import Answer, Forward, Hold, Hostile, Request
from tests.providers.house import House

Standing = Mapping[str, Sequence[str]]
"""Names or ids by sort."""


class Arena(ABC):
    """One adapter's cloud; a class method opens it.

    Attributes:
        provider: Name of the adapter.
        endpoint: What the register's entry says.
        options: The same.
        names: What the place calls things.
        proxies: Before the cloud's servers, where it has any: they tell and hold calls.
        patience_s: Seconds in which an engine surely has come to ask the cloud for something.
    """

    provider: ClassVar[str]
    endpoint: str
    options: Mapping[str, str] = {}
    names: Names = Names()
    proxies: Sequence[Hostile] = ()
    patience_s: float = 12.0

    @classmethod
    @abstractmethod
    @contextmanager
    def open(cls, folder: Path) -> "Iterator[Arena]":
        """Start what is needed, with credentials in the environment; ends with the block.

        Args:
            folder: For logs.
        """

    @abstractmethod
    def standing(self, house: House) -> Standing:
        """What the account holds, asked without the adapter; sorts that are empty are left out."""

    @abstractmethod
    def trouble(self, house: House) -> Trouble:
        """How the cloud misbehaves for a workspace that works with it."""

    def changes(self, request: Request) -> bool:
        """Whether a call may change something."""
        return request.method not in {"GET", "HEAD"}

    def changing(self) -> int:
        """How many calls that may change something came since the proxies were calm."""
        return sum(self.changes(request) for proxy in self.proxies for request in list(proxy.requests))

    def calm(self) -> None:
        """Take all faults away and forget what was asked."""
        for proxy in self.proxies:
            proxy.calm()


class NthCall:
    """Holds one call: the n-th that may change something, over all proxies of an arena.

    Args:
        arena: Whose.
        number: Which call, from 1.
        after: On which side of its effect.
    """

    def __init__(self, arena: Arena, number: int, *, after: bool) -> None:
        self.hold = Hold(after=after)
        self._left = number
        self._lock = threading.Lock()
        for proxy in arena.proxies:
            proxy.plant(self._layer, when=arena.changes, times=1_000_000)

    def _layer(self, request: Request, forward: Forward) -> Answer | None:
        with self._lock:
            self._left -= 1
            mine = self._left == 0
        return self.hold(request, forward) if mine else forward(request)
