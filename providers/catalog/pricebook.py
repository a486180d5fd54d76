"""The price book: one dated TOML file of a workspace, read strictly."""

import re
from collections.abc import Collection
from datetime import date
from decimal import Context, Decimal, InvalidOperation
from typing import Literal

import msgspec

from pse.core.canonical import hash_of
from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace, load_toml
from pse.core.text import printable

UNITS: dict[OfferKind, tuple[str, ...]] = {
    OfferKind.COMPUTE: ("hour",),
    OfferKind.STORAGE: ("GiB-month",),
    OfferKind.SNAPSHOT: ("GiB-month",),
    OfferKind.EGRESS: ("GiB",),
    OfferKind.ADDRESS: ("month", "hour"),
    OfferKind.SAAS: ("month", "seat-month"),
    OfferKind.SUPPORT: ("month",),
    OfferKind.MIGRATION: ("once", "GiB"),
    OfferKind.IMAGE: ("month", "hour"),
}
"""Units that a price of each kind may be for; another one could not be multiplied by anything the plan knows."""


_MOST = Decimal(10) ** 12
"""The highest price that can be written; what is above it is a slip of the pen, and no sum could hold it."""
_MOST_SIZE = 2**31
"""The largest number of vCPUs, MiB or volumes that an offer can have."""
_MOST_PERFORMANCE = Decimal(100)
_LIMITS = ("max_volumes", "max_nics", "max_iops", "max_mbps", "gpus")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_PERCENT = Decimal(100)
_DECIMALS = 9
_LEAST = Decimal(1).scaleb(-_DECIMALS)
_CENT = Decimal("0.01")
_WIDE = Context(prec=60)


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    place: str
    kind: OfferKind
    name: str
    unit: str
    price: str | None = None
    vcpus: int = 0
    memory_mib: int = 0
    max_volumes: int = 0
    max_nics: int = 0
    max_iops: int = 0
    max_mbps: int = 0
    gpus: int = 0
    generation: str = ""
    performance: str = "1"
    boot: Literal["", "bios", "uefi", "both"] = ""
    dedicated: bool = False
    architecture: str = "x86_64"
    os_family: str = ""
    os_version: str = ""
    capability: str = ""
    quality: str = ""
    source: str = ""


class _Book(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    book: str
    dated: date
    currency: str
    tax_percent: str | int | None = None
    sample: bool = False
    offer: tuple[_Row, ...] = ()


def load_offers(workspace: Workspace) -> Offers:
    """Read the workspace's price book.

    Prices are strings in the file, because a TOML float is not exact. A row without ``price`` has no price, which is
    kept as such and never read as 0.

    Raises:
        BadInput: Not TOML, an unknown key, a wrong type, a price that is negative or not a number, a unit that does
            not belong to the kind, or two rows with one place, kind and name; the message names file and row.
    """
    path = workspace.path(workspace.settings.price_book)
    where = str(path)
    book = load_toml(path, _Book)
    if not _CURRENCY.fullmatch(book.currency):
        raise BadInput(
            f"currency is no code: {printable(book.currency[:40])!r}",
            where=where,
            hint="Write the three capital letters of ISO 4217, for example PKR.",
        )
    tax = (
        None
        if book.tax_percent is None
        else _amount(str(book.tax_percent), where=where, key="tax_percent", most=_PERCENT)
    )
    offers: dict[str, Offer] = {}
    for number, row in enumerate(book.offer, start=1):
        offer = _offer(row, where=where, at=f"offer row {number}")
        if offer.id in offers:
            raise BadInput(f"offer row {number}: {printable(offer.id)} is there twice", where=where)
        offers[offer.id] = offer
    found = Offers(
        book=book.book,
        dated=book.dated,
        currency=book.currency,
        tax_percent=tax,
        sample=book.sample,
        offers=tuple(offers[key] for key in sorted(offers)),
    )
    return msgspec.structs.replace(found, hash=hash_of(found))


def check_places(offers: Offers, places: Collection[str], *, where: str) -> tuple[Finding, ...]:
    """Places that the price book sells at and the register does not know, one finding each (PSE-P301).

    Args:
        offers: The price book.
        places: Place ids of the register.
        where: The price book's file, as the source of the findings.
    """
    known = frozenset(places)
    return tuple(
        Finding(
            code="PSE-P301",
            severity=Severity.WARNING,
            subject=place,
            message="the price book has offers at a place that is not in the register",
            remedy="Correct the place's id in the price book, or add the place to the register.",
            source=where,
        )
        for place in sorted({offer.place for offer in offers.offers} - known)
    )


def _offer(row: _Row, *, where: str, at: str) -> Offer:
    for key in ("place", "name"):
        if not getattr(row, key).strip():
            raise BadInput(f"{at}: {key} is empty", where=where)
    if row.unit not in UNITS[row.kind]:
        wanted = " or ".join(UNITS[row.kind])
        raise BadInput(f"{at}: a price of {row.kind} is per {wanted}, not per {row.unit!r}", where=where)
    if row.kind is OfferKind.COMPUTE and (row.vcpus < 1 or row.memory_mib < 1):
        raise BadInput(f"{at}: a compute offer needs vcpus and memory_mib", where=where)
    performance = _checked_size(row, where=where, at=at)
    if row.kind is OfferKind.SAAS and not row.capability:
        raise BadInput(f"{at}: a saas offer needs the capability that it replaces", where=where)
    if row.kind is OfferKind.IMAGE and not row.os_family:
        raise BadInput(f"{at}: an image offer needs os_family", where=where)
    price = None if row.price is None else _amount(row.price, where=where, key=f"{at}: price")
    fields = {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("price", "performance")}
    return Offer(id=f"{row.place}:{row.kind}:{row.name}", price=price, performance=performance, **fields)


def _checked_size(row: _Row, *, where: str, at: str) -> Decimal:
    """The performance of a row whose sizes and limits can be; see `_offer`."""
    for key in ("vcpus", "memory_mib", *_LIMITS):
        if getattr(row, key) > _MOST_SIZE:
            raise BadInput(f"{at}: {key} is more than any machine has", where=where)
    for key in _LIMITS:
        if getattr(row, key) < 0:
            raise BadInput(f"{at}: {key} is negative", where=where)
    performance = _amount(row.performance, where=where, key=f"{at}: performance", most=_MOST_PERFORMANCE)
    if not performance:
        raise BadInput(f"{at}: performance is 0; leave it out where nobody measured it", where=where)
    if performance != 1 and not row.source:
        raise BadInput(f"{at}: performance needs the source that measured it", where=where)
    return performance


def _amount(text: str, *, where: str, key: str, most: Decimal = _MOST) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as exc:
        raise BadInput(f"{key} is not a number: {printable(text[:40])!r}", where=where) from exc
    if not amount.is_finite() or amount < 0:
        raise BadInput(f"{key} has to be a finite number, 0 or more: {printable(text[:40])!r}", where=where)
    if not _PLAIN.fullmatch(text):
        raise BadInput(
            f"{key} has to be written in the digits 0 to 9, with a point and nothing else: {printable(text[:40])!r}",
            where=where,
        )
    if amount > most or (amount and amount.quantize(_LEAST, context=_WIDE) != amount):
        raise BadInput(
            f"{key} has to be at most {most:,f}, with at most {_DECIMALS} decimals: {printable(text[:40])!r}",
            where=where,
        )
    # One amount, one spelling, whatever the file writes: 8.4 and 8.40 are the same price and the same plan.
    return amount.quantize(_CENT) if amount == amount.quantize(_CENT) else amount.normalize()
