"""What people ask of a price book: which shape is large enough, and what an offer costs a month."""

from collections.abc import Iterable
from decimal import Decimal

from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.errors import BadInput
from pse.core.money import HOURS_PER_MONTH, cents


def large_enough(
    shapes: Iterable[Offer], *, vcpus: int, memory_mib: int, architecture: str, volumes: int = 0
) -> Offer | None:
    """The cheapest compute offer that is large enough; a tie goes to the smaller, then by name.

    Offers without a price are taken only when no priced one fits. An offer with ``max_volumes`` 0 states no limit.
    """
    fitting = [
        shape
        for shape in shapes
        if shape.kind is OfferKind.COMPUTE
        and shape.vcpus >= vcpus
        and shape.memory_mib >= memory_mib
        and shape.architecture == architecture
        and (shape.max_volumes == 0 or shape.max_volumes >= volumes)
    ]
    return min(fitting, key=lambda s: (s.price is None, s.price or 0, s.vcpus, s.memory_mib, s.name), default=None)


def offer_at(offers: Offers, place: str, kind: OfferKind, name: str) -> Offer:
    """One offer.

    Raises:
        BadInput: There is none; the hint names those of its kind at the place.
    """
    there = [offer for offer in offers.offers if (offer.place, offer.kind) == (place, kind)]
    found = next((offer for offer in there if offer.name == name), None)
    if found is None:
        known = ", ".join(offer.name for offer in there) or "none"
        raise BadInput(f"the price book has no {kind} {name!r} at {place}", hint=f"It has {known}.", where="name")
    return found


def monthly(offer: Offer, quantity: int) -> Decimal | None:
    """What a quantity of an offer costs a month of 730 hours, before tax; None without a price.

    Raises:
        BadInput: It is paid once.
    """
    if offer.unit == "once" or offer.kind is OfferKind.MIGRATION:
        raise BadInput(f"{offer.name} is paid once, and has no monthly price")
    if offer.price is None:
        return None
    return cents(offer.price * quantity * (HOURS_PER_MONTH if offer.unit == "hour" else 1))
