"""What is said of bills: what the in-country mandate costs, and which lines have no price."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

import msgspec

from pse.core.documents.plan import CostLine, PlaceOption
from pse.core.findings import Finding, Severity
from pse.core.text import counted, few

HOME = "PK"
"""The country that the mandate keeps data in, ISO 3166; as the residency rules of the policy room have it."""
_NAMED = 10
"""Lines that a finding names; the unit's file has all of them."""


class Mandate(msgspec.Struct, frozen=True, kw_only=True):
    """The in-country mandate, and what it costs.

    A place abroad that is refused for something else, such as an accreditation that has ended, is not forbidden by the
    mandate, and neither is any place in Pakistan.

    Attributes:
        countries: Country by place id, of every place of the register.
        rules: Ids of the rules that are the mandate: those that refuse a place for its country.
    """

    countries: Mapping[str, str]
    rules: Collection[str]

    def cost(self, best: PlaceOption, options: Iterable[PlaceOption]) -> tuple[Decimal | None, str]:
        """What it costs a month: ``best`` less the cheapest place abroad that the mandate forbids.

        Workloads' bills are compared; landing zones, which are paid once a place, are left out on both sides.

        Args:
            best: The chosen place.
            options: All places.

        Returns:
            The amount and the place that it is against. 0 where the mandate forbids no place; None where a line without
            a price, or a place that lacks an offer, leaves nothing to compare.
        """
        if best.cost is None or best.cost.no_price:
            return None, ""
        forbidden = [o for o in options if self.countries.get(o.place) != HOME and self._forbids(o)]
        if not forbidden:
            return Decimal(0), ""
        priced = [(o.cost.monthly, o.place) for o in forbidden if o.cost is not None and not o.cost.no_price]
        if not priced:
            return None, ""
        monthly, place = min(priced)
        return best.cost.monthly - monthly, place

    def _forbids(self, option: PlaceOption) -> bool:
        return any(refusal.rule in self.rules for refusal in option.refusals)


def unpriced(workload: str, place: str, lines: Iterable[CostLine]) -> Iterable[Finding]:
    """The finding of a bill with lines that have no price (PSE-B003), which it names."""
    lacking = [_name(line, workload) for line in lines if line.price is None]
    if not lacking:
        return
    have = "has no price and is" if len(lacking) == 1 else "have no price and are"
    yield Finding(
        code="PSE-B003",
        severity=Severity.WARNING,
        subject=workload,
        message=f"{counted(len(lacking), 'line')} of its bill at {place} {have} in no total: {few(lacking, _NAMED)}",
        remedy="Ask for the prices and add them to the price book.",
        source="price book",
    )


def _name(line: CostLine, workload: str) -> str:
    what = f"{line.kind} {line.offer.rpartition(':')[2]}".rstrip()
    return what if line.item == workload else f"{what} of {line.item}"
