"""Lines of a bill.

Every amount is quantity x price of one row of the price book, rounded half-even to two places as a bill is, so that
totals of any part add up to the total of the whole. A line without a price is counted and in no sum. What the entity
pays itself for a move is priced by ``[plan.cost.move]`` of ``pse.toml``, which such a line names in the place of a row.
"""

from collections.abc import Iterable
from decimal import Context, Decimal

import msgspec

from blueprints.bills.catalogue import PERCENT, Catalogue, Part, steps
from blueprints.model import Demand, Wanted
from blueprints.sizing.sizes import MIB_PER_GIB
from pse.core.costing import MoveRates, Retention
from pse.core.documents.category import Category
from pse.core.documents.offers import Offer, OfferKind
from pse.core.documents.plan import CostLine
from pse.core.money import cents

TAX = "tax"
TERM = "term"
OWN = "pse.toml:plan.cost.move:"
"""What stands for the row of the price book in lines that the entity's own rates price."""
_WIDE = Context(prec=60)
_ONCE = frozenset({"once", TERM})
_HUNDREDTH = Decimal("0.01")
_MBIT_PER_MIB = Decimal(8 * 2**20) / 10**6


def line(item: str, kind: OfferKind, offer: Offer | None, quantity: Decimal, unit: str) -> CostLine:
    """One line: quantity x the offer's price; no offer or no price gives a line without an amount."""
    price = offer.price if offer else None
    amount = None if price is None else cents(quantity * price)
    once = unit in _ONCE or kind is OfferKind.MIGRATION
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


def is_once(line: CostLine) -> bool:
    """Whether ``line`` is paid once, or once a term, and not each month; known without a price too."""
    return line.one_time is not None or line.unit in _ONCE or line.kind == OfferKind.MIGRATION


def server_lines(demand: Demand, shape: Offer, image: Offer, catalogue: Catalogue) -> Iterable[CostLine]:
    """What a server costs beside its data volumes: compute, licences, system disk, address and copies."""
    place, bring = shape.place, catalogue.settings.bring
    hours = catalogue.settings.hours_per_month
    bought = catalogue.bought(place, shape)
    yield line(demand.name, OfferKind.COMPUTE, bought, hours, "hour")
    if bought.upfront is not None:
        paid = msgspec.structs.replace(bought, price=bought.upfront)
        yield line(demand.name, OfferKind.COMPUTE, paid, Decimal(catalogue.terms(bought)), TERM)
    if image.os_family not in bring:
        yield line(demand.name, OfferKind.IMAGE, image, catalogue.months(image), image.unit)
    for product in demand.licences:
        if product not in bring:
            yield _licence(demand.name, product, shape, catalogue)
    size = system_gib(shape, image, catalogue)
    if size:
        yield disk_line(demand.name, catalogue.disk(place, size))
    if demand.published:
        address = catalogue.cheapest(place, OfferKind.ADDRESS)
        unit = address.unit if address else "month"
        yield line(demand.name, OfferKind.ADDRESS, address, catalogue.months(address), unit)


def system_gib(shape: Offer, image: Offer, catalogue: Catalogue) -> int:
    """GiB of system disk that are paid: none where the shape includes it, else the image's, else what is assumed."""
    if shape.disk_gib:
        return 0
    return catalogue.settings.system_disk_gib if image.disk_gib is None else image.disk_gib


def disk_line(item: str, disk: Part | None) -> CostLine:
    """The line of a disk as `Catalogue.disk` found it; without a price where no class holds it."""
    offer, units = disk or (None, Decimal(1))
    return line(item, OfferKind.STORAGE, offer, units, offer.unit if offer else "month")


def iops_lines(demand: Demand, place: str, disks: Iterable[Part | None], catalogue: Catalogue) -> Iterable[CostLine]:
    """Reads and writes a second, where the class of a server's volumes prices them apart; for all its volumes once."""
    tariffs = {rows[0].name: rows for rows in catalogue.tariffs(place, OfferKind.IOPS, "IOPS-month")}
    rows = next((tariffs[d[0].name] for d in disks if d and d[0] and d[0].name in tariffs), ())
    for offer, units in steps(rows, Decimal(demand.iops)) if rows else ():
        yield line(demand.name, OfferKind.IOPS, offer, units, "IOPS-month")


