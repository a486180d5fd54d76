"""An adapter that makes DNS zones and records at its place's own name server, beside what it makes at its cloud."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar

from providers.kit.store import CloudStore
from providers.ports import Provider, Store, Target
from providers.rfc2136.nouns import RecordNoun, ZoneNoun
from providers.rfc2136.server import NameServer

NOUNS = MappingProxyType({"DnsZone": ZoneNoun, "DnsRecord": RecordNoun})
KINDS: Mapping[str, str] = dict.fromkeys(NOUNS, "the TSIG key may update and transfer the zone")


@cache
def named(adapter: type[Provider]) -> type[Provider]:
    """The adapter with both kinds more, at the name server of its target's options."""

    class Named(adapter):  # type: ignore[valid-type, misc]  # mypy takes no class from a variable as a base
        kinds: ClassVar[Mapping[str, str]] = {**adapter.kinds, **KINDS}
        lacks: ClassVar[Mapping[str, str]] = {
            name: reason for name, reason in adapter.lacks.items() if name not in KINDS
        }

        def __init__(self, target: Target) -> None:
            super().__init__(target)
            self._names = NameServer(target)

        def check_options(self) -> None:
            super().check_options()
            self._names.check()

        def store(self, kind: str) -> Store:
            noun: Any = NOUNS.get(kind)
            return CloudStore(self._names, kind, noun(self._names)) if noun else super().store(kind)

        def close(self) -> None:
            self._names.close()
            super().close()

    return Named
