"""Rows of price books and price sheets: what one may say, and the offer that it is."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from providers.catalog.amounts import HUNDRED, amount, reckoned
from pse.core.documents.offers import Offer, OfferKind, Rate
from pse.core.errors import BadInput

UNITS: Mapping[OfferKind, tuple[str, ...]] = MappingProxyType(
    {
        OfferKind.COMPUTE: ("hour",),
        OfferKind.STORAGE: ("GiB-month", "month"),
        OfferKind.IOPS: ("IOPS-month",),
        OfferKind.SNAPSHOT: ("GiB-month",),
        OfferKind.BACKUP: ("GiB-month",),
        OfferKind.EGRESS: ("GiB",),
        OfferKind.ADDRESS: ("month", "hour"),
        OfferKind.LOAD_BALANCER: ("month", "hour"),
        OfferKind.LICENCE: ("month", "hour", "vcpu-month", "vcpu-hour"),
        OfferKind.SAAS: ("month", "seat-month"),
        OfferKind.SUPPORT: ("month", "percent"),
        OfferKind.MIGRATION: ("once", "GiB"),
        OfferKind.IMAGE: ("month", "hour"),
    }
)
"""Units that a price of each kind may be for; another one could not be multiplied by anything the plan knows."""

TERMS = (0, 12, 36)
"""Months of commitment that are sold."""
_STEPPED = frozenset({(OfferKind.EGRESS, "GiB"), (OfferKind.IOPS, "IOPS-month"), (OfferKind.SUPPORT, "percent")})
"""Kinds and units whose price may go in steps."""
_MOST_SIZE = 2**31
"""The largest number of vCPUs, MiB or volumes that an offer can have."""
_ZERO, _ONE = Decimal(0), Decimal(1)
_SIZES = ("vcpus", "memory_mib", "max_volumes", "max_nics", "max_iops", "max_mbps", "gpus", "disk_gib")
_MOST_PERFORMANCE = Decimal(100)
_NO_OFFER = ("price", "currency", "discount_percent", "above", "upfront", "minimum", "performance")
"""What of a row is not in its offer as it stands."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row as a file has it; numbers that are money are texts, because a float is not exact. See `Offer`."""

    place: str
    kind: OfferKind
    name: str
    unit: str
    price: str | None = None
    currency: str = ""
    discount_percent: str = "0"
    above: str = "0"
    term_months: int = 0
    upfront: str | None = None
    minimum: str | None = None
    disk_gib: int | None = None
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
    dated: date | None = None


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """The currency that prices are brought into, and the rates for it.

    Attributes:
        into: Currency of all offers.
        usual: Currency of a row that names none.
        rates: By currency.
    """

    into: str
    usual: str
    rates: Mapping[str, Rate]

    def rate(self, currency: str) -> Decimal | None:
        """What one unit of ``currency`` is; None when no rate says it."""
        if currency == self.into:
            return _ONE
        found = self.rates.get(currency)
        return found.rate if found else None


def offer_of(row: Row, exchange: Exchange, *, where: str, at: str) -> Offer:
    """The offer that ``row`` is; without a price where no rate brings it into the book's currency.

    Raises:
        BadInput: It makes no sense; the message begins with ``at``.
    """
    for problem in _problems(row):
        raise BadInput(f"{at}: {problem}", where=where)
    steps = _ZERO if row.above == "0" else amount(row.above, where=where, key=f"{at}: above")
    if steps and (row.kind, row.unit) not in _STEPPED:
        raise BadInput(f"{at}: a price of {row.kind} per {row.unit} has no steps, so nothing is above", where=where)
    off = _ZERO
    if row.discount_percent != "0":
        off = amount(row.discount_percent, where=where, key=f"{at}: discount_percent", most=HUNDRED)
    currency = row.currency or exchange.usual
    percent = row.unit == "percent"
    rate = Decimal(1) if percent else exchange.rate(currency)
    written: dict[str, Decimal] = {}
    for key, text in (("price", row.price), ("upfront", row.upfront), ("minimum", row.minimum)):
        if text is not None:
            written[key] = amount(text, where=where, key=f"{at}: {key}")
    money: dict[str, Decimal | None] = {}
    if rate is not None:
        money |= {key: reckoned(number, rate=rate, discount_percent=off) for key, number in written.items()}
    if percent:
        money |= _money_of_a_share(row, written, off, exchange.rate(currency), where=where, at=at)
        steps = reckoned(steps, rate=exchange.rate(currency) or Decimal(1), discount_percent=Decimal(0))
    fields = msgspec.structs.asdict(row)
    for name in _NO_OFFER:
        del fields[name]
    return Offer(
        id=f"{row.place}:{row.kind}:{row.name}{_suffix(row, steps)}",
        price=money.get("price"),
        upfront=money.get("upfront"),
        minimum=money.get("minimum"),
        above=steps,
        performance=_performance(row, where=where, at=at),
        listed=_listed(written, currency, off, plain=currency == exchange.into and not off),
        **fields,
    )


