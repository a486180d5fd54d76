"""Zones and records of Cloud DNS.

A zone carries its identity in labels, and its name ends in the intent. A record set takes no labels: whose it is stands
in its companion (`providers.kit.dns`), which goes into the same change.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from providers.google.account import Account
from providers.google.marks import labelled
from providers.google.wire import DNS
from providers.kit import dns
from providers.kit.dns import RecordSet
from providers.kit.noun import Query, Seen
from providers.kit.records import Raw, Records
from providers.kit.tags import carries, made_name, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import DnsZoneInputs, Placement

_ID = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


class Zones:
    """See `providers.kit.noun.Noun`. The id is the zone's name, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: DnsZoneInputs, identity: Identity) -> str:
        """managedZones.create, public and without logs."""
        name = made_name(inputs.name, identity)
        body = {
            "name": name,
            "dnsName": f"{dns.domain_of(inputs)}.",
            # Google demands one.
            "description": inputs.name,
            "labels": tags_of(identity),
            "visibility": "public",
        }
        self._account.call("POST", _path(self._account), body, query={}, service=DNS)
        return name

    def finish(self, object_id: str, inputs: DnsZoneInputs) -> None:
        """Nothing: it is usable when it is there, and nothing of it is changed."""

    def seen(self, query: Query, known: DnsZoneInputs | None) -> Iterator[Seen]:
        """managedZones.get, or managedZones.list."""
        one = zone_of(self._account, query.id) if query.id else None
        for raw in ([one] if one else []) if query.id else zones_of(self._account):
            whose = labelled(raw)
            domain = _name(raw["dnsName"])
            same = known is not None and dns.domain_of(known) == domain
            if carries(whose["identity"], query.tags):
                yield Seen(
                    id=raw["name"],
                    **whose,
                    inputs={"domain": known.domain if known is not None and same else domain},
                    outputs={"name_servers": tuple(server.rstrip(".") for server in raw.get("nameServers", ()))},
                    placement=tuple(self._placement(raw)),
                )

    def remove(self, object_id: str) -> None:
        """managedZones.delete; Google refuses one that has records."""
        if _ID.fullmatch(object_id):
            self._account.call("DELETE", f"{_path(self._account)}/{object_id}", query={}, service=DNS)

    def _placement(self, raw: Raw) -> Iterator[Placement]:
        yield Placement("resource", self._account.place, "set")
        if raw.get("cloudLoggingConfig", {}).get("enableLogging"):
            yield Placement("log", "query logs", "unknown")


class RecordSets(Records):
    """See `providers.kit.records.Records`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        super().__init__(account, CloudDns(account))


class CloudDns:
    """See `providers.kit.records.NameService`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def zones(self) -> Iterator[str]:
        """managedZones.list."""
        return (str(raw["name"]) for raw in zones_of(self._account))

    def domain(self, zone: str) -> str | None:
        """managedZones.get."""
        found = zone_of(self._account, zone)
        return _name(found["dnsName"]) if found else None

    def all(self, zone: str) -> Iterator[Raw]:
        """resourceRecordSets.list."""
        return self._account.pages(f"{_path(self._account)}/{zone}/rrsets", items="rrsets", service=DNS)

    def one(self, zone: str, name: str, kind: str) -> Raw | None:
        """resourceRecordSets.list, of one name and type."""
        query = {"name": f"{name}.", "type": kind}
        path = f"{_path(self._account)}/{zone}/rrsets"
        found = self._account.call("GET", path, query=query, service=DNS).get("rrsets", [])
        return next((raw for raw in found if (_name(raw["name"]), raw["type"]) == (name, kind)), None)

    def read(self, raw: Raw) -> RecordSet:
        """One that answers by a policy has that for its value."""
        texts = {str(text) for text in raw.get("rrdatas", ())} or {"routing policy"}
        return dns.live(_name(raw["name"]), raw["type"], texts, int(raw.get("ttl", 0)))

    def write(self, record: RecordSet) -> Raw:
        """As a change takes it."""
        return {"name": f"{record.name}.", "type": record.type, "ttl": record.ttl_s, "rrdatas": list(record.values)}

    def change(self, zone: str, gone: list[Raw], new: list[Raw]) -> str:
        """changes.create, without what would go and come back as it is: a change has to change all that it names."""
        body = {
            "deletions": [_sent(raw) for raw in gone if raw not in new],
            "additions": [_sent(raw) for raw in new if raw not in gone],
        }
        try:
            answer = self._account.call("POST", f"{_path(self._account)}/{zone}/changes", body, query={}, service=DNS)
        except PortError as exc:
            # Not found is one that it takes away: the zone itself was looked at just before.
            if exc.reason != "not-found":
                raise
            raise PortError(exc.message, reason="conflict", vendor_code=exc.vendor_code, where=exc.where) from exc
        with self._account.errors():
            return str(answer["id"])

    def served(self, zone: str, change: str) -> bool:
        """changes.get."""
        path = f"{_path(self._account)}/{zone}/changes/{change}"
        answer = self._account.call("GET", path, query={}, service=DNS)
        with self._account.errors():
            return bool(answer["status"] == "done")


def zones_of(account: Account) -> Iterator[dict[str, Any]]:
    """All zones of the project."""
    return account.pages(_path(account), items="managedZones", service=DNS)


def zone_of(account: Account, object_id: str) -> dict[str, Any] | None:
    """A zone; None when there is none of that id."""
    if not _ID.fullmatch(object_id):
        return None
    try:
        return account.call("GET", f"{_path(account)}/{object_id}", query={}, service=DNS)
    except PortError as exc:
        if exc.reason != "not-found":
            raise
        return None


def _path(account: Account) -> str:
    return f"projects/{account.project}/managedZones"


def _sent(raw: Raw) -> dict[str, Any]:
    """A record set without what Google adds to it."""
    return {name: raw[name] for name in ("name", "type", "ttl", "rrdatas", "routingPolicy") if name in raw}


def _name(raw: str) -> str:
    return raw.lower().removesuffix(".")
