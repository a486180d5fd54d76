"""Whose turn it is: many hosts at once, few of one subnet and few through one jump host, and failed ones again later.

Each worker takes a host, asks it and gives it back. What is limited is a place: the subnet of an address (a /24 of
IPv4, a /64 of IPv6), and the first jump host on the way, whose sshd takes only so many log-ins at once.
"""

import ipaddress
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping

from inventory.hosts import HostEntry
from pse.core.settings import DiscoverySettings

_JITTER = 0.5
"""A pause before another attempt is up to this share longer, so that what failed together does not come together."""


class Turns:
    """Hands hosts to workers. Safe to use from many threads.

    Args:
        entries: Whom to ask.
        every: All hosts by name, jump hosts included.
        settings: Limits, retries and pauses.
    """

    def __init__(
        self, entries: Iterable[HostEntry], every: Mapping[str, HostEntry], settings: DiscoverySettings
    ) -> None:
        """Nothing is handed out yet."""
        self._settings = settings
        self._changed = threading.Condition()
        self._waiting: dict[tuple[str, ...], deque[HostEntry]] = {}
        self._later: list[tuple[float, HostEntry]] = []
        self._busy: Counter[str] = Counter()
        self._out = 0
        self._tried: Counter[str] = Counter()
        self._places: dict[str, tuple[str, ...]] = {}
        self._closed = False
        for entry in entries:
            self._places[entry.name] = tuple(_places(entry, every, settings))
            self._waiting.setdefault(self._places[entry.name], deque()).append(entry)

    def take(self) -> HostEntry | None:
        """The next host; waits for one that may be asked. None when there is nothing more to do."""
        with self._changed:
            while not self._closed:
                self._wake()
                for places, hosts in self._waiting.items():
                    if hosts and all(self._busy[place] < self._limit(place) for place in places):
                        self._busy.update(places)
                        self._out += 1
                        self._waiting[places] = self._waiting.pop(places)  # the next time others come first
                        return hosts.popleft()
                if not self._out and not self._later:
                    return None
                self._changed.wait(min(at for at, _ in self._later) - time.monotonic() if self._later else None)
            return None

    def give_back(self, entry: HostEntry, *, again: bool) -> bool:
        """``entry`` was asked. True when it comes again, which it does at most `DiscoverySettings.retries` times."""
        with self._changed:
            self._busy.subtract(self._places[entry.name])
            self._out -= 1
            tried = self._tried[entry.name]
            comes = again and tried < self._settings.retries and not self._closed
            if comes:
                self._tried[entry.name] += 1
                pause = self._settings.backoff_s * 2**tried * random.uniform(1, 1 + _JITTER)  # noqa: S311 - no secret
                self._later.append((time.monotonic() + pause, entry))
            self._changed.notify_all()
            return comes

    def close(self) -> None:
        """Hand out no more hosts."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wake(self) -> None:
        now = time.monotonic()
        for at, entry in [item for item in self._later if item[0] <= now]:
            self._later.remove((at, entry))
            self._waiting.setdefault(self._places[entry.name], deque()).append(entry)

    def _limit(self, place: str) -> int:
        return self._settings.per_bastion if place.startswith("via ") else self._settings.per_subnet


def _places(entry: HostEntry, every: Mapping[str, HostEntry], settings: DiscoverySettings) -> Iterable[str]:
    """What limits a host, named: a host behind a jump host is limited by that, whose network it is in."""
    first = entry
    while first.jump:
        first = every[first.jump]
    if first is not entry:
        if settings.per_bastion:
            yield f"via {first.name}"
    elif settings.per_subnet and (subnet := subnet_of(entry.address)):
        yield subnet


def subnet_of(address: str) -> str:
    """The /24 or /64 that ``address`` is in; empty for a DNS name."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))
