"""Cells of price sheets as numbers, days and words: what people and spreadsheets write, read in one way only."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING

from providers.catalog.rows import UNITS
from pse.core.documents.offers import OfferKind
from pse.core.errors import BadInput

if TYPE_CHECKING:
    from pse.core.tables import Table

_NOISE = 12
"""Digits behind the point from which on a number is what is left of a binary fraction, and no price that was typed."""
_MOST_DIGITS = 40
"""Places before or behind the point of the largest and smallest number that is read: no price has as many."""
_LONGEST = 20
"""Digits of a whole number that are read; whatever has more is too large anyway."""
_GROUPED = re.compile(r"(\d{1,3}(,\d{3})+|\d{1,2}(,\d{2})*,\d{3})(\.\d+)?", re.ASCII)
"""Grouped by thousands, or as in Pakistan by lakhs: ``1,250.50`` and ``1,14,266.30``."""
_COMMA = re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?|\d+,\d+", re.ASCII)
"""With a comma as decimal sign: ``1.250,50``."""
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
"""What is a thousand with one decimal sign and about one with the other."""
_POINT_ONLY = re.compile(r"\d+\.(\d{1,2}|\d{4,})|0\.\d+|\d{1,3}(,\d{3})+\.\d+", re.ASCII)
_COMMA_ONLY = re.compile(r"\d+,(\d{1,2}|\d{4,})|0,\d+|\d{1,3}(\.\d{3})+,\d+", re.ASCII)
_KINDS: Mapping[str, OfferKind] = MappingProxyType(
    {
        "shape": OfferKind.COMPUTE,
        "vm": OfferKind.COMPUTE,
        "instance": OfferKind.COMPUTE,
        "disk": OfferKind.STORAGE,
        "volume": OfferKind.STORAGE,
        "data transfer out": OfferKind.EGRESS,
        "internet egress": OfferKind.EGRESS,
        "ip": OfferKind.ADDRESS,
        "public ip": OfferKind.ADDRESS,
        "load balancer": OfferKind.LOAD_BALANCER,
        "license": OfferKind.LICENCE,
        "os image": OfferKind.IMAGE,
    }
)
_UNITS: Mapping[str, str] = MappingProxyType(
    {unit.casefold(): unit for units in UNITS.values() for unit in units}
    | {"gb-month": "GiB-month", "gib/month": "GiB-month", "gb/month": "GiB-month", "gb": "GiB", "hr": "hour",
       "hrs": "hour", "hours": "hour", "hourly": "hour", "months": "month", "monthly": "month", "%": "percent"}
)  # fmt: skip
"""Spellings of units. GB is read as GiB, which is what sellers of clouds count in when they write GB."""
_DAY_ZERO = date(1899, 12, 30).toordinal()
"""Day 0 of a workbook's dates (ECMA-376, part 1, 18.17.4.1, with the leap year that 1900 was not)."""


def sign_of(table: "Table") -> str:
    """The decimal sign of a table: a point, but where semicolons part the columns what its first rows show.

    Empty where they show none: then a number that is a thousand with one sign, and about one with the other, is none.
    """
    if not table.continental:
        return "."
    cells = [cell.removesuffix("%").strip() for row in table.head() for cell in row.cells.values()]
    point, comma = (any(pattern.fullmatch(cell) for cell in cells) for pattern in (_POINT_ONLY, _COMMA_ONLY))
    return "" if point == comma else "." if point else ","


def number(text: str, key: str, sign: str) -> Decimal:
    """A number as people and spreadsheets write it: grouped, or with the noise of a binary fraction.

    Workbooks store 0.1 as 0.10000000000000001: the shortest decimal that is the same float is what was typed.

    Args:
        text: The cell.
        key: What it is, for the message.
        sign: The table's decimal sign; see `sign_of`.

    Raises:
        BadInput: It is none, or it may be one of two.
    """
    plain = text.removesuffix("%").strip()
    if not sign and _EITHER.fullmatch(plain):
        raise BadInput(
            f"{key} may be {plain.replace('.', '').replace(',', '')} or {plain.replace(',', '.')}: {text[:40]!r}; "
            "semicolons part the columns, and no other number says what is the decimal sign"
        )
    if sign != "." and _COMMA.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif "," in plain and sign != "," and _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        found = Decimal(plain)
    except InvalidOperation as exc:
        raise BadInput(f"{key} is not a number: {text[:40]!r}") from exc
    if not found.is_finite():
        raise BadInput(f"{key} is not a finite number: {text[:40]!r}")
    if found and abs(found.adjusted()) > _MOST_DIGITS:
        raise BadInput(f"{key} is beyond every price and size: {text[:40]!r}")
    # The least that can be noise is one digit before the point and as many behind it as a float has no use for.
    if len(plain) < _NOISE or -int(found.as_tuple().exponent) < _NOISE:
        return found
    return Decimal(repr(float(found)))


def whole(text: str, key: str, sign: str) -> int:
    """A whole number.

    Raises:
        BadInput: It is none.
    """
    if text.isdecimal() and text.isascii():
        return int(text[:_LONGEST])
    found = number(text, key, sign)
    if found != found.to_integral_value():
        raise BadInput(f"{key} is no whole number: {text[:40]!r}")
    return int(found)


def day(text: str) -> date:
    """A day as YYYY-MM-DD, or as the number that a workbook keeps of it.

    Raises:
        BadInput: It is none.
    """
    try:
        if text.isascii() and text.isdigit():
            return date.fromordinal(_DAY_ZERO + int(text))
        return date.fromisoformat(text)
    except (ValueError, OverflowError) as exc:
        raise BadInput(f"dated is no day: {text[:40]!r}", hint="Write YYYY-MM-DD.") from exc


def kind(text: str) -> str:
    """A kind of offer, by its own name or a common word for it.

    Raises:
        BadInput: It is none.
    """
    plain = text.casefold()
    found = _KINDS.get(plain, plain.replace(" ", "-"))
    if found not in tuple(OfferKind):
        raise BadInput(f"kind is none of {', '.join(OfferKind)}: {text[:40]!r}")
    return found


def unit(text: str) -> str:
    """A unit as price books spell it; any other word stays as it is."""
    plain = re.sub(r"^(per |/) *", "", text.casefold())
    return _UNITS.get(plain, text)
