"""Offers: who sells what, where, for how much, how sure."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec


class OfferKind(StrEnum):
    """What an offer sells."""

    COMPUTE = "compute"
    STORAGE = "storage"
    SNAPSHOT = "snapshot"
    EGRESS = "egress"
    ADDRESS = "address"
    SAAS = "saas"
    SUPPORT = "support"
    MIGRATION = "migration"
    IMAGE = "image"
    """An operating system image, with the price of its licence."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A priced row at a place.

    Attributes:
        id: Stable id of the row: place, kind and name.
        place: Place id.
        kind: See `OfferKind`.
        name: Shape or class, for example ``std-2-8`` or ``ssd``.
        unit: What the price is for: ``hour``, ``GiB-month``, ``GiB``, ``month``, ``seat-month``, ``once``.
        price: Per unit in the book's currency; None is "no price", which is said and never taken as 0.
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
    """

    id: str
    place: str
    kind: OfferKind
    name: str
    unit: str
    price: Decimal | None
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


class Offers(msgspec.Struct, frozen=True, kw_only=True):
    """A dated price book.

    Attributes:
        schema: Version of this document.
        book: Name of the book.
        dated: Day of its prices.
        currency: Currency of every price in it.
        tax_percent: Sales tax on every line, in percent; None when not stated.
        sample: Prices are invented.
        offers: Sorted by id.
        hash: SHA-256 over the rest.
    """

    schema: int = 1
    book: str
    dated: date
    currency: str
    tax_percent: Decimal | None = None
    sample: bool = False
    offers: tuple[Offer, ...]
    hash: str = ""
