"""The price book: one dated TOML file of a workspace, with the price sheets that it names, read strictly."""

import re
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import msgspec

from policy.jurisdictions import refuse_unknown
from providers.catalog.amounts import HUNDRED, amount
from providers.catalog.rows import Exchange, Row, offer_of
from providers.catalog.sheets import Sheet, read_sheet
from pse.core.canonical import hash_of
from pse.core.collector import without_collector
from pse.core.documents.offers import Offer, Offers, Rate
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace, load_toml
from pse.core.text import printable

_MOST_SAID = 50
"""Rows of one sheet that are told by name; of a sheet whose every row is wrong the first ones say why."""
_NO_MONEY = MappingProxyType({"price": None, "upfront": None, "minimum": None, "listed": ""})
_BESIDE = frozenset({"source", "quality", "dated", "listed"})
"""What two rows may say otherwise and still be one."""
_MEANT = (
    ("price", frozenset({"price", "upfront", "minimum"})),
    ("size or system", frozenset(Offer.__struct_fields__) - {"price", "upfront", "minimum"} - _BESIDE),
)
_CURRENCY = re.compile(r"[A-Z]{3}")


class _Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one unit of ``currency`` is in ``into``, which by default is the currency of the plan."""

    currency: str
    rate: str
    dated: date
    source: str
    into: str = ""


class _Tax(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sales tax on services of one jurisdiction."""

    jurisdiction: str
    percent: str | int
    dated: date
    source: str


