"""Zones and records of Azure DNS.

A zone has tags and a record set has metadata, so each says itself whose it is. A domain is there once in a resource
group, and a name and type once in a zone: a PUT that must be the first takes nobody's place, and one that changes or
deletes says which state it means.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.azure.account import NEW, Account
from providers.azure.names import ZONE, last, tags_of
from providers.kit import dns
from providers.kit.dns import RecordSet
from providers.kit.noun import Query, Seen
from providers.kit.tags import identity_of
from providers.kit.tags import tags_of as identity_tags
from providers.ports import Identity, PortError
from pse.core.schema import DnsRecordInputs, DnsZoneInputs, Placement

NAMED = "pse-name"
"""Tag, and word of the metadata: the name that was wanted."""
_CALLS = "dns.record_sets"
Raw = Mapping[str, Any]


class Zones:
    """See `providers.kit.noun.Noun`. A PUT takes nobody's place."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: DnsZoneInputs, identity: Identity) -> str:
        """PUT of a public zone."""
        object_id = self._account.path(ZONE, dns.domain_of(inputs))
        tags = {**identity_tags(identity), NAMED: inputs.name}
        self._account.put(object_id, {"location": "global", "tags": tags, "properties": {"zoneType": "Public"}}, NEW)
        return object_id

    def finish(self, object_id: str, inputs: DnsZoneInputs) -> None:
        """Nothing: it is there when its PUT is answered, and nothing of it is changed."""

    def seen(self, query: Query, known: DnsZoneInputs | None) -> Iterator[Seen]:
        """One, or all of the resource group."""
        one = self._account.get(query.id, ZONE) if query.id else None
        for raw in self._account.all(ZONE) if not query.id else [one] if one else []:
            identity, domain = identity_of(tags_of(raw)), str(raw["name"]).lower()
            same = known is not None and dns.domain_of(known) == domain
            servers = (str(name).removesuffix(".") for name in raw["properties"].get("nameServers") or ())
            yield Seen(
                id=self._account.path(ZONE, domain),
                name=tags_of(raw).get(NAMED, "") if identity else "",
                identity=identity,
                inputs={"domain": known.domain if known is not None and same else domain},
                outputs={"name_servers": tuple(servers)},
                placement=_placement(self._account, raw),
            )

    def remove(self, object_id: str) -> None:
        """DELETE of an empty zone: Azure would take its records with it."""
        if self._account.get(object_id, ZONE) is not None:
            for raw in _sets(self._account, object_id):
                said = f"{last(object_id)} has records of {raw['name']}"
                raise PortError(said, reason="in-use", vendor_code="ZoneNotEmpty", where=self._account.place)
        self._account.delete(object_id, ZONE)


class Records:
    """See `providers.kit.noun.Noun`. The id is ``<zone id>|<TYPE>|<whole name>``; a name and type is there once."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: DnsRecordInputs, identity: Identity) -> str:
        """PUT of the record set with its metadata, where there is none."""
        domain = str(self._account.needed(inputs.zone, ZONE)["name"]).lower()
        record = dns.wanted(inputs, domain)
        self._put(record, domain, {**identity_tags(identity), NAMED: inputs.name}, NEW)
        return dns.record_id(inputs.zone, record)

    def finish(self, object_id: str, inputs: DnsRecordInputs) -> None:
        """Bring values and TTL to those wanted, if it still is as it was seen."""
        raw = self._one(object_id)
        if raw is None:
            return
        domain = self._where(object_id)[0]
        record = dns.wanted(inputs, domain)
        if record_of(raw, domain) != record:
            self._put(record, domain, _metadata(self._ours(raw)), {"If-Match": str(raw["etag"])})

    def seen(self, query: Query, known: DnsRecordInputs | None) -> Iterator[Seen]:
        """One record set, or those of every zone, without what is the zone's own."""
        parts = dns.split_id(query.id)
        if query.id and parts is None:
            return
        zones = [self._account.get(parts[0], ZONE)] if parts else list(self._account.all(ZONE))
        for zone in zones:
            if zone is None:
                continue
            domain, at = str(zone["name"]).lower(), self._account.path(ZONE, str(zone["name"]).lower())
            one = self._one(query.id) if parts else None
            for raw in [one] if one else [] if parts else _sets(self._account, at):
                record, words = record_of(raw, domain), _metadata(raw)
                identity = identity_of(words)
                yield Seen(
                    id=dns.record_id(at, record),
                    name=words.get(NAMED, "") if identity else "",
                    identity=identity,
                    inputs=dns.told(record, domain, at, known),
                    placement=_placement(self._account, zone),
                )

    def remove(self, object_id: str) -> None:
        """DELETE, if it still is as it was seen."""
        raw = self._one(object_id)
        if raw is not None:
            etag = {"If-Match": str(self._ours(raw)["etag"])}
            self._account.change(f"{_CALLS}.delete", *self._where(object_id), headers=etag)

    # -- below: the parts --

    def _put(self, record: RecordSet, domain: str, words: Mapping[str, str], headers: Mapping[str, str]) -> None:
        body = {"properties": {"TTL": record.ttl_s, "metadata": dict(words), **_body(record, self._account.place)}}
        label = dns.label_of(record.name, domain)
        self._account.change(f"{_CALLS}.create_or_update", domain, label, record.type, body, headers=headers)

    def _one(self, object_id: str) -> dict[str, Any] | None:
        where = self._where(object_id)
        return self._account.part(f"{_CALLS}.get", *where) if where else None

    def _where(self, object_id: str) -> tuple[str, ...]:
        """Domain, label and type of an id; nothing for what is none here."""
        zone, kind, name = dns.split_id(object_id) or ("", "", "")
        label = dns.label_of(name, last(zone).lower())
        return (last(zone).lower(), label, kind) if label and self._account.is_mine(zone, ZONE) else ()

    def _ours(self, raw: dict[str, Any]) -> dict[str, Any]:
        """See that a record set is nobody else's.

        Raises:
            PortError: It is.
        """
        if identity_of(_metadata(raw)) is None:
            raise PortError(f"{raw['name']} is a stranger's", reason="conflict", where=self._account.place)
        return raw


