"""Amounts of money and other numbers as price books write them: exact decimals, spelled in one way only."""

import re
from decimal import Context, Decimal, InvalidOperation

from pse.core.errors import BadInput
from pse.core.text import printable

MOST = Decimal(10) ** 12
"""The highest price that can be written; what is above it is a slip of the pen, and no sum could hold it."""
HUNDRED = Decimal(100)
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMALS = 9
_LEAST = Decimal(1).scaleb(-_DECIMALS)
_CENT = Decimal("0.01")
_WIDE = Context(prec=60)


def amount(text: str, *, where: str, key: str, most: Decimal = MOST) -> Decimal:
    """``text`` as a decimal of 0 or more.

    Args:
        text: Digits with a point and nothing else.
        where: File to name.
        key: What it is, for the message.
        most: Highest that it may be.

    Raises:
        BadInput: It is not that.
    """
    try:
        number = Decimal(text)
    except InvalidOperation as exc:
        raise BadInput(f"{key} is not a number: {printable(text[:40])!r}", where=where) from exc
    if not number.is_finite() or number < 0:
        raise BadInput(f"{key} has to be a finite number, 0 or more: {printable(text[:40])!r}", where=where)
    if not _PLAIN.fullmatch(text):
        raise BadInput(
            f"{key} has to be written in the digits 0 to 9, with a point and nothing else: {printable(text[:40])!r}",
            where=where,
        )
    # Fewer characters than that have no more decimals, unless an exponent is among them.
    plain = len(text) <= _DECIMALS and "e" not in text and "E" not in text
    if number > most or (not plain and number and number.quantize(_LEAST, context=_WIDE) != number):
        raise BadInput(
            f"{key} has to be at most {most:,f}, with at most {_DECIMALS} decimals: {printable(text[:40])!r}",
            where=where,
        )
    return spelled(number)


def spelled(number: Decimal) -> Decimal:
    """One amount, one spelling, whatever the file writes: 8.4 and 8.40 are the same price and the same plan."""
    rounded = number.quantize(_CENT, context=_WIDE)
    return rounded if number == rounded else number.normalize(_WIDE)


def reckoned(price: Decimal, *, rate: Decimal, discount_percent: Decimal) -> Decimal:
    """``price`` less its discount, in another currency by ``rate``; exact, nothing is rounded."""
    if rate == 1 and not discount_percent:
        return price
    net = _WIDE.multiply(price, _WIDE.subtract(HUNDRED, discount_percent)).scaleb(-2, context=_WIDE)
    return spelled(_WIDE.multiply(net, rate))
