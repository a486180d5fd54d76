"""Price sheets: what a seller hands over as CSV, xlsx or TOML, row by row; one that cannot be used says why."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from providers.catalog.rows import Row
from pse.core.documents.offers import OfferKind
from pse.core.errors import BadInput
from pse.core.settings import load_toml

if TYPE_CHECKING:
    from pse.core.tables import Table

_NEEDED = frozenset({"name", "price"})
_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "item": "name",
        "shape": "name",
        "flavor": "name",
        "flavour": "name",
        "class": "name",
        "rate": "price",
        "unit price": "price",
        "category": "kind",
        "type": "kind",
        "per": "unit",
        "vcpu": "vcpus",
        "cpu": "vcpus",
        "cores": "vcpus",
        "ram gib": "memory gib",
        "ram gb": "memory gib",
        "memory gb": "memory gib",
        "ram": "memory gib",
        "memory": "memory gib",
        "ram mib": "memory mib",
        "size gib": "disk gib",
        "disk gb": "disk gib",
        "discount": "discount percent",
        "discount %": "discount percent",
        "above gib": "above",
        "from gib": "above",
        "term": "term months",
        "commitment months": "term months",
        "date": "dated",
        "valid from": "dated",
    }
)
"""Headings that sheets use, ready for comparing, and the field that each stands for."""
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
_UNITS = MappingProxyType(
    {"gb-month": "GiB-month", "gib-month": "GiB-month", "gib/month": "GiB-month", "gb/month": "GiB-month", "gb": "GiB",
     "gib": "GiB", "hr": "hour", "hourly": "hour", "monthly": "month", "%": "percent", "iops-month": "IOPS-month"}
)  # fmt: skip
"""Spellings of units. GB is read as GiB, which is what sellers of clouds count in when they write GB."""
_NOISE = 12
"""Digits behind the point from which on a number is what is left of a binary fraction, and no price that was typed."""
_LONGEST = 20
"""Digits of a whole number that are read; whatever has more is too large anyway."""
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_WHOLE = frozenset(
    {"vcpus", "memory_mib", "max_volumes", "max_nics", "max_iops", "max_mbps", "gpus", "disk_gib", "term_months"}
)
_MONEY = frozenset({"price", "discount_percent", "above", "upfront", "minimum", "performance"})
_NO_PRICE = frozenset({"", "-", "n/a", "na", "on request", "poa", "tbd"})
_DAY_ZERO = date(1899, 12, 30).toordinal()
"""Day 0 of a workbook's dates (ECMA-376, part 1, 18.17.4.1, with the leap year that 1900 was not)."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a price book says of one sheet; what a row says itself wins.

    Attributes:
        file: Path of the file, relative to the workspace.
        table: Name of the sheet in a workbook; empty takes every one that has headings.
        place: Place id of rows that name none.
        kind: Kind of rows that name none.
        currency: Currency of rows that name none; empty is the book's.
        dated: Day of its prices; empty is the book's.
        discount_percent: Taken off every price, where the row names no other.
        quality: See `Offer`.
        source: Document that it is; empty is the file's name.
    """

    file: str
    table: str = ""
    place: str = ""
    kind: OfferKind | None = None
    currency: str = ""
    dated: date | None = None
    discount_percent: str = "0"
    quality: str = ""
    source: str = ""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    offer: tuple[dict[str, Any], ...]


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a sheet: where it stands, in words, and what it is or why it is nothing."""

    at: str
    row: Row | None = None
    problem: str = ""


def read_sheet(sheet: Sheet, path: Path) -> Iterator[Read]:
    """Every row of ``sheet``, in its order.

    Raises:
        BadInput: The file cannot be read, or no table in it has headings of prices.
    """
    usual = _usual(sheet)
    if path.suffix.lower() == ".toml":
        for number, fields in enumerate(load_toml(path, _File).offer, start=1):
            yield _read(usual, f"{sheet.file}, offer row {number}", {k: v for k, v in fields.items() if v != ""})
        return
    from pse.core.tables import opened

    tables = [t for t in opened(path) if not sheet.table or t.name.casefold() == sheet.table.casefold()]
    found = False
    for table in tables:
        for number, cells in _rows(table):
            found = True
            name = f"{sheet.file}, {table.name} row {number}" if len(tables) > 1 else f"{sheet.file}, row {number}"
            try:
                fields = _fields(cells)
            except BadInput as exc:
                yield Read(at=name, problem=exc.message)
                continue
            yield _read(usual, name, fields)
    if not found:
        which = f"no table {sheet.table!r}" if sheet.table and not tables else "no row of prices"
        raise BadInput(
            f"{which} in it", where=str(path), hint="The headings need at least name and price; see docs/own-estate.md."
        )


