"""Offers by place and kind, and which of them prices what: shapes by commitment, disks by size, tariffs by steps."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal

import msgspec

from blueprints.model import Demand
from blueprints.sizing.shapes import Shapes
from blueprints.sizing.sizes import pick_image
from pse.core.costing import CostSettings
from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.money import cents

_WIDE = Context(prec=60)
PERCENT = "percent"
Part = tuple[Offer | None, Decimal]
"""An offer and the units that it prices; None where no row does."""


class Catalogue:
    """Offers by place and kind.

    Attributes:
        settings: How bills are made.
        tax_percent: Sales tax on every line; None when not stated.
    """

    def __init__(self, offers: Offers, settings: CostSettings | None = None, *, horizon_months: int = 36) -> None:
        """Group ``offers``; terms of commitment begin anew until ``horizon_months`` are over."""
        self.settings = settings or CostSettings()
        self.tax_percent = offers.tax_percent
        self._horizon = horizon_months
        self._offers = offers
        self._rows: defaultdict[tuple[str, OfferKind], list[Offer]] = defaultdict(list)
        self._terms: dict[tuple[str, str], Offer] = {}
        self._bought: dict[tuple[str, str], Offer] = {}
        self._cheapest: dict[tuple[str, OfferKind], Offer | None] = {}
        self._images: dict[tuple[str, str, str], Offer | None] = {}
        self._disks: dict[tuple[str, int, bool, int, int], Part | None] = {}
        self._shapes: dict[str, Shapes] = {}
        self._tariffs: dict[tuple[str, OfferKind, str], tuple[tuple[Offer, ...], ...]] = {}
        self._shares: dict[str, tuple[tuple[Offer, ...], ...]] = {}
        self._classes: dict[str, tuple[tuple[Offer, ...], ...]] = {}
        for offer in sorted(offers.offers, key=lambda o: o.id):
            if not offer.term_months:
                self._rows[offer.place, offer.kind].append(offer)
            elif offer.term_months == self.settings.commitment.months and offer.price is not None:
                self._terms[offer.place, offer.name] = offer

    def at(self, place: str, kind: OfferKind) -> list[Offer]:
        """Offers of one kind at a place, sorted by id; of compute those on demand."""
        return self._rows.get((place, kind), [])

    def of_kind(self, kind: OfferKind) -> list[Offer]:
        """Offers of one kind at all places, sorted by id within each."""
        return [offer for (_, found), rows in sorted(self._rows.items()) if found is kind for offer in rows]

    def cheapest(self, place: str, kind: OfferKind) -> Offer | None:
        """The cheapest offer of a kind by the month; one without a price only when there is no other."""
        key = (place, kind)
        if key not in self._cheapest:
            self._cheapest[key] = self._least(self.at(place, kind))
        return self._cheapest[key]

    def support(self, place: str) -> Offer | None:
        """The cheapest support that is sold at a fixed price; None where there is none."""
        return self._least(o for o in self.at(place, OfferKind.SUPPORT) if o.unit == "month")

    def shares(self, place: str) -> tuple[tuple[Offer, ...], ...]:
        """The tariffs of support as a share of the spend; none where it is sold at a fixed price, which then counts."""
        if place not in self._shares:
            fixed = self.support(place) is not None
            self._shares[place] = () if fixed else self.tariffs(place, OfferKind.SUPPORT, PERCENT)
        return self._shares[place]

    def months(self, offer: Offer | None) -> Decimal:
        """Units of ``offer`` in a month: hours where it is by the hour."""
        return self.settings.hours_per_month if offer is not None and offer.unit.endswith("hour") else Decimal(1)

    def _least(self, offers: Iterable[Offer]) -> Offer | None:
        return min(offers, key=lambda o: (o.price is None, (o.price or 0) * self.months(o), o.id), default=None)

    # -- compute --

    def shapes(self, place: str) -> Shapes:
        """The compute offers of a place.

        Under a commitment each has the price of an hour that it comes to over the horizon; `bought` has its rows.
        """
        if place not in self._shapes:
            self._shapes[place] = Shapes(self._in_effect(shape) for shape in self.at(place, OfferKind.COMPUTE))
        return self._shapes[place]

    def bought(self, place: str, shape: Offer) -> Offer:
        """The row that a shape of `shapes` is bought by: that of the commitment where it is cheaper, else on demand."""
        return self._bought.get((place, shape.name), shape)

    def committed(self, place: str, name: str) -> Offer | None:
        """The row of the commitment that a shape of `shapes` is bought by; None where it is bought on demand."""
        self.shapes(place)
        return self._bought.get((place, name))

    def terms(self, offer: Offer) -> int:
        """Terms of a commitment that begin within the horizon; each is paid its ``upfront``."""
        return -(-self._horizon // offer.term_months)

    def hourly(self, offer: Offer) -> Decimal:
        """What an hour comes to over the horizon, with what is paid upfront; the offer has a price."""
        price = offer.price or Decimal(0)
        if not offer.upfront:
            return price
        hours = self._horizon * self.settings.hours_per_month
        return price + _WIDE.divide(offer.upfront * self.terms(offer), hours)

    def on_demand(self, offer: Offer) -> Offer | None:
        """The row on demand of a committed one."""
        return next((o for o in self.at(offer.place, OfferKind.COMPUTE) if o.name == offer.name), None)

    def _in_effect(self, shape: Offer) -> Offer:
        term = self._terms.get((shape.place, shape.name))
        if term is None or (shape.price is not None and shape.price <= self.hourly(term)):
            return shape
        self._bought[shape.place, shape.name] = term
        return msgspec.structs.replace(shape, price=self.hourly(term))

    def image(self, place: str, demand: Demand) -> Offer | None:
        """The image for a server's system; see `blueprints.sizing.sizes.pick_image`."""
        key = (place, demand.os_family, demand.os_version)
        if key not in self._images:
            self._images[key] = pick_image(demand, self.at(place, OfferKind.IMAGE))
        return self._images[key]

    # -- disks --

    def disk(self, place: str, size_gib: int, demand: Demand | None = None) -> Part | None:
        """The storage that is cheapest for a disk, and its units; a database takes the class ``ssd`` where it is sold.

        A class is sold by the GiB, or in sizes of which a disk takes the smallest that holds it. It keeps up with a
        server when it states no limit, or one that the whole server's use is within: how the use is spread over the
        volumes is not measured.

        Args:
            place: Place id.
            size_gib: GiB of the disk.
            demand: The server whose data is on it; None for a system disk, of which nothing is asked.

        Returns:
            None where no class holds it.
        """
        iops, mbps = (demand.iops, demand.mbps) if demand else (0, 0)
        key = (place, size_gib, demand is not None and demand.role == "database", iops, mbps)
        if key not in self._disks:
            classes = [
                rows
                for rows in self._storage(place)
                if (not rows[0].max_iops or rows[0].max_iops >= iops)
                and (not rows[0].max_mbps or rows[0].max_mbps >= mbps)
            ]
            fast = [rows for rows in classes if rows[0].name == "ssd"] if key[2] else []
            self._disks[key] = _cheapest_disk(fast, size_gib) or _cheapest_disk(classes, size_gib)
        return self._disks[key]

    def _storage(self, place: str) -> tuple[tuple[Offer, ...], ...]:
        if place not in self._classes:
            by_name: dict[str, list[Offer]] = {}
            for offer in self.at(place, OfferKind.STORAGE):
                by_name.setdefault(offer.name, []).append(offer)
            self._classes[place] = tuple(
                tuple(sorted(rows, key=lambda o: (o.unit == "month", o.disk_gib or 0))) for rows in by_name.values()
            )
        return self._classes[place]

    # -- tariffs --

    def tariffs(self, place: str, kind: OfferKind, unit: str) -> tuple[tuple[Offer, ...], ...]:
        """The tariffs of a kind at a place: rows of one name, by the units above which they count."""
        key = (place, kind, unit)
        if key not in self._tariffs:
            by_name: dict[str, list[Offer]] = {}
            for offer in self.at(place, kind):
                if offer.unit == unit:
                    by_name.setdefault(offer.name, []).append(offer)
            self._tariffs[key] = tuple(
                tuple(sorted(rows, key=lambda o: o.above)) for _, rows in sorted(by_name.items())
            )
        return self._tariffs[key]

    def tariff(self, place: str, kind: OfferKind, unit: str, quantity: Decimal) -> tuple[Offer, ...]:
        """The tariff that is cheapest for ``quantity``, one that lacks no price first; empty when there is none."""
        found = self.tariffs(place, kind, unit)
        return found[0] if len(found) == 1 else min(found, key=lambda rows: _worth(rows, quantity), default=())


