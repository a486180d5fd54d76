"""Money: decimals only, one currency an amount, rounded only where a person reads it."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

HOURS_PER_MONTH = Decimal(730)
"""Hours in a billing month: 365 x 24 / 12, as the large clouds' calculators use it."""

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """``amount`` rounded half-even to two places, for display and for totals of a document."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def total(amounts: Iterable[Decimal | None]) -> tuple[Decimal, int]:
    """Sum what has a price and count what has none.

    Returns:
        The sum of the known amounts and the number of unknown ones; an unknown is never taken as 0 silently,
        so whoever shows the first shows the second too.
    """
    known = Decimal(0)
    missing = 0
    for amount in amounts:
        if amount is None:
            missing += 1
        else:
            known += amount
    return known, missing
