"""Offers: who sells what, where, for how much, how sure."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from pse.core.findings import Finding


class OfferKind(StrEnum):
    """What an offer sells."""

    COMPUTE = "compute"
    STORAGE = "storage"
    IOPS = "iops"
    """Operations a second of a storage class that bears the same name, where they are priced apart."""
    SNAPSHOT = "snapshot"
    BACKUP = "backup"
    EGRESS = "egress"
    ADDRESS = "address"
    LOAD_BALANCER = "load-balancer"
    LICENCE = "licence"
    """A product's licence that the place sells; that of an operating system is in its image's price."""
    SAAS = "saas"
    SUPPORT = "support"
    MIGRATION = "migration"
    IMAGE = "image"
    """An operating system image, with the price of its licence."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A priced row at a place.

    Attributes:
        id: Stable id of the row: place, kind and name, and what of the next four tells it from its sisters.
        place: Place id.
        kind: See `OfferKind`.
        name: Shape or class, for example ``std-2-8`` or ``ssd``.
        unit: What the price is for: ``hour``, ``GiB-month``, ``GiB``, ``month``, ``seat-month``, ``once`` …
        price: Per unit in the book's currency; None is "no price", which is said and never taken as 0.
        above: Units that come before this row's: rows of one name are the steps of a tariff, and each prices the units
            above its own bound up to the next one's. For ``percent`` the bound is an amount of money.
        term_months: Months of commitment that the price takes; 0 is on demand. Compute only.
        upfront: Paid for each server at the start of each term; compute with a term only.
        minimum: Least that is charged a month; for support by ``percent`` only.
        disk_gib: Image: GiB of its system disk, None when not stated. Compute: GiB of system disk that the shape
            includes. Storage by the ``month``: GiB of the size class, which a volume of up to that size takes.
        vcpus: Compute only.
        memory_mib: Compute only.
        max_volumes: Volumes a server of this shape can carry; compute only.
        max_nics: Network cards it can carry; compute only. 0 states no limit, as with every limit of an offer.
        max_iops: Reads and writes a second, of all disks of a shape or of one volume of a storage class.
        max_mbps: MB a second, likewise.
        gpus: Compute only.
        generation: CPU generation in the seller's words, for example ``m7i``; empty is not stated. Compute only.
        performance: Work of one of its vCPUs, 1 being the reference; ``source`` says who measured it. Compute only.
        boot: ``bios``, ``uefi`` or ``both``; empty is not stated. Compute only.
        dedicated: Nobody else's servers are on the machine. Compute only.
        architecture: Compute only.
        os_family: Image only; as in a snapshot.
        os_version: Image only; as in a snapshot.
        capability: For SaaS: what it replaces, for example ``learning-management``.
        quality: ``listed``, ``quoted``, ``estimated`` or ``sample``.
        source: Document that the price was read in.
        listed: What the document says, where ``price`` was reckoned from it: ``0.0416 USD less 10 %``.
        dated: Day of this price, where it is not the book's.
    """

    id: str
    place: str
    kind: OfferKind
    name: str
    unit: str
    price: Decimal | None
    above: Decimal = Decimal(0)
    term_months: int = 0
    upfront: Decimal | None = None
    minimum: Decimal | None = None
    disk_gib: int | None = None
    vcpus: int = 0
    memory_mib: int = 0
    max_volumes: int = 0
    max_nics: int = 0
    max_iops: int = 0
    max_mbps: int = 0
    gpus: int = 0
    generation: str = ""
    performance: Decimal = Decimal(1)
    boot: str = ""
    dedicated: bool = False
    architecture: str = "x86_64"
    os_family: str = ""
    os_version: str = ""
    capability: str = ""
    quality: str = ""
    source: str = ""
    listed: str = ""
    dated: date | None = None


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one unit of a currency is in the book's, on a day, by a source: ``rate`` rupees for a dollar."""

    currency: str
    rate: Decimal
    dated: date
    source: str


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """A dated price book.

    Attributes:
        schema: Version of this document.
        book: Name of the book.
        dated: Day of its prices.
        currency: Currency of every price in it.
        tax_percent: Sales tax on every line, in percent; None when not stated.
        sample: Prices are invented.
        rates: By which prices in other currencies were reckoned into ``currency``.
        offers: Sorted by id.
        findings: Rows of price sheets that cannot be used, and what else came up in reading.
        file: Path of the book in the workspace; not in the hash.
        hash: SHA-256 over the rest.
    """

    schema: int = 1
    book: str
    dated: date
    currency: str
    tax_percent: Decimal | None = None
    sample: bool = False
    rates: tuple[Rate, ...] = ()
    offers: tuple[Offer, ...]
    findings: tuple[Finding, ...] = ()
    file: str = ""
    hash: str = ""


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """The price book that a plan was made by; each line of a bill names its row there.

    Attributes:
        file: Path of the book in the workspace; price sheets are named in it.
        book: Its name.
        dated: Day of its prices.
        hash: SHA-256 of its offers, as in ``Plan.inputs``.
        tax_percent: Sales tax that was added; None when not stated.
        rates: By which prices in other currencies were reckoned.
    """

    file: str
    book: str
    dated: date
    hash: str
    tax_percent: Decimal | None = None
    rates: tuple[Rate, ...] = ()
