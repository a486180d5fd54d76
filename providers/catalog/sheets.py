"""Price sheets: what a seller hands over as CSV, xlsx or TOML, row by row; one that cannot be used says why."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from providers.catalog.cells import day, kind, number, sign_of, unit, whole
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
_WHOLE = frozenset(
    {"vcpus", "memory_mib", "max_volumes", "max_nics", "max_iops", "max_mbps", "gpus", "disk_gib", "term_months"}
)
_MONEY = frozenset({"price", "discount_percent", "above", "upfront", "minimum", "performance"})
_KNOWN = frozenset({*Row.__struct_fields__, "memory_gib"})
_NUMBERS = _WHOLE | _MONEY | {"memory_gib"}
_NOTHING = frozenset({"", "-", "–", "—", "n/a", "na", "on request", "poa", "tbd"})
"""What stands where there is no number: of a price, no price."""


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
        for at, fields in enumerate(load_toml(path, _File).offer, start=1):
            yield _read(usual, f"{sheet.file}, offer row {at}", {k: v for k, v in fields.items() if v != ""})
        return
    from pse.core.tables import opened
    from pse.core.tables.csvfile import CSVTable

    tables = [t for t in opened(path) if not sheet.table or t.name.casefold() == sheet.table.casefold()]
    found = False
    for table in tables:
        sign = sign_of(table)
        for at, cells in _rows(table, str(path)):
            found = True
            name = f"{sheet.file}, {table.name} row {at}" if len(tables) > 1 else f"{sheet.file}, row {at}"
            try:
                fields = _fields(cells, sign)
                if not isinstance(table, CSVTable):
                    _no_fraction(fields, cells)
            except BadInput as exc:
                yield Read(at=name, problem=exc.message)
                continue
            yield _read(usual, name, fields)
    if not found:
        which = f"no table {sheet.table!r}" if sheet.table and not tables else "no row of prices"
        raise BadInput(
            f"{which} in it", where=str(path), hint="The headings need at least name and price; see docs/own-estate.md."
        )


def _rows(table: "Table", where: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows below the headings, by field; nothing where there are no headings.

    Raises:
        BadInput: Two columns are one field: nobody knows which of two prices holds.
    """
    from pse.core.tables import header_of

    header = header_of(table, lambda names: {_field(name) for name in names} >= _NEEDED)
    if header is None:
        return
    columns = {index: _field(name) for index, name in header.names.items()}
    for field in sorted(set(columns.values()) & _KNOWN):
        same = [index for index, found in columns.items() if found == field]
        # A heading that is the field's own name stands before a common word for it.
        own = [index for index in same if _words(header.names[index]) == field]
        if len(own or same) > 1:
            names = " and ".join(repr(header.names[index][:40]) for index in own or same)
            raise BadInput(
                f"{names} in sheet {table.name} are both {field}", where=where, hint="Rename or take away one of them."
            )
        for index in set(same) - set(own or same):
            del columns[index]
    for row in table.rows(header.number, columns):
        yield row.number, row.cells


def _words(name: str) -> str:
    from pse.core.tables import heading

    return heading(name).replace(" ", "_")


def _field(name: str) -> str:
    words = _words(name).replace("_", " ")
    return _OTHER_NAMES.get(words, words).replace(" ", "_")


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


def _fields(cells: Mapping[str, str], sign: str) -> dict[str, Any]:
    """Cells as a row of a price book has them; columns that are no field are left out.

    Args:
        cells: By field.
        sign: The table's decimal sign.

    Raises:
        BadInput: A cell that has to be a number, a day or a kind is none.
    """
    found: dict[str, Any] = {}
    for key, text in cells.items():
        if key in _NUMBERS and text.casefold() in _NOTHING:
            continue
        if key == "memory_gib":
            found["memory_mib"] = int(number(text, key, sign) * 1024)
        elif key in _READ:
            found[key] = _READ[key](text)
        elif key in _WHOLE:
            found[key] = whole(text, key, sign)
        elif key in _MONEY:
            found[key] = f"{number(text, key, sign):f}"
        elif key in Row.__struct_fields__:
            found[key] = text
    if found.get("price") and cells["price"].endswith("%") and found.get("unit") != "percent":
        raise BadInput(f"price is a share, {cells['price'][:40]!r}, and its unit is not percent")
    return found


def _no_fraction(fields: Mapping[str, Any], cells: Mapping[str, str]) -> None:
    """Return when no share of a workbook's row is a fraction: 10 % is kept there as 0.1, which would be read as 0.1 %.

    Raises:
        BadInput: One is; a text that ends in ``%`` is what it says.
    """
    for key in ("discount_percent", *(("price",) if fields.get("unit") == "percent" else ())):
        text = fields.get(key)
        if text is not None and 0 < Decimal(text) < 1 and not cells[key].endswith("%"):
            raise BadInput(
                f"{key} is {text}, which a workbook keeps for {(Decimal(text) * 100).normalize():f} %: "
                f"write it as a text, such as {text}%"
            )


_READ: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "currency": str.upper,
        "dated": day,
        "kind": kind,
        "unit": unit,
        "dedicated": lambda text: text.casefold() in ("yes", "true", "1"),
    }
)
"""How cells are read that are neither plain text nor numbers, by field."""
