"""Prices: the offers of each place, what a workload is there, and its bill, line by line.

Every amount is quantity x price of one row of the price book, rounded half-even to two places as a bill is, so that
totals of any part add up to the total of the whole. A line without a price is counted and in no sum.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from blueprints.model import Built, Demand, Wanted
from blueprints.shapes import Shapes
from blueprints.sizing import MIB_PER_GIB, is_older, pick_image, pick_shape, pick_storage
from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.documents.plan import Cost, CostLine, PlannedServer, PlannedVolume
from pse.core.money import HOURS_PER_MONTH, cents, total
from pse.core.text import counted

FREE = Cost(monthly=Decimal(0), one_time=Decimal(0), no_price=0)
TAX = "tax"


class Catalogue:
    """Offers by place and kind."""

    def __init__(self, offers: Offers) -> None:
        """Group ``offers``."""
        self.tax_percent = offers.tax_percent
        self._rows: defaultdict[tuple[str, OfferKind], list[Offer]] = defaultdict(list)
        self._shapes: dict[str, Shapes] = {}
        for offer in sorted(offers.offers, key=lambda o: o.id):
            self._rows[offer.place, offer.kind].append(offer)

    def at(self, place: str, kind: OfferKind) -> list[Offer]:
        """Offers of one kind at a place, sorted by id."""
        return self._rows.get((place, kind), [])

    def shapes(self, place: str) -> Shapes:
        """The compute offers of a place."""
        if place not in self._shapes:
            self._shapes[place] = Shapes(self.at(place, OfferKind.COMPUTE))
        return self._shapes[place]

    def cheapest(self, place: str, kind: OfferKind) -> Offer | None:
        """The cheapest offer of a kind; one without a price only when there is no other."""
        return min(self.at(place, kind), key=lambda o: (o.price is None, o.price or 0, o.id), default=None)


def line(item: str, kind: OfferKind, offer: Offer | None, quantity: Decimal, unit: str) -> CostLine:
    """One line: quantity x the offer's price; no offer or no price gives a line without an amount."""
    price = offer.price if offer else None
    amount = None if price is None else cents(quantity * price)
    once = unit == "once" or (kind is OfferKind.MIGRATION)
    return CostLine(
        item=item,
        kind=kind,
        offer=offer.id if offer else "",
        quantity=quantity,
        unit=unit,
        price=price,
        monthly=None if once else amount,
        one_time=amount if once else None,
    )


def totals(lines: Iterable[CostLine]) -> Cost:
    """Sums of a bill."""
    lines = list(lines)
    monthly, _ = total(x.monthly for x in lines if x.monthly is not None)
    one_time, _ = total(x.one_time for x in lines if x.one_time is not None)
    return Cost(monthly=monthly, one_time=one_time, no_price=sum(x.price is None for x in lines))


def add(costs: Iterable[Cost]) -> Cost:
    """Sum of totals."""
    costs = list(costs)
    return Cost(
        monthly=sum((c.monthly for c in costs), Decimal(0)),
        one_time=sum((c.one_time for c in costs), Decimal(0)),
        no_price=sum(c.no_price for c in costs),
    )


def with_tax(item: str, lines: list[CostLine], percent: Decimal | None) -> list[CostLine]:
    """``lines`` and the sales tax on their sums: one line for the monthly sum and one for the one-time sum."""
    if percent is None:
        return lines
    before = totals(lines)
    rate = percent / 100
    taxes = [
        CostLine(item=item, kind=TAX, offer="", quantity=amount, unit=TAX, price=rate, **{field: cents(amount * rate)})
        for field, amount in (("monthly", before.monthly), ("one_time", before.one_time))
        if amount and rate
    ]
    return [*lines, *taxes]


def build_at(wanted: Wanted, place: str, catalogue: Catalogue) -> Built:
    """What ``wanted`` is at ``place``, with its bill; or what the place lacks for it."""
    servers: list[PlannedServer] = []
    lines: list[CostLine] = []
    notes: list[str] = []
    older: list[str] = []
    lacking: list[str] = []
    for demand in wanted.servers:
        shape = pick_shape(demand, catalogue.shapes(place))
        image = pick_image(demand, catalogue.at(place, OfferKind.IMAGE))
        storage = pick_storage(demand, catalogue.at(place, OfferKind.STORAGE))
        lacking += _lacking(demand, catalogue.shapes(place), shape, image, storage)
        if shape is None or image is None:
            continue
        if demand.os_version and image.os_version != demand.os_version:
            notes.append(f"{demand.name}: {demand.os_family} {demand.os_version} becomes {image.name}")
            if is_older(image.os_version, demand.os_version):
                older.append(notes[-1])
        servers.append(_planned(demand, shape, image, storage))
        lines += _server_lines(demand, shape, image, storage, catalogue.cheapest(place, OfferKind.ADDRESS))
    if lacking:
        return Built(place=place, lacking=tuple(dict.fromkeys(lacking)))
    lines += _workload_lines(wanted, place, catalogue)
    lines = with_tax(wanted.id, lines, catalogue.tax_percent)
    return Built(
        place=place,
        servers=tuple(servers),
        lines=tuple(lines),
        cost=totals(lines),
        notes=tuple(notes),
        older=tuple(older),
    )


