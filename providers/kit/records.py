"""Record sets where a cloud changes several of a zone at once, as a whole or not at all (`providers.kit.dns`).

What goes is named with all its values, so that nothing is overwritten that somebody changed since it was seen.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol

from providers.kit import dns
from providers.kit.account import CloudAccount
from providers.kit.dns import RecordSet
from providers.kit.noun import Query, Seen
from providers.kit.tags import carries
from providers.ports import Identity, PortError
from pse.core.schema import DnsRecordInputs, Placement

Raw = Mapping[str, Any]
"""A record set as the cloud writes it."""


class NameService(Protocol):
    """What differs by cloud. Only `PortError` leaves, or what the account's ``errors`` turns into one."""

    def zones(self) -> Iterable[str]:
        """Ids of all zones."""

    def domain(self, zone: str, /) -> str | None:
        """Domain of a zone in the one spelling; None when there is none of that id."""

    def all(self, zone: str, /) -> Iterable[Raw]:
        """All record sets of a zone."""

    def one(self, zone: str, name: str, kind: str, /) -> Raw | None:
        """The record set of a name and type."""

    def read(self, raw: Raw, /) -> RecordSet:
        """A record set in the one spelling."""

    def write(self, record: RecordSet, /) -> Raw:
        """The other way round."""

    def change(self, zone: str, gone: list[Raw], new: list[Raw], /) -> str:
        """Take away and add, as a whole; returns the change's id.

        Raises:
            PortError: Nothing was done; ``conflict`` where the zone is not as the change takes it to be.
        """

    def served(self, zone: str, change: str, /) -> bool:
        """Whether all name servers have a change."""


class Records:
    """See `providers.kit.noun.Noun`. The id is ``<zone id>|<TYPE>|<whole name>``; a name and type is there once.

    Args:
        account: The place.
        service: The cloud's side.
    """

    settle_s: ClassVar[float] = 0

    def __init__(self, account: CloudAccount, service: NameService) -> None:
        """Remember both."""
        self._account = account
        self._service = service
        self._begun: dict[str, str] = {}

    def make(self, inputs: DnsRecordInputs, identity: Identity) -> str:
        """The record set and its companion, where neither is yet."""
        record = dns.wanted(inputs, self._domain(inputs.zone))
        mark = dns.companion(record, identity, name=inputs.name)
        object_id = dns.record_id(inputs.zone, record)
        new = [self._service.write(record), self._service.write(mark)]
        try:
            self._change(object_id, [], new)
        except PortError as exc:
            left = self._left_over(object_id) if exc.reason == "conflict" else None
            if left is None:
                raise
            self._change(object_id, [left], new)
        return object_id

    def finish(self, object_id: str, inputs: DnsRecordInputs) -> None:
        """Bring values and TTL to those wanted, then wait until all name servers have them."""
        zone, record = inputs.zone, dns.wanted(inputs, self._domain(inputs.zone))
        live, mark = self._look(object_id)
        if live is not None and self._service.read(live) != record:
            if mark is None or not self._is_ours(mark):
                raise self._strangers(record)
            self._change(object_id, [live, mark], [self._service.write(record), mark])
        change = self._begun.pop(object_id, "")
        if change:
            self._account.until(
                lambda: self._service.served(zone, change) or None, what=f"all name servers to have {object_id}"
            )

    def seen(self, query: Query, known: DnsRecordInputs | None) -> Iterator[Seen]:
        """One record set and its companion, or those of every zone."""
        parts = dns.split_id(query.id)
        if query.id and parts is None:
            return
        for zone in [parts[0]] if parts else list(self._service.zones()):
            domain = self._service.domain(zone)
            if domain is None:
                continue
            raws = [raw for raw in self._look(query.id) if raw] if parts else self._service.all(zone)
            for pair in dns.paired(domain, map(self._service.read, raws)):
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
        if mark is None or not self._is_ours(mark):
            raise self._strangers(self._service.read(live))
        self._change(object_id, [live, mark], [])

    # -- below: the parts --

    def _domain(self, zone: str) -> str:
        domain = self._service.domain(zone)
        if domain is None:
            raise PortError(f"no zone {zone!r} here", reason="not-found", where=self._account.place)
        return domain

    def _look(self, object_id: str) -> tuple[Raw | None, Raw | None]:
        """A record set and its companion."""
        zone, kind, name = dns.split_id(object_id) or ("", "", "")
        self._domain(zone)
        return self._service.one(zone, name, kind), self._service.one(zone, dns.beside(kind, name), "TXT")

    def _left_over(self, object_id: str) -> Raw | None:
        """A companion whose record set somebody else took away."""
        live, mark = self._look(object_id)
        return mark if live is None and mark is not None and self._is_ours(mark) else None

    def _is_ours(self, mark: Raw) -> bool:
        return dns.owner(self._service.read(mark).values)[0] is not None

    def _strangers(self, record: RecordSet) -> PortError:
        return PortError(f"{record.name} is a stranger's", reason="conflict", where=self._account.place)

    def _change(self, object_id: str, gone: list[Raw], new: list[Raw]) -> None:
        zone, _, _ = dns.split_id(object_id) or ("", "", "")
        self._begun[object_id] = self._service.change(zone, gone, new)
