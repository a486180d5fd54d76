"""A zone of its own at a real name server, and short ways to ask for things in it."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from providers.ports import Identity, Made, PortError, Provider, Store, Target
from providers.registry import fitted
from pse.core.schema import DnsRecordInputs, DnsZoneInputs
from tests.nameserver import NameServer

PLACE = "sample-markhor/islamabad/ict-1"
_number, _domain = itertools.count(1), itertools.count(1)


class Desk:
    """A zone of its own, and short ways to ask for things in it."""

    def __init__(self, server: NameServer, root: Path) -> None:
        self.server = server
        self.root = root
        self.domain = f"t{next(_domain)}.example"

    def provider(self, **options: str) -> Provider:
        given = {**self.server.options, "dns_zones": self.domain, **options}
        target = Target(place=PLACE, country="PK", endpoint="lab:test", workspace=self.root, options=given)
        return fitted("lab", given)(target)

    def records(self, **options: str) -> Store:
        return self.provider(**options).store("DnsRecord")

    def zones(self, **options: str) -> Store:
        return self.provider(**options).store("DnsZone")

    def claim(self, identity: Identity | None = None) -> Made:
        return self.zones().create(self.zone(), identity=identity or new())

    def zone(self) -> DnsZoneInputs:
        return DnsZoneInputs(name="zone", workload="portal", place=PLACE, domain=self.domain)

    def record(self, **changes: Any) -> DnsRecordInputs:
        given: Mapping[str, Any] = {"label": "www", "type": "A", "values": ("192.0.2.1",), **changes}
        return DnsRecordInputs(name="record", workload="portal", place=PLACE, zone=self.domain, **given)

    def add(self, label: str, kind: str, *values: str) -> None:
        """Somebody else's work."""
        update = self.server.update(self.domain)
        update.add(f"{label}.{self.domain}.", 60, kind, *values)
        self.server.send(update)

    def delete(self, label: str, kind: str) -> None:
        update = self.server.update(self.domain)
        update.delete(f"{label}.{self.domain}.", kind)
        self.server.send(update)

    def says(self, label: str, kind: str) -> list[str]:
        return self.server.says(f"{label}.{self.domain}", kind)


def new(stack: str = "portal-0123456789ab") -> Identity:
    return Identity(stack=stack, urn=f"{next(_number):032x}", op=f"{next(_number):032x}")


def refused(call: Any, *args: Any, **words: Any) -> PortError:
    with pytest.raises(PortError) as caught:
        call(*args, **words)
    return caught.value