def steps(rows: Sequence[Offer], quantity: Decimal) -> list[Part]:
    """``quantity`` parted among the steps of a tariff, sorted by `Offer.above`.

    The unit at a bound belongs to the step below it: of 150 units, a step above 100 prices 50. What lies below the
    first bound is priced by no row.
    """
    parts: list[Part] = []
    if quantity > 0 and (not rows or rows[0].above > 0):
        parts.append((None, min(quantity, rows[0].above) if rows else quantity))
    for number, row in enumerate(rows):
        end = min(quantity, rows[number + 1].above) if number + 1 < len(rows) else quantity
        if end > row.above:
            parts.append((row, end - row.above))
    return parts


def _worth(rows: Sequence[Offer], quantity: Decimal) -> tuple[bool, Decimal, str]:
    parts = steps(rows, quantity)
    lacks = any(offer is None or offer.price is None for offer, _ in parts)
    known: Iterable[Decimal] = (offer.price * units for offer, units in parts if offer and offer.price is not None)
    return lacks, cents(sum(known, Decimal(0))), rows[0].name


def _cheapest_disk(classes: Iterable[Sequence[Offer]], size_gib: int) -> Part | None:
    found = [part for rows in classes if (part := _sized(rows, size_gib)) is not None]
    return min(found, key=lambda p: (p[0].price is None, (p[0].price or 0) * p[1], p[0].name), default=None)


def _sized(rows: Sequence[Offer], size_gib: int) -> tuple[Offer, Decimal] | None:
    """A disk in one class: by the GiB where it is sold so, else its smallest size that holds it."""
    if rows[0].unit == "GiB-month":
        return rows[0], Decimal(size_gib)
    return next(((row, Decimal(1)) for row in rows if (row.disk_gib or 0) >= size_gib), None)
