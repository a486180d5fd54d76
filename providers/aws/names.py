"""Zones and records of Route 53.

A zone carries its identity in its comment. A record set takes no tags: whose it is stands in its companion
(`providers.kit.dns`), and every change is one batch, which Route 53 does as a whole or not at all. What a batch deletes
it names with all its values, so nothing is overwritten that somebody changed meanwhile.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from providers.aws.account import Account
from providers.kit import dns
from providers.kit.descriptions import read, written
from providers.kit.dns import RecordSet
from providers.kit.noun import Query, Seen
from providers.kit.tags import carries
from providers.ports import Identity, PortError
from pse.core.schema import DnsRecordInputs, DnsZoneInputs, Placement

_ID = re.compile(r"[A-Z0-9]{1,32}", re.ASCII)
_COMMENT = 256
"""Letters of a zone's comment."""
_STAR = "\\052"
"""How Route 53 writes the star of a name that stands for all others."""
_TAKEN = ("already exists", "conflicts with", "not found", "do not match")
"""What InvalidChangeBatch says when the zone is not as the batch takes it to be."""
Raw = Mapping[str, Any]


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


class Records:
    """See `providers.kit.noun.Noun`. The id is ``<zone id>|<TYPE>|<whole name>``; a name and type is there once."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._begun: dict[str, str] = {}

    def make(self, inputs: DnsRecordInputs, identity: Identity) -> str:
        """The record set and its companion, where neither is yet."""
        record = dns.wanted(inputs, self._domain(inputs.zone))
        mark = dns.companion(record, identity, name=inputs.name)
        object_id = dns.record_id(inputs.zone, record)
        created = [_change("CREATE", _raw(record)), _change("CREATE", _raw(mark))]
        try:
            self._change(object_id, created)
        except PortError as exc:
            left = self._left_over(object_id) if exc.reason == "conflict" else None
            if left is None:
                raise
            self._change(object_id, [_change("DELETE", left), *created])
        return object_id

    def finish(self, object_id: str, inputs: DnsRecordInputs) -> None:
        """Bring values and TTL to those wanted, then wait until all name servers have them."""
        record = dns.wanted(inputs, self._domain(inputs.zone))
        live, mark = self._look(object_id)
        if live is not None and _record(live) != record:
            if mark is None or dns.owner(_record(mark).values)[0] is None:
                raise PortError(f"{record.name} is a stranger's", reason="conflict", where=self._account.place)
            # The companion, too: were it another by now, the whole batch would be refused.
            whose = [_change("DELETE", mark), _change("CREATE", mark)]
            self._change(object_id, [_change("DELETE", live), _change("CREATE", _raw(record)), *whose])
        self._await(object_id)

    def seen(self, query: Query, known: DnsRecordInputs | None) -> Iterator[Seen]:
        """ListResourceRecordSets, of one record set and its companion or of every zone."""
        parts = dns.split_id(query.id)
        if query.id and parts is None:
            return
        zones = [parts[0]] if parts else [_plain(raw["Id"]) for raw in self._zones()]
        for zone in zones:
            found = zone_of(self._account, zone)
            if found is None:
                continue
            domain = _name(found["HostedZone"]["Name"])
            raws = [raw for raw in self._look(query.id) if raw] if parts else self._all(zone)
            for pair in dns.paired(domain, map(_record, raws)):
                object_id = dns.record_id(zone, pair.record)
                if query.id in {"", object_id} and carries(pair.identity, query.tags):
                    yield Seen(
                        id=object_id,
                        name=pair.notes.get("name", ""),
                        identity=pair.identity,
                        inputs=dns.told(pair.record, domain, zone, known),
                        placement=(Placement("resource", self._account.place, "set"),),
                    )

    def remove(self, object_id: str) -> None:
        """The record set and its companion, as they were seen."""
        live, mark = self._look(object_id)
        if live is None:
            return
        if mark is None or dns.owner(_record(mark).values)[0] is None:
            raise PortError(f"{_record(live).name} is a stranger's", reason="conflict", where=self._account.place)
        self._change(object_id, [_change("DELETE", live), _change("DELETE", mark)])

    # -- below: the parts --

    def _domain(self, zone: str) -> str:
        found = zone_of(self._account, zone)
        if found is None:
            raise PortError(f"no zone {zone!r} here", reason="not-found", where=self._account.place)
        return _name(found["HostedZone"]["Name"])

    def _look(self, object_id: str) -> tuple[Raw | None, Raw | None]:
        """A record set and its companion.

        Raises:
            PortError: The id is none, or of no zone.
        """
        zone, kind, name = dns.split_id(object_id) or ("", "", "")
        _wanted(zone)
        beside = dns.companion_name(RecordSet(name=name, type=kind, values=(), ttl_s=0))
        return self._one(zone, name, kind), self._one(zone, beside, "TXT")

    def _one(self, zone: str, name: str, kind: str) -> Raw | None:
        start = {"StartRecordName": name, "StartRecordType": kind, "MaxItems": "1"}
        answer = self._account.call("list_resource_record_sets", service="route53", HostedZoneId=zone, **start)
        found: list[dict[str, Any]] = answer["ResourceRecordSets"]
        return next((raw for raw in found if (_name(raw["Name"]), raw["Type"]) == (name, kind)), None)

    def _all(self, zone: str) -> list[Raw]:
        found = self._account.pages(
            "list_resource_record_sets", "ResourceRecordSets", service="route53", HostedZoneId=zone
        )
        return list(found)

    def _zones(self) -> Iterator[Raw]:
        return self._account.pages("list_hosted_zones", "HostedZones", service="route53")

    def _left_over(self, object_id: str) -> Raw | None:
        """A companion whose record set somebody else took away."""
        live, mark = self._look(object_id)
        return mark if live is None and mark is not None and dns.owner(_record(mark).values)[0] is not None else None

    def _change(self, object_id: str, changes: Iterable[Mapping[str, Any]]) -> None:
        zone, _, _ = dns.split_id(object_id) or ("", "", "")
        try:
            answer = self._account.call(
                "change_resource_record_sets",
                service="route53",
                HostedZoneId=zone,
                ChangeBatch={"Changes": list(changes)},
            )
        except PortError as exc:
            if exc.vendor_code != "InvalidChangeBatch" or not any(word in exc.message for word in _TAKEN):
                raise
            raise PortError(exc.message, reason="conflict", vendor_code=exc.vendor_code, where=exc.where) from exc
        self._begun[object_id] = answer["ChangeInfo"]["Id"]

    def _await(self, object_id: str) -> None:
        change = self._begun.pop(object_id, "")

        def done() -> bool | None:
            answer = self._account.call("get_change", service="route53", Id=_plain(change))
            return True if answer["ChangeInfo"]["Status"] == "INSYNC" else None

        if change:
            self._account.until(done, what=f"all name servers to have {object_id}")


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


def _change(action: str, raw: Raw) -> dict[str, Any]:
    return {"Action": action, "ResourceRecordSet": raw}


def _raw(record: RecordSet) -> dict[str, Any]:
    """A record set as Route 53 takes it."""
    values = [{"Value": value} for value in record.values]
    return {"Name": f"{record.name}.", "Type": record.type, "TTL": record.ttl_s, "ResourceRecords": values}


def _record(raw: Raw) -> RecordSet:
    """A record set as Route 53 tells it; one that stands for something at AWS has that for its value."""
    texts = {value["Value"] for value in raw.get("ResourceRecords", ())}
    alias = raw.get("AliasTarget", {}).get("DNSName")
    texts |= {f"alias of {alias}"} if alias else set()
    return RecordSet(
        name=_name(raw["Name"]),
        type=raw["Type"],
        values=tuple(sorted(_spelled(raw["Type"], text) for text in texts)),
        ttl_s=int(raw.get("TTL", 0)),
    )


def _spelled(kind: str, text: str) -> str:
    try:
        return dns.value_of(kind, text)
    except PortError:
        # A stranger's way to write it.
        return text