def _licence(item: str, product: str, shape: Offer, catalogue: Catalogue) -> CostLine:
    """A product's licence, by the server or by the vCPU of its shape; no row is no price."""
    rows = [o for o in catalogue.at(shape.place, OfferKind.LICENCE) if o.name == product]

    def units(offer: Offer) -> Decimal:
        return catalogue.months(offer) * (shape.vcpus if offer.unit.startswith("vcpu") else 1)

    best = min(rows, key=lambda o: (o.price is None, (o.price or 0) * units(o), o.id), default=None)
    if best is None:
        return line(f"{product} of {item}", OfferKind.LICENCE, None, Decimal(1), "month")
    return line(f"{product} of {item}", OfferKind.LICENCE, best, units(best), best.unit)


def workload_lines(wanted: Wanted, place: str, catalogue: Catalogue) -> Iterable[CostLine]:
    """What a workload costs as a whole: egress, load balancers, and its move."""
    if wanted.egress_gib:
        yield from stepped(wanted.id, place, OfferKind.EGRESS, "GiB", Decimal(wanted.egress_gib), catalogue)
    if wanted.load_balancers:
        offer = catalogue.cheapest(place, OfferKind.LOAD_BALANCER)
        months = catalogue.months(offer) * wanted.load_balancers
        yield line(wanted.id, OfferKind.LOAD_BALANCER, offer, months, offer.unit if offer else "month")
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
    yield from _own(wanted, catalogue.settings.move)


def copies_lines(demand: Demand, category: Category | None, place: str, catalogue: Catalogue) -> Iterable[CostLine]:
    """What is kept of a server's data volumes; of the rules of one kind the first that fits counts."""
    stored = sum(volume.size_gib for volume in demand.volumes)
    done: set[str] = set()
    for rule in catalogue.settings.keep if stored else ():
        if rule.kind in done or not _fits(rule, category, demand):
            continue
        done.add(rule.kind)
        kind = OfferKind(rule.kind.value)
        held = stored * (100 + (rule.copies - 1) * rule.change_percent) / 100
        yield line(demand.name, kind, catalogue.cheapest(place, kind), held, "GiB-month")


def _fits(rule: Retention, category: Category | None, demand: Demand) -> bool:
    return (not rule.categories or category in rule.categories) and (not rule.roles or demand.role in rule.roles)


def _own(wanted: Wanted, rates: MoveRates) -> Iterable[CostLine]:
    """What a move costs the entity itself. An amount of data that nobody knows leaves its lines without a price."""
    known = wanted.all_sizes_known
    if rates.link_hour is not None and rates.link_mbit_s is not None:
        seconds = _WIDE.divide(wanted.moved_mib * _MBIT_PER_MIB, rates.link_mbit_s)
        hours = _WIDE.divide(seconds, Decimal(3600)).quantize(_HUNDREDTH, rounding="ROUND_CEILING")
        yield _own_line(wanted.id, "link_hour", "hour", hours, rates.link_hour if known else None)
    if rates.egress_gib is not None:
        moved = Decimal(-(-wanted.moved_mib // MIB_PER_GIB))
        yield _own_line(wanted.id, "egress_gib", "GiB", moved, rates.egress_gib if known else None)
    if rates.person_hour is not None and rates.hours_per_server is not None:
        hours = rates.hours_per_server * len(wanted.servers)
        yield _own_line(wanted.id, "person_hour", "hour", hours, rates.person_hour)


def _own_line(item: str, rate: str, unit: str, quantity: Decimal, price: Decimal | None) -> CostLine:
    amount = None if price is None else cents(quantity * price)
    return CostLine(
        item=item,
        kind=OfferKind.MIGRATION,
        offer=OWN + rate,
        quantity=quantity,
        unit=unit,
        price=price,
        one_time=amount,
    )


def stepped(
    item: str, place: str, kind: OfferKind, unit: str, quantity: Decimal, catalogue: Catalogue
) -> Iterable[CostLine]:
    """``quantity`` by the tariff that is cheapest for it, a line a step."""
    for offer, units in steps(catalogue.tariff(place, kind, unit, quantity), quantity):
        yield line(item, kind, offer, units, unit)


def share_lines(item: str, place: str, spend: Decimal, catalogue: Catalogue) -> list[CostLine]:
    """Support that is a share of ``spend``, what is spent a month; none where the place sells it at a fixed price.

    The quantity of such a line is one percent of the spend, and its price how many percent are charged.
    """
    if not catalogue.shares(place):
        return []
    rows = catalogue.tariff(place, OfferKind.SUPPORT, PERCENT, spend)
    return [share_line(item, offer, part) for offer, part in steps(rows, spend)]


def share_line(item: str, offer: Offer | None, spend: Decimal) -> CostLine:
    """The line of a share of ``spend``."""
    return line(item, OfferKind.SUPPORT, offer, spend.scaleb(-2), PERCENT)