def record_of(raw: Raw, domain: str) -> RecordSet:
    """A record set as Azure tells it; one that stands for something at Azure has that for its value."""
    given, kind = raw["properties"], last(str(raw["type"])).upper()
    target = (given.get("targetResource") or {}).get("id")
    texts = [f"alias of {target}"] if target else _texts(kind, given)
    return dns.live(dns.name_of(str(raw["name"]), domain), kind, texts, int(given.get("TTL") or 0))


def _sets(account: Account, zone: str) -> Iterator[dict[str, Any]]:
    """The record sets of a zone, without what every zone has."""
    for raw in account.parts(f"{_CALLS}.list_by_dns_zone", last(zone)):
        kind = last(str(raw["type"])).upper()
        if kind != "SOA" and (kind, raw["name"]) != ("NS", dns.APEX):
            yield raw


def _placement(account: Account, zone: Raw) -> tuple[Placement, ...]:
    where = str(zone.get("location", ""))
    is_so = where.lower() == "global"
    return (Placement("resource", account.place if is_so else where or "?", "set" if is_so else "unknown"),)


def _metadata(raw: Raw) -> dict[str, str]:
    return {str(key).lower(): str(value) for key, value in (raw["properties"].get("metadata") or {}).items()}


def _body(record: RecordSet, where: str) -> dict[str, Any]:
    """Values as Azure takes them."""
    if record.type == "A":
        return {"ARecords": [{"ipv4Address": value} for value in record.values]}
    if record.type == "AAAA":
        return {"AAAARecords": [{"ipv6Address": value} for value in record.values]}
    if record.type == "CNAME":
        return {"CNAMERecord": {"cname": record.values[0]}}
    if record.type == "MX":
        pairs = (value.split(" ") for value in record.values)
        return {"MXRecords": [{"preference": int(number), "exchange": name} for number, name in pairs]}
    try:
        texts = [[string.decode() for string in dns.strings(value)] for value in record.values]
    except UnicodeDecodeError as exc:
        raise PortError("Azure takes no text that is not UTF-8", reason="invalid", where=where) from exc
    return {"TXTRecords": [{"value": strings} for strings in texts]}


def _texts(kind: str, given: Raw) -> list[str]:
    """Values as a zone file writes them; those of a type that is not made, in Azure's words."""
    if kind == "A":
        return [str(one["ipv4Address"]) for one in given.get("ARecords") or ()]
    if kind == "AAAA":
        return [str(one["ipv6Address"]) for one in given.get("AAAARecords") or ()]
    if kind == "CNAME":
        return [_whole(str((given.get("CNAMERecord") or {}).get("cname", "")))]
    if kind == "MX":
        return [f"{one['preference']} {_whole(str(one['exchange']))}" for one in given.get("MXRecords") or ()]
    if kind == "TXT":
        return [dns.quoted(*(text.encode() for text in one["value"])) for one in given.get("TXTRecords") or ()]
    others = next((value for key, value in given.items() if key.lower() == f"{kind.lower()}records"), None) or ()
    return [" ".join(str(word) for word in one.values()) for one in others]


def _whole(name: str) -> str:
    return name if name.endswith(".") else f"{name}."
