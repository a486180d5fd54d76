"""What people ask of a price book: which shape is large enough, and what an offer costs a month."""

from collections.abc import Iterable
from decimal import Decimal

from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.errors import BadInput
from pse.core.money import HOURS_PER_MONTH, cents


def worth_having(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """The compute offers on demand that somebody may want, in the order in which they are wanted.

    Cheapest first, a tie goes to the smaller, then by name; those without a price come last. One that an earlier one
    outdoes in everything is left out: whoever it would be large enough for takes the earlier one.
    """
    shapes = sorted(
        (offer for offer in offers if offer.kind is OfferKind.COMPUTE and not offer.term_months),
        key=lambda s: (s.price is None, s.price or 0, s.vcpus, s.memory_mib, s.name),
    )
    kept: list[Offer] = []
    for shape in shapes:
        if not any(_outdoes(other, shape) for other in kept):
            kept.append(shape)
    return tuple(kept)


def large_enough(
    shapes: Iterable[Offer], *, vcpus: int, memory_mib: int, architecture: str, volumes: int = 0
) -> Offer | None:
    """The cheapest offer that is large enough.

    Args:
        shapes: Of `worth_having`.
        vcpus: At least so many.
        memory_mib: At least so much.
        architecture: This one.
        volumes: Disks that it has to carry; an offer with ``max_volumes`` 0 states no limit.
    """
    return next(
        (
            shape
            for shape in shapes
            if shape.vcpus >= vcpus
            and shape.memory_mib >= memory_mib
            and shape.architecture == architecture
            and (shape.max_volumes == 0 or shape.max_volumes >= volumes)
        ),
        None,
    )


def _outdoes(one: Offer, other: Offer) -> bool:
    return (
        one.vcpus >= other.vcpus
        and one.memory_mib >= other.memory_mib
        and one.architecture == other.architecture
        and (one.max_volumes == 0 or one.max_volumes >= other.max_volumes > 0)
    )


def offer_at(offers: Offers, place: str, kind: OfferKind, name: str) -> Offer:
    """One offer, without commitment.

    Raises:
        BadInput: There is none, and the hint names those of its kind at the place; or the name is that of several
            rows, of which no single one is the price.
    """
    there = [o for o in offers.offers if (o.place, o.kind) == (place, kind) and not o.term_months]
    found = [offer for offer in there if offer.name == name]
    if not found:
        known = ", ".join(dict.fromkeys(offer.name for offer in there)) or "none"
        raise BadInput(f"the price book has no {kind} {name!r} at {place}", hint=f"It has {known}.", where="name")
    if len(found) > 1:
        raise BadInput(
            f"{kind} {name!r} at {place} has {len(found)} prices, by quantity",
            hint="`pse plan` reckons with them; no single one is the price.",
            where="name",
        )
    return found[0]


def monthly(offer: Offer, quantity: int) -> Decimal | None:
    """What a quantity of an offer costs a month of 730 hours, before tax; None without a price.

    Raises:
        BadInput: It is paid once, or is a share of something else.
    """
    if offer.unit == "percent":
        raise BadInput(f"{offer.name} is a share of what is spent, and has no monthly price")
    if offer.unit == "once" or offer.kind is OfferKind.MIGRATION:
        raise BadInput(f"{offer.name} is paid once, and has no monthly price")
    if offer.price is None:
        return None
    return cents(offer.price * quantity * (HOURS_PER_MONTH if offer.unit.endswith("hour") else 1))