def _money_of_a_share(
    row: Row, written: Mapping[str, Decimal], off: Decimal, rate: Decimal | None, *, where: str, at: str
) -> dict[str, Decimal | None]:
    """A share of the spend knows no currency, and its least amount does; without a rate for that it has no price."""
    if (share := written.get("price")) is not None and share > HUNDRED:
        raise BadInput(f"{at}: price is more than 100 percent", where=where)
    if "minimum" not in written and not Decimal(row.above):
        return {}
    if rate is None:
        return {"price": None, "minimum": None}
    if "minimum" not in written:
        return {}
    return {"minimum": reckoned(written["minimum"], rate=rate, discount_percent=off)}


def _suffix(row: Row, above: Decimal) -> str:
    words = [f" above {above.normalize():f}"] if above else []
    if row.term_months:
        words.append(f" {row.term_months} months")
    if row.kind is OfferKind.STORAGE and row.unit == "month":
        words.append(f" {row.disk_gib} GiB")
    return "".join(words)


def _listed(written: Mapping[str, Decimal], currency: str, off: Decimal, *, plain: bool) -> str:
    if plain or not written:
        return ""
    amounts = ", ".join(f"{key} {number:f}" if key != "price" else f"{number:f}" for key, number in written.items())
    return f"{amounts} {currency}" + (f" less {off.normalize():f} %" if off else "")


def _performance(row: Row, *, where: str, at: str) -> Decimal:
    if row.performance == "1":
        return _ONE
    performance = amount(row.performance, where=where, key=f"{at}: performance", most=_MOST_PERFORMANCE)
    if not performance:
        raise BadInput(f"{at}: performance is 0; leave it out where nobody measured it", where=where)
    if performance != 1 and not row.source:
        raise BadInput(f"{at}: performance needs the source that measured it", where=where)
    return performance


def _problems(row: Row) -> Iterable[str]:
    """What makes no sense in it, in words."""
    for key in ("place", "name"):
        if not getattr(row, key).strip():
            yield f"{key} is empty"
    if row.unit not in UNITS[row.kind]:
        yield f"a price of {row.kind} is per {' or '.join(UNITS[row.kind])}, not per {row.unit!r}"
    for key in _SIZES:
        size = getattr(row, key)
        if not size:
            continue
        if size > _MOST_SIZE:
            yield f"{key} is more than any machine has"
        if size < 0:
            yield f"{key} is negative"
    yield from _lacking(row)
    yield from _misplaced(row)


def _lacking(row: Row) -> Iterable[str]:
    """What an offer of its kind cannot do without."""
    if row.kind is OfferKind.COMPUTE and (row.vcpus < 1 or row.memory_mib < 1):
        yield "a compute offer needs vcpus and memory_mib"
    if row.kind is OfferKind.STORAGE and row.unit == "month" and not row.disk_gib:
        yield "storage by the month needs disk_gib, the size of the class"
    if row.kind is OfferKind.SAAS and not row.capability:
        yield "a saas offer needs the capability that it replaces"
    if row.kind is OfferKind.IMAGE and not row.os_family:
        yield "an image offer needs os_family"


def _misplaced(row: Row) -> Iterable[str]:
    """What only offers of another kind have."""
    if row.term_months not in TERMS or (row.term_months and row.kind is not OfferKind.COMPUTE):
        yield "term_months is 12 or 36, of a compute offer"
    if row.upfront is not None and not row.term_months:
        yield "what is paid upfront needs term_months"
    if row.minimum is not None and not (row.unit == "percent" and _number(row.above) == 0):
        yield "minimum belongs to the first step of support by percent"


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None
