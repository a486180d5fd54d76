"""Prices: what a workload is at a place, and its bill, line by line; the lines themselves are in `lines`."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from blueprints.bills.catalogue import Catalogue, Part
from blueprints.bills.lines import (
    TAX,
    copies_lines,
    disk_line,
    iops_lines,
    line,
    server_lines,
    share_lines,
    workload_lines,
)
from blueprints.bills.settling import settled
from blueprints.model import Built, Demand, Wanted
from blueprints.sizing.shapes import Shapes
from blueprints.sizing.sizes import is_older, pick_shape
from pse.core.documents.offers import Offer, OfferKind
from pse.core.documents.plan import Cost, CostLine, PlannedServer, PlannedVolume
from pse.core.money import cents
from pse.core.text import counted

_ZERO = Decimal(0)
FREE = Cost(monthly=Decimal(0), one_time=Decimal(0), no_price=0)


def totals(lines: Iterable[CostLine]) -> Cost:
    """Sums of a bill."""
    monthly = one_time = Decimal(0)
    missing = 0
    for x in lines:
        if x.monthly is not None:
            monthly += x.monthly
        if x.one_time is not None:
            one_time += x.one_time
        if x.price is None:
            missing += 1
    return Cost(monthly=monthly, one_time=one_time, no_price=missing)


def add(costs: Iterable[Cost]) -> Cost:
    """Sum of totals."""
    costs = list(costs)
    return Cost(
        monthly=sum([c.monthly for c in costs], _ZERO),
        one_time=sum([c.one_time for c in costs], _ZERO),
        no_price=sum([c.no_price for c in costs]),
    )


def tax_lines(item: str, before: Cost, percent: Decimal | None) -> list[CostLine]:
    """The sales tax on sums: one line for the monthly sum and one for the one-time sum."""
    if percent is None:
        return []
    rate = percent / 100
    return [
        CostLine(item=item, kind=TAX, offer="", quantity=amount, unit=TAX, price=rate, **{field: cents(amount * rate)})
        for field, amount in (("monthly", before.monthly), ("one_time", before.one_time))
        if amount and rate
    ]


def closing_lines(item: str, place: str, before: Cost, catalogue: Catalogue) -> list[CostLine]:
    """What a workload's bill ends with, by the total of all lines before: a share of the spend as support, and tax."""
    shares = share_lines(item, place, before.monthly, catalogue)
    whole = add([before, totals(shares)]) if shares else before
    return [*shares, *tax_lines(item, whole, catalogue.tax_percent)]


def build_at(wanted: Wanted, place: str, catalogue: Catalogue) -> Built:
    """What ``wanted`` is at ``place``, with its bill; or what the place lacks for it."""
    servers: list[PlannedServer] = []
    lines: list[CostLine] = []
    notes: list[str] = []
    older: list[str] = []
    lacking: list[str] = []
    for demand in wanted.servers:
        shape = pick_shape(demand, catalogue.shapes(place))
        image = catalogue.image(place, demand)
        disks = [catalogue.disk(place, volume.size_gib, demand) for volume in demand.volumes]
        lacking += _lacking(demand, catalogue.shapes(place), shape, image, disks)
        if shape is None or image is None:
            continue
        if demand.os_version and image.os_version != demand.os_version:
            notes.append(f"{demand.name}: {demand.os_family} {demand.os_version} becomes {image.name}")
            if is_older(image.os_version, demand.os_version):
                older.append(notes[-1])
        servers.append(_planned(demand, shape, image, disks))
        lines += server_lines(demand, shape, image, catalogue)
        lines += (disk_line(v.name, disk) for v, disk in zip(demand.volumes, disks, strict=True))
        if demand.iops:
            lines += iops_lines(demand, place, disks, catalogue)
    if lacking:
        return Built(place=place, lacking=tuple(dict.fromkeys(lacking)))
    for demand in wanted.servers:
        lines += copies_lines(demand, wanted.category, place, catalogue)
    lines += workload_lines(wanted, place, catalogue)
    lines += closing_lines(wanted.id, place, totals(lines), catalogue)
    return Built(
        place=place,
        servers=tuple(servers),
        lines=tuple(lines),
        cost=totals(lines),
        notes=tuple(notes),
        older=tuple(older),
    )


def _lacking(
    demand: Demand, shapes: Shapes, shape: Offer | None, image: Offer | None, disks: Iterable[Part | None]
) -> Iterable[str]:
    if shape is None:
        volumes = f" and {counted(len(demand.volumes), 'volume')}" if demand.volumes else ""
        size = f"{counted(demand.vcpus, 'vCPU')}, {demand.memory_mib} MiB, {demand.architecture}"
        yield f"no shape for {demand.name}: {size}{volumes}; {shapes.why_none(demand)}"
    if image is None:
        yield f"no image for {demand.name}: {demand.os_family or 'unknown OS family'} {demand.os_version}".rstrip()
    if None in disks:
        yield f"no storage for the volumes of {demand.name}"


def _planned(demand: Demand, shape: Offer, image: Offer, disks: Iterable[Part | None]) -> PlannedServer:
    return PlannedServer(
        name=demand.name,
        role=demand.role,
        source=demand.source,
        source_host=demand.source_host,
        shape=shape.name,
        image=image.name,
        volumes=tuple(
            PlannedVolume(
                name=v.name,
                size_gib=v.size_gib,
                storage_class=disk[0].name if disk and disk[0] else "",
                mount=v.mount,
            )
            for v, disk in zip(demand.volumes, disks, strict=True)
        ),
        needs=demand.needs,
        packages=demand.packages,
        apart=demand.role if demand.constraints.apart else "",
        stars=demand.stars,
        why=demand.why,
    )


def saas_bill(wanted: Wanted, offer: Offer, catalogue: Catalogue) -> tuple[CostLine, ...]:
    """The bill of a software service; a price per seat without a stated number of seats is no price."""
    seats = wanted.declared.seats
    if offer.unit == "seat-month":
        priced = offer if seats else msgspec.structs.replace(offer, price=None)
        lines = [line(wanted.id, OfferKind.SAAS, priced, Decimal(seats), offer.unit)]
    else:
        lines = [line(wanted.id, OfferKind.SAAS, offer, Decimal(1), offer.unit)]
    return (*lines, *tax_lines(wanted.id, totals(lines), catalogue.tax_percent))


def landing_bill(
    unit_id: str, place: str, catalogue: Catalogue, bills: Iterable[Iterable[CostLine]] = ()
) -> tuple[CostLine, ...]:
    """The bill of a landing zone: what is paid once a place and not once a workload.

    That is support, and what the place charges for all workloads together beside what each is charged by itself; see
    `blueprints.bills.settling.settled`.

    Args:
        unit_id: Id of the landing zone.
        place: Place id.
        catalogue: Offers.
        bills: Those of the workloads at the place; none when places are weighed.
    """
    lines = settled(unit_id, place, catalogue, bills)
    return (*lines, *tax_lines(unit_id, totals(lines), catalogue.tax_percent))
