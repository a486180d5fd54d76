"""Zones and records of Route 53.

A zone carries its identity in its comment. A record set takes no tags: whose it is stands in its companion
(`providers.kit.dns`), and every change is one batch, which Route 53 does as a whole or not at all. What a batch deletes
it names with all its values, so nothing is overwritten that somebody changed meanwhile.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.kit import dns
from providers.kit.descriptions import read, written
from providers.kit.dns import RecordSet
from providers.kit.noun import Query, Seen
from providers.kit.records import Raw, Records
from providers.kit.tags import carries
from providers.ports import Identity, PortError
from pse.core.schema import DnsZoneInputs, Placement

_ID = re.compile(r"[A-Z0-9]{1,32}", re.ASCII)
_COMMENT = 256
"""Letters of a zone's comment."""
_STAR = "\\052"
"""How Route 53 writes the star of a name that stands for all others."""
_TAKEN = ("already exists", "conflicts with", "not found", "do not match")
"""What InvalidChangeBatch says when the zone is not as the batch takes it to be."""


class Zones:
    """See `providers.kit.noun.Noun`. The intent is the CallerReference, which Route 53 takes once."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: DnsZoneInputs, identity: Identity) -> str:
        """CreateHostedZone, public."""
        made = self._account.call(
            "create_hosted_zone",
            service="route53",
            Name=f"{dns.domain_of(inputs)}.",
            CallerReference=identity.op,
            HostedZoneConfig={"Comment": written(identity, most=_COMMENT, name=inputs.name), "PrivateZone": False},
        )
        return _plain(made["HostedZone"]["Id"])

    def finish(self, object_id: str, inputs: DnsZoneInputs) -> None:
        """Nothing: its name servers answer within a minute, and nothing of it is changed."""

    def seen(self, query: Query, known: DnsZoneInputs | None) -> Iterator[Seen]:
        """GetHostedZone, of each in ListHostedZones that is meant."""
        for object_id in [query.id] if query.id else list(self._meant(query.tags)):
            found = zone_of(self._account, object_id)
            if found is None:
                continue
            identity, notes = _comment(found["HostedZone"])
            domain = _name(found["HostedZone"]["Name"])
            same = known is not None and dns.domain_of(known) == domain
            yield Seen(
                id=object_id,
                name=notes.get("name", ""),
                identity=identity,
                inputs={"domain": known.domain if known is not None and same else domain},
                outputs={"name_servers": tuple(found.get("DelegationSet", {}).get("NameServers", ()))},
                placement=(Placement("resource", self._account.place, "set"),),
            )

    def remove(self, object_id: str) -> None:
        """DeleteHostedZone; Route 53 refuses one that has records."""
        _wanted(object_id)
        self._account.call("delete_hosted_zone", service="route53", Id=object_id)

    def _meant(self, tags: Mapping[str, str]) -> Iterator[str]:
        for raw in self._account.pages("list_hosted_zones", "HostedZones", service="route53"):
            if carries(_comment(raw)[0], tags):
                yield _plain(raw["Id"])


class RecordSets(Records):
    """See `providers.kit.records.Records`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        super().__init__(account, Route53(account))


class Route53:
    """See `providers.kit.records.NameService`."""

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def zones(self) -> Iterator[str]:
        """ListHostedZones."""
        for raw in self._account.pages("list_hosted_zones", "HostedZones", service="route53"):
            yield _plain(raw["Id"])

    def domain(self, zone: str) -> str | None:
        """GetHostedZone."""
        found = zone_of(self._account, zone)
        return _name(found["HostedZone"]["Name"]) if found else None

    def all(self, zone: str) -> Iterator[Raw]:
        """ListResourceRecordSets."""
        operation, key = "list_resource_record_sets", "ResourceRecordSets"
        return self._account.pages(operation, key, service="route53", HostedZoneId=zone)

    def one(self, zone: str, name: str, kind: str) -> Raw | None:
        """ListResourceRecordSets, from there on."""
        start = {"StartRecordName": name, "StartRecordType": kind, "MaxItems": "1"}
        answer = self._account.call("list_resource_record_sets", service="route53", HostedZoneId=zone, **start)
        found: list[dict[str, Any]] = answer["ResourceRecordSets"]
        return next((raw for raw in found if (_name(raw["Name"]), raw["Type"]) == (name, kind)), None)

    def read(self, raw: Raw) -> RecordSet:
        """One that stands for something at AWS has that for its value."""
        alias = raw.get("AliasTarget", {}).get("DNSName")
        texts = {str(value["Value"]) for value in raw.get("ResourceRecords", ())}
        texts |= {f"alias of {alias}"} if alias else set()
        return dns.live(_name(raw["Name"]), raw["Type"], texts, int(raw.get("TTL", 0)))

    def write(self, record: RecordSet) -> Raw:
        """As a batch takes it."""
        values = [{"Value": value} for value in record.values]
        return {"Name": f"{record.name}.", "Type": record.type, "TTL": record.ttl_s, "ResourceRecords": values}

    def change(self, zone: str, gone: list[Raw], new: list[Raw]) -> str:
        """ChangeResourceRecordSets."""
        batch = [{"Action": "DELETE", "ResourceRecordSet": raw} for raw in gone]
        batch += [{"Action": "CREATE", "ResourceRecordSet": raw} for raw in new]
        try:
            answer = self._account.call(
                "change_resource_record_sets", service="route53", HostedZoneId=zone, ChangeBatch={"Changes": batch}
            )
        except PortError as exc:
            if exc.vendor_code != "InvalidChangeBatch" or not any(word in exc.message for word in _TAKEN):
                raise
            raise PortError(exc.message, reason="conflict", vendor_code=exc.vendor_code, where=exc.where) from exc
        return _plain(answer["ChangeInfo"]["Id"])

    def served(self, zone: str, change: str) -> bool:  # noqa: ARG002  (a change is known by its id alone)
        """GetChange."""
        answer = self._account.call("get_change", service="route53", Id=change)
        return bool(answer["ChangeInfo"]["Status"] == "INSYNC")


def zone_of(account: Account, object_id: str) -> dict[str, Any] | None:
    """GetHostedZone; None when there is none."""
    if not _ID.fullmatch(object_id):
        return None
    try:
        # Not by `Account.call`, which is patient with what was made just now: not being there is an answer here.
        with account.errors():
            found: dict[str, Any] = account.client("route53").get_hosted_zone(Id=object_id)
            return found
    except PortError as exc:
        if exc.reason != "not-found":
            raise
        return None


def _wanted(zone: str) -> None:
    if not _ID.fullmatch(zone):
        raise PortError(f"no zone {zone!r} here", reason="not-found")


def _plain(path: str) -> str:
    """The id at the end of ``/hostedzone/…`` or ``/change/…``."""
    return path.rpartition("/")[2]


def _name(raw: str) -> str:
    return raw.lower().removesuffix(".").replace(_STAR, "*")


def _comment(zone: Raw) -> tuple[Identity | None, Mapping[str, str]]:
    return read(zone.get("Config", {}).get("Comment"))
