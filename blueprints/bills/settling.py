"""What a place charges for all its workloads together, beside what each of them is charged by itself.

A seller counts the steps of a tariff over everything that an account uses at a place, and a bill of one workload begins
at the first step. So the landing zone, which is paid once a place, bears the difference, step by step: units that are
in another step together than by themselves, negative where they leave one. Its lines and those of the workloads add up
to what the seller charges, and a workload's bill does not change when another one is planned beside it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from blueprints.bills.catalogue import PERCENT, Catalogue, steps
from blueprints.bills.lines import TAX, line, share_line
from pse.core.documents.offers import Offer, OfferKind
from pse.core.documents.plan import CostLine

_ZERO = Decimal(0)


def settled(unit_id: str, place: str, catalogue: Catalogue, bills: Iterable[Iterable[CostLine]] = ()) -> list[CostLine]:
    """The lines of a landing zone before tax: support, and the difference of each tariff in steps.

    Args:
        unit_id: Id of the landing zone, the item of its lines.
        place: Place id.
        catalogue: Offers.
        bills: Those of the workloads at the place.
    """
    shares = catalogue.shares(place)
    tiered = [rows for rows in catalogue.tariffs(place, OfferKind.EGRESS, "GiB") if len(rows) > 1 and not rows[0].above]
    if not shares and not tiered:
        return [line(unit_id, OfferKind.SUPPORT, catalogue.support(place), Decimal(1), "month")]
    spend, units = _used(bills, {row.id for rows in (*tiered, *shares) for row in rows})
    lines: list[CostLine] = []
    for rows in tiered:
        whole = sum((units[row.id] for row in rows), _ZERO)
        lines += [line(unit_id, OfferKind.EGRESS, *part, "GiB") for part in _moved(rows, whole, units)]
    if not shares:
        return [*lines, line(unit_id, OfferKind.SUPPORT, catalogue.support(place), Decimal(1), "month")]
    spend += sum((x.monthly for x in lines if x.monthly is not None), _ZERO)
    return [*lines, *_support(unit_id, place, spend, units, catalogue)]


def _used(bills: Iterable[Iterable[CostLine]], ids: set[str]) -> tuple[Decimal, defaultdict[str, Decimal]]:
    """What is spent a month before support and tax, and the units of each of the rows ``ids``."""
    spend, units = _ZERO, defaultdict[str, Decimal](Decimal)
    for bill in bills:
        for x in bill:
            if x.offer in ids:
                units[x.offer] += x.quantity
            if x.monthly is not None and x.kind not in (TAX, OfferKind.SUPPORT):
                spend += x.monthly
    return spend, units


def _moved(
    rows: Sequence[Offer], whole: Decimal, units: defaultdict[str, Decimal]
) -> Iterable[tuple[Offer | None, Decimal]]:
    """By step, how many units more are in it when all are counted together."""
    together = {offer.id: part for offer, part in steps(rows, whole) if offer}
    for row in rows:
        more = together.get(row.id, _ZERO) - units[row.id]
        if more:
            yield row, more


def _support(
    unit_id: str, place: str, spend: Decimal, units: defaultdict[str, Decimal], catalogue: Catalogue
) -> Iterable[CostLine]:
    """Support as a share of all that is spent at the place, with its least amount, less what workloads bear of it."""
    rows = catalogue.tariff(place, OfferKind.SUPPORT, PERCENT, spend)
    parts = [(offer, part) for offer, part in steps(rows, spend)]
    charged = [share_line(unit_id, offer, part) for offer, part in parts]
    least = rows[0].minimum if rows else None
    whole = sum((x.monthly for x in charged if x.monthly is not None), _ZERO)
    below = least is not None and rows[0].price is not None and whole < least
    together = {} if below else {offer.id: part.scaleb(-2) for offer, part in parts if offer}
    for row in (row for rows in catalogue.shares(place) for row in rows):
        more = together.get(row.id, _ZERO) - units[row.id]
        if more:
            yield line(unit_id, OfferKind.SUPPORT, row, more, PERCENT)
    if below:
        yield line(unit_id, OfferKind.SUPPORT, msgspec.structs.replace(rows[0], price=least), Decimal(1), "month")
    if not charged and not below and any(row.price is None for rows in catalogue.shares(place) for row in rows):
        yield line(unit_id, OfferKind.SUPPORT, msgspec.structs.replace(rows[0], price=None), Decimal(1), "month")
