"""Zones, which are claimed, and record sets, each with its companion."""

from collections.abc import Iterator
from typing import ClassVar

from providers.kit import dns
from providers.kit.dns import Paired, RecordSet
from providers.kit.noun import Query, Seen
from providers.ports import Identity, PortError
from providers.rfc2136.server import Change, NameServer, can_be
from pse.core.schema import DnsRecordInputs, DnsZoneInputs

_RACES = 5
"""How often a change is tried again because somebody else changed the zone meanwhile."""


class ZoneNoun:
    """See `providers.kit.noun.Noun`. The id is the domain."""

    settle_s: ClassVar[float] = 0.0

    def __init__(self, server: NameServer) -> None:
        """Remember the server."""
        self._server = server

    def make(self, inputs: DnsZoneInputs, identity: Identity, /) -> str:
        """Claim it, unless anybody has."""
        domain = self._server.zone(dns.domain_of(inputs))
        mark = dns.claim(domain, identity, name=inputs.name, workload=inputs.workload)
        try:
            self._server.change(domain, Change(absent=((mark.name, "TXT"),), add=(mark,)))
        except PortError as exc:
            if exc.reason != "conflict":
                raise
            raise PortError(
                f"the zone {domain} is claimed already", reason="conflict", vendor_code=exc.vendor_code, where=domain
            ) from exc
        return domain

    def finish(self, _object_id: str, _inputs: DnsZoneInputs, /) -> None:
        """Nothing about a claim changes in place."""

    def seen(self, query: Query, known: DnsZoneInputs | None, /) -> Iterator[Seen]:
        """The claimed zones."""
        zones = self._server.settings.zones
        for domain in [zone for zone in zones if zone == query.id] if query.id else zones:
            (claim,) = self._server.exact(domain, (dns.claim_name(domain), "TXT"))
            if claim is None:
                continue
            identity, notes = dns.owner(claim.values)
            servers = names_of(self._server.ask(domain, "NS"))
            same = known is not None and dns.domain_of(known) == domain
            yield Seen(
                id=domain,
                name=notes.get("name", ""),
                identity=identity,
                inputs={
                    "domain": known.domain if known is not None and same else domain,
                    "workload": notes.get("workload", ""),
                },
                outputs={"name_servers": servers},
                placement=self._server.resting(servers),
            )

    def remove(self, object_id: str, /) -> None:
        """Take the claim away where no record of ours is left, seen and done at the same serial of the zone."""
        domain = self._server.zone(object_id)
        for _ in range(_RACES):
            records = self._server.whole(domain)
            by_name = {(record.name, record.type): record for record in records}
            claim = by_name.get((dns.claim_name(domain), "TXT"))
            if claim is None:
                return
            if dns.owner(claim.values)[0] is None:
                raise PortError(f"{claim.name} is a stranger's", reason="conflict", where=domain)
            ours = [found.record for found in dns.paired(domain, records) if found.identity is not None]
            if ours:
                raise PortError(f"{ours[0].name} is in the zone yet", reason="in-use", where=domain)
            try:
                self._server.change(domain, Change(present=(claim, by_name[domain, "SOA"]), delete=(claim,)))
            except PortError as exc:
                if exc.vendor_code != "NXRRSET":
                    raise
            else:
                return
        raise PortError("others keep changing the zone", vendor_code="NXRRSET", where=domain)