class _Book(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    book: str
    dated: date
    currency: str
    tax_percent: str | int | None = None
    sample: bool = False
    rate: tuple[_Rate, ...] = ()
    tax: tuple[_Tax, ...] = ()
    sheet: tuple[Sheet, ...] = ()
    offer: tuple[Row, ...] = ()


def load_offers(workspace: Workspace) -> Offers:
    """Read the workspace's price book.

    Prices are strings in the file, because a TOML float is not exact. A row without ``price`` has no price, which is
    kept as such and never read as 0. Where the book has a rate into the currency of the plan, all prices are brought
    into that, exactly; else they stay in the book's. The tax is that of the entity's jurisdiction.

    Raises:
        BadInput: Not TOML, an unknown key, a wrong type, a price that is negative or not a number, a unit that does
            not belong to the kind, or two rows with one place, kind and name; the message names file and row. A sheet
            that cannot be read; a row of one that cannot be used is a finding (PSE-P303), as sheets come from sellers.
    """
    file = workspace.settings.price_book
    where = str(workspace.path(file))
    book = load_toml(workspace.path(file), _Book)
    exchange = _exchange(book, workspace.settings.plan.currency, where=where)
    offers: dict[str, Offer] = {}
    for number, row in enumerate(book.offer, start=1):
        at = f"offer row {number}"
        offer = offer_of(row, exchange, where=where, at=at)
        if offer.id in offers:
            raise BadInput(f"{at}: {printable(offer.id)} is there twice", where=where)
        offers[offer.id] = offer
    used = {row.currency or book.currency for row in book.offer}
    findings: list[Finding] = []
    with without_collector():
        for sheet in book.sheet:
            findings += _add_sheet(sheet, workspace.path(sheet.file), exchange, offers, used)
    findings += _without_rate(used, exchange, book.book, where=file)
    found = Offers(
        book=book.book,
        dated=book.dated,
        currency=exchange.into,
        tax_percent=_tax(book, workspace.settings.jurisdiction, where=where),
        sample=book.sample,
        rates=tuple(exchange.rates[code] for code in sorted(used & set(exchange.rates))),
        offers=tuple(offers[key] for key in sorted(offers)),
        findings=tuple(sorted(findings)),
    )
    return msgspec.structs.replace(found, hash=hash_of(found), file=file)


def _add_sheet(sheet: Sheet, path: Path, exchange: Exchange, offers: dict[str, Offer], used: set[str]) -> list[Finding]:
    """Add the offers of a sheet to ``offers`` and its currencies to ``used``; what is said of its rows.

    Of two rows that say two things of one nobody knows which holds: it has no price then, in whatever order they stand.
    """
    bad: list[Finding] = []
    rows: dict[str, str] = {}
    for read in read_sheet(sheet, path):
        problem, offer = read.problem, None
        if read.row is not None:
            try:
                offer = offer_of(read.row, exchange, where=sheet.file, at="")
            except BadInput as exc:
                problem = exc.message.removeprefix(": ")
        if read.row is None or offer is None:
            bad.append(_bad_row(read.at, f"cannot be used, so nothing is sold by it: {problem}"))
            continue
        used.add(read.row.currency or exchange.usual)
        same = offers.get(offer.id)
        if same is not None:
            what = next((word for word, fields in _MEANT if _told(same, fields) != _told(offer, fields)), "")
            if what:
                first = rows.get(offer.id, "the price book or another sheet")
                bad.append(_bad_row(read.at, f"another {what} than {first} has for {offer.id}: it counts as no price"))
                same, offer = (msgspec.structs.replace(one, **_NO_MONEY) for one in (same, offer))
            offer = min(same, offer, key=msgspec.json.encode)  # whatever the order of the rows
        offers[offer.id] = offer
        rows.setdefault(offer.id, read.at)
    if len(bad) > _MOST_SAID:
        bad[_MOST_SAID:] = [_bad_row(sheet.file, f"{len(bad) - _MOST_SAID} more rows like these")]
    return bad


def _told(offer: Offer, fields: Collection[str]) -> list[object]:
    return [getattr(offer, name) for name in sorted(fields)]


def _bad_row(at: str, message: str) -> Finding:
    return Finding(
        code="PSE-P303",
        severity=Severity.ERROR,
        subject=printable(at),
        message=printable(message),
        remedy="Correct the row, or have the seller correct it.",
        source="price sheet",
    )


def check_places(offers: Offers, places: Collection[str], *, where: str) -> tuple[Finding, ...]:
    """What is said of a price book: what came up in reading, and places that the register does not know (PSE-P301).

    Args:
        offers: The price book.
        places: Place ids of the register.
        where: The price book's file, as the source of the findings.
    """
    known = frozenset(places)
    strangers = (
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
    return (*offers.findings, *strangers)


def _exchange(book: _Book, wanted: str, *, where: str) -> Exchange:
    """Into the plan's currency where the book has a rate from its own, else into its own."""
    codes = [(book.currency, "currency")]
    rates: dict[tuple[str, str], Rate] = {}
    for number, row in enumerate(book.rate, start=1):
        into = row.into or wanted
        codes += [(row.currency, f"rate row {number}: currency"), (into, f"rate row {number}: into")]
        rate = amount(row.rate, where=where, key=f"rate row {number}: rate")
        if not rate or (row.currency, into) in rates or row.currency == into:
            raise BadInput(f"rate row {number}: a rate is above 0, into another currency, and there once", where=where)
        rates[row.currency, into] = Rate(currency=row.currency, rate=rate, dated=row.dated, source=row.source)
    codes += [(r.currency, f"offer row {n}: currency") for n, r in enumerate(book.offer, start=1) if r.currency]
    for code, key in codes:
        check_currency(code, key, where=where)
    into = wanted if (book.currency, wanted) in rates else book.currency
    return Exchange(into=into, usual=book.currency, rates={c: rate for (c, to), rate in rates.items() if to == into})


def check_currency(code: str, key: str, *, where: str) -> None:
    """Return when ``code`` may be a currency.

    Raises:
        BadInput: It is none.
    """
    if not _CURRENCY.fullmatch(code):
        raise BadInput(
            f"{key} is no code: {printable(code[:40])!r}",
            where=where,
            hint="Write the three capital letters of ISO 4217, for example PKR.",
        )


def _tax(book: _Book, jurisdiction: str, *, where: str) -> Decimal | None:
    """That of the entity's jurisdiction, else the book's own, else None."""
    percents: dict[str, Decimal] = {}
    for number, row in enumerate(book.tax, start=1):
        at = f"tax row {number}"
        refuse_unknown(row.jurisdiction, where=f"{where}, {at}")
        if row.jurisdiction in percents:
            raise BadInput(f"{at}: {row.jurisdiction} is there twice", where=where)
        percents[row.jurisdiction] = amount(str(row.percent), where=where, key=f"{at}: percent", most=HUNDRED)
    if jurisdiction in percents:
        return percents[jurisdiction]
    if book.tax_percent is None:
        return None
    return amount(str(book.tax_percent), where=where, key="tax_percent", most=HUNDRED)


def _without_rate(used: Iterable[str], exchange: Exchange, book: str, *, where: str) -> Iterable[Finding]:
    for code in sorted(code for code in used if exchange.rate(code) is None):
        yield Finding(
            code="PSE-P302",
            severity=Severity.WARNING,
            subject=book,
            message=f"prices in {code} count as no price: the book has no rate from {code} into {exchange.into}",
            remedy="Add a [[rate]] with its day and source to the price book.",
            source=where,
        )