def _lacking(
    demand: Demand, shapes: Shapes, shape: Offer | None, image: Offer | None, storage: Offer | None
) -> Iterable[str]:
    if shape is None:
        volumes = f" and {counted(len(demand.volumes), 'volume')}" if demand.volumes else ""
        size = f"{counted(demand.vcpus, 'vCPU')}, {demand.memory_mib} MiB, {demand.architecture}"
        yield f"no shape for {demand.name}: {size}{volumes}; {shapes.why_none(demand)}"
    if image is None:
        yield f"no image for {demand.name}: {demand.os_family or 'unknown OS family'} {demand.os_version}".rstrip()
    if storage is None and demand.volumes:
        yield f"no storage for the volumes of {demand.name}"


def _planned(demand: Demand, shape: Offer, image: Offer, storage: Offer | None) -> PlannedServer:
    return PlannedServer(
        name=demand.name,
        role=demand.role,
        source=demand.source,
        source_host=demand.source_host,
        shape=shape.name,
        image=image.name,
        volumes=tuple(
            PlannedVolume(
                name=v.name, size_gib=v.size_gib, storage_class=storage.name if storage else "", mount=v.mount
            )
            for v in demand.volumes
        ),
        needs=demand.needs,
        packages=demand.packages,
        apart=demand.role if demand.constraints.apart else "",
        stars=demand.stars,
        why=demand.why,
    )


def _server_lines(
    demand: Demand, shape: Offer, image: Offer, storage: Offer | None, address: Offer | None
) -> Iterable[CostLine]:
    yield line(demand.name, OfferKind.COMPUTE, shape, HOURS_PER_MONTH, shape.unit)
    yield line(demand.name, OfferKind.IMAGE, image, _months(image), image.unit)
    if demand.published:
        unit = address.unit if address else "month"
        yield line(demand.name, OfferKind.ADDRESS, address, _months(address), unit)
    for volume in demand.volumes:
        yield line(volume.name, OfferKind.STORAGE, storage, Decimal(volume.size_gib), "GiB-month")


def _months(offer: Offer | None) -> Decimal:
    return HOURS_PER_MONTH if offer is not None and offer.unit == "hour" else Decimal(1)


def _workload_lines(wanted: Wanted, place: str, catalogue: Catalogue) -> Iterable[CostLine]:
    if wanted.egress_gib:
        offer = catalogue.cheapest(place, OfferKind.EGRESS)
        yield line(wanted.id, OfferKind.EGRESS, offer, Decimal(wanted.egress_gib), "GiB")
    if wanted.new:
        return
    # No offer is no price, and not free: a place that says nothing of it must not look cheaper than one that does.
    offers = catalogue.at(place, OfferKind.MIGRATION)
    if not offers:
        yield line(wanted.id, OfferKind.MIGRATION, None, Decimal(len(wanted.servers)), "once")
    for offer in offers:
        if offer.unit == "once":
            yield line(wanted.id, OfferKind.MIGRATION, offer, Decimal(len(wanted.servers)), offer.unit)
            continue
        moved = Decimal(-(-wanted.moved_mib // MIB_PER_GIB))
        priced = offer if wanted.all_sizes_known else msgspec.structs.replace(offer, price=None)
        yield line(wanted.id, OfferKind.MIGRATION, priced, moved, offer.unit)


def saas_bill(wanted: Wanted, offer: Offer, catalogue: Catalogue) -> tuple[CostLine, ...]:
    """The bill of a software service; a price per seat without a stated number of seats is no price."""
    seats = wanted.declared.seats
    if offer.unit == "seat-month":
        priced = offer if seats else msgspec.structs.replace(offer, price=None)
        lines = [line(wanted.id, OfferKind.SAAS, priced, Decimal(seats), offer.unit)]
    else:
        lines = [line(wanted.id, OfferKind.SAAS, offer, Decimal(1), offer.unit)]
    return tuple(with_tax(wanted.id, lines, catalogue.tax_percent))


def landing_bill(unit_id: str, place: str, catalogue: Catalogue) -> tuple[CostLine, ...]:
    """The bill of a landing zone: support of the place, which is paid once a place and not once a workload."""
    support = catalogue.cheapest(place, OfferKind.SUPPORT)
    lines = [line(unit_id, OfferKind.SUPPORT, support, Decimal(1), "month")]
    return tuple(with_tax(unit_id, lines, catalogue.tax_percent))