class RecordNoun:
    """See `providers.kit.noun.Noun`. The id is ``<domain>|<TYPE>|<whole name>``."""

    settle_s: ClassVar[float] = 0.0

    def __init__(self, server: NameServer) -> None:
        """Remember the server."""
        self._server = server

    def make(self, inputs: DnsRecordInputs, identity: Identity, /) -> str:
        """The record set and its companion in a claimed zone, where neither is yet."""
        domain = self._server.zone(inputs.zone)
        record = dns.wanted(inputs, domain)
        mark = dns.companion(record, identity, name=inputs.name, workload=inputs.workload)
        claimed = RecordSet(name=dns.claim_name(domain), type="TXT", values=(), ttl_s=0)
        # A server drops, without a word, what would stand beside a CNAME.
        free = ((record.name, record.type), (record.name, "" if record.type == "CNAME" else "CNAME"))
        change = Change(present=(claimed,), absent=(*free, (mark.name, "TXT")), add=(record, mark))
        try:
            self._server.change(domain, change)
        except PortError as exc:
            if exc.vendor_code == "NXRRSET":
                raise PortError(
                    f"nobody has claimed the zone {domain}", reason="not-found", vendor_code="NXRRSET", where=domain
                ) from exc
            if exc.reason != "conflict":
                raise
            left = self._left_over(domain, record)
            if left is None:
                raise _taken(record, exc) from exc
            self._server.change(domain, Change(present=(claimed, left), absent=free, delete=(left,), add=change.add))
        return dns.record_id(domain, record)

    def finish(self, object_id: str, inputs: DnsRecordInputs, /) -> None:
        """Values and TTL, where the companion is still the one that was seen."""
        record = dns.wanted(inputs, self._server.zone(inputs.zone))
        live, mark = self._look(object_id)
        if live is None or live == record:
            return
        if mark is None or dns.owner(mark.values)[0] is None:
            raise PortError(f"{record.name} is a stranger's", reason="conflict", where=inputs.zone)
        self._server.change(inputs.zone, Change(present=(mark,), delete=(record,), add=(record,)))

    def seen(self, query: Query, known: DnsRecordInputs | None, /) -> Iterator[Seen]:
        """The record sets of the zones that the register names."""
        if query.id:
            parts = self._parts(query.id)
            live, mark = self._look(query.id) if parts else (None, None)
            if parts and live is not None:
                identity, notes = dns.owner(mark.values if mark else ())
                servers = names_of(self._server.ask(parts[0], "NS"))
                yield self._told(parts[0], Paired(record=live, identity=identity, notes=notes), servers, known)
            return
        for domain in self._server.settings.zones:
            records = self._server.whole(domain)
            servers = names_of(next((r for r in records if (r.name, r.type) == (domain, "NS")), None))
            for pair in dns.paired(domain, records):
                yield self._told(domain, pair, servers, None)

    def remove(self, object_id: str, /) -> None:
        """The record set and its companion, where the companion is still the one that was seen."""
        live, mark = self._look(object_id)
        if live is None:
            return
        if mark is None or dns.owner(mark.values)[0] is None:
            raise PortError(f"{live.name} is a stranger's", reason="conflict", where=object_id)
        domain, _, _ = dns.split_id(object_id) or ("", "", "")
        self._server.change(domain, Change(present=(mark,), delete=(live, mark)))

    # -- below: what is live --

    def _look(self, object_id: str) -> tuple[RecordSet | None, RecordSet | None]:
        """A record set and its companion.

        Raises:
            PortError: The id is none of a zone here.
        """
        parts = self._parts(object_id)
        if parts is None:
            raise PortError(f"no record {object_id!r} here", reason="not-found", where=self._server.place)
        domain, kind, name = parts
        live, mark = self._server.exact(domain, (name, kind), (dns.beside(kind, name), "TXT"))
        return live, mark

    def _parts(self, object_id: str) -> tuple[str, str, str] | None:
        """Domain, type and whole name of an id; None when it can be none of a record set here."""
        parts = dns.split_id(object_id)
        if parts is None or parts[0] not in self._server.settings.zones:
            return None
        domain, kind, name = parts
        return parts if dns.label_of(name, domain) is not None and can_be(name, kind) else None

    def _left_over(self, domain: str, record: RecordSet) -> RecordSet | None:
        """A companion whose record set somebody deleted without it."""
        live, mark = self._look(dns.record_id(domain, record))
        return mark if live is None and mark is not None and dns.owner(mark.values)[0] is not None else None

    def _told(self, domain: str, pair: Paired, servers: tuple[str, ...], known: DnsRecordInputs | None) -> Seen:
        inputs = dns.told(pair.record, domain, domain, known)
        return Seen(
            id=dns.record_id(domain, pair.record),
            name=pair.notes.get("name", ""),
            identity=pair.identity,
            inputs={**inputs, "workload": pair.notes.get("workload", "")},
            placement=self._server.resting(servers),
        )


def names_of(servers: RecordSet | None) -> tuple[str, ...]:
    """Names of name servers, without the last dot."""
    return tuple(value.removesuffix(".").lower() for value in servers.values) if servers else ()


def _taken(record: RecordSet, exc: PortError) -> PortError:
    return PortError(
        f"{record.name} has records already that are not this one's",
        reason="conflict",
        vendor_code=exc.vendor_code,
        where=record.name,
        hint="Take them out of the zone, or name another label.",
    )
