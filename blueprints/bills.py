"""What is said of bills: what the in-country mandate costs, and which lines have no price."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from pse.core.documents.plan import CostLine, PlaceOption
from pse.core.findings import Finding, Severity
from pse.core.text import counted

HOME = "PK"
"""The country that the mandate keeps data in, ISO 3166; as the residency rules of the policy room have it."""
_NAMED = 10
"""Lines that a finding names; the unit's file has all of them."""


def mandate(best: PlaceOption, options: Iterable[PlaceOption], countries: Mapping[str, str]) -> Decimal | None:
    """What the in-country mandate costs a month: ``best`` less the cheapest place outside Pakistan that is refused.

    Workloads' bills are compared; landing zones, which are paid once a place, are left out on both sides.

    Args:
        best: The chosen place.
        options: All places.
        countries: Country by place id.

    Returns:
        0 where no place abroad is refused; None where a line without a price, or a place that lacks an offer, leaves
        nothing to compare.
    """
    if best.cost is None or best.cost.no_price:
        return None
    refused = [o for o in options if not o.allowed and countries.get(o.place) != HOME]
    priced = [o.cost.monthly for o in refused if o.cost is not None and not o.cost.no_price]
    if not refused:
        return Decimal(0)
    return best.cost.monthly - min(priced) if priced else None


def unpriced(workload: str, place: str, lines: Iterable[CostLine]) -> Iterable[Finding]:
    """The finding of a bill with lines that have no price (PSE-B003), which it names."""
    lacking = [_name(line, workload) for line in lines if line.price is None]
    if not lacking:
        return
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    have = "has no price and is" if len(lacking) == 1 else "have no price and are"
    yield Finding(
        code="PSE-B003",
        severity=Severity.WARNING,
        subject=workload,
        message=f"{counted(len(lacking), 'line')} of its bill at {place} {have} in no total: "
        f"{', '.join(lacking[:_NAMED])}{more}",
        remedy="Ask for the prices and add them to the price book.",
        source="price book",
    )


def _name(line: CostLine, workload: str) -> str:
    what = f"{line.kind} {line.offer.rpartition(':')[2]}".rstrip()
    return what if line.item == workload else f"{what} of {line.item}"