def _rows(table: "Table") -> Iterator[tuple[int, dict[str, str]]]:
    """Rows below the headings, by field; nothing where there are no headings."""
    from pse.core.tables import header_of, heading

    def field(name: str) -> str:
        words = heading(name)
        return _OTHER_NAMES.get(words, words).replace(" ", "_")

    header = header_of(table, lambda names: {field(name) for name in names} >= _NEEDED)
    if header is None:
        return
    columns = {index: field(name) for index, name in header.names.items()}
    for row in table.rows(header.number, columns):
        yield row.number, row.cells


def _usual(sheet: Sheet) -> dict[str, Any]:
    """What the rows of ``sheet`` do not have to say."""
    usual = {
        "place": sheet.place,
        "kind": sheet.kind,
        "currency": sheet.currency,
        "dated": sheet.dated,
        "discount_percent": sheet.discount_percent,
        "quality": sheet.quality,
        "source": sheet.source or sheet.file,
    }
    return {key: value for key, value in usual.items() if value}


def _read(usual: Mapping[str, Any], at: str, fields: Mapping[str, Any]) -> Read:
    try:
        row = msgspec.convert({**usual, **fields}, Row, strict=True)
    except msgspec.ValidationError as exc:
        return Read(at=at, problem=str(exc))
    return Read(at=at, row=row)


def _fields(cells: Mapping[str, str]) -> dict[str, Any]:
    """Cells as a row of a price book has them; columns that are no field are left out.

    Raises:
        BadInput: A cell that has to be a number or a day is none.
    """
    found: dict[str, Any] = {}
    for key, text in cells.items():
        if key == "memory_gib":
            found["memory_mib"] = int(_number(text, key) * 1024)
        elif key in _READ:
            found[key] = _READ[key](text)
        elif key in _WHOLE:
            found[key] = _whole(text, key)
        elif key in _MONEY and text.casefold() not in _NO_PRICE:
            found[key] = f"{_number(text, key):f}"
        elif key in Row.__struct_fields__ and key not in _MONEY:
            found[key] = text
    return found


def _whole(text: str, key: str) -> int:
    if text.isdecimal() and text.isascii():
        return int(text[:_LONGEST])
    number = _number(text, key)
    if number != number.to_integral_value():
        raise BadInput(f"{key} is no whole number: {text[:40]!r}")
    return int(number)


def _number(text: str, key: str) -> Decimal:
    """A number as people and spreadsheets write it: grouped by commas, or with the noise of a binary fraction.

    Workbooks store 0.1 as 0.10000000000000001: the shortest decimal that is the same float is what was typed.
    """
    plain = text.removesuffix("%").strip()
    if "," in text and _GROUPED.fullmatch(text):
        plain = text.replace(",", "")
    try:
        number = Decimal(plain)
    except InvalidOperation as exc:
        raise BadInput(f"{key} is not a number: {text[:40]!r}") from exc
    if not number.is_finite():
        raise BadInput(f"{key} is not a finite number: {text[:40]!r}")
    # The least that can be noise is one digit before the point and as many behind it as a float has no use for.
    if len(plain) < _NOISE or -int(number.as_tuple().exponent) < _NOISE:
        return number
    return Decimal(repr(float(number)))


def _day(text: str) -> date:
    """A day as YYYY-MM-DD, or as the number that a workbook keeps of it."""
    try:
        if text.isascii() and text.isdigit():
            return date.fromordinal(_DAY_ZERO + int(text))
        return date.fromisoformat(text)
    except (ValueError, OverflowError) as exc:
        raise BadInput(f"dated is no day: {text[:40]!r}", hint="Write YYYY-MM-DD.") from exc


_READ: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "dated": _day,
        "kind": lambda text: _KINDS.get(text.casefold(), text.casefold().replace(" ", "-")),
        "unit": lambda text: _UNITS.get(text.casefold(), text),
        "dedicated": lambda text: text.casefold() in ("yes", "true", "1"),
    }
)
"""How cells are read that are neither plain text nor numbers, by field."""
