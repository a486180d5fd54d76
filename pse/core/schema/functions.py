"""What a program may ask: an image, a shape, a price. The place's cloud answers, or the workspace's price book.

Amounts are texts: the wire has no exact numbers.
"""

from typing import Annotated

from pse.core.schema.declaring import Asked, Told, out, plain


class GetImageArgs(Asked, frozen=True, kw_only=True):
    """The newest image of a name at a place.

    Attributes:
        name: As the price book or the cloud calls it.
    """

    name: Annotated[str, plain("Name of the image, as the price book or the cloud calls it.")]


class GetImageResult(Told, frozen=True, kw_only=True):
    """An image.

    Attributes:
        image: What ``Server.image`` takes.
        created: Day it was made, as the cloud says it; empty where it does not.
    """

    image: Annotated[str, out("What the input image of a Server takes.")]
    created: Annotated[str, out("When it was made, as the cloud says it; empty where it does not.")]


class GetShapeArgs(Asked, frozen=True, kw_only=True):
    """The cheapest shape of the price book that is large enough; of equal ones the smaller.

    Attributes:
        vcpus: At least.
        memory_mib: At least.
        architecture: Exactly.
    """

    vcpus: Annotated[int, plain("Virtual CPUs at least.")]
    memory_mib: Annotated[int, plain("Memory in MiB at least.")]
    architecture: Annotated[str, plain("Architecture in the words of the price book.")] = "x86_64"


class GetShapeResult(Told, frozen=True, kw_only=True):
    """A shape.

    Attributes:
        shape: What ``Server.shape`` takes.
        vcpus: Virtual CPUs that it has.
        memory_mib: Memory that it has.
        priced: Whether it has a price; one without is taken only where no priced one is large enough.
    """

    shape: Annotated[str, out("What the input shape of a Server takes.")]
    vcpus: Annotated[int, out("Virtual CPUs that it has.")]
    memory_mib: Annotated[int, out("Memory in MiB that it has.")]
    priced: Annotated[bool, out("Whether the price book has a price for it.")]


class GetPriceArgs(Asked, frozen=True, kw_only=True):
    """What an offer of the price book costs a month.

    Attributes:
        kind: Kind of the offer.
        name: Its name.
        quantity: How many of it, in its unit: GiB of storage, seats; servers and addresses are counted.
    """

    kind: Annotated[str, plain("compute, storage, snapshot, egress, address, saas, support or image.")]
    name: Annotated[str, plain("Name of the offer, for example std-2-8 or ssd.")]
    quantity: Annotated[int, plain("How many: GiB of storage or traffic, seats, servers, addresses.")] = 1


class GetPriceResult(Told, frozen=True, kw_only=True):
    """A price.

    Attributes:
        priced: Whether there is one; without, ``price`` and ``monthly`` are empty, and never 0.
        price: For one unit, before tax.
        unit: ``hour``, ``GiB-month``, ``GiB``, ``month`` or ``seat-month``.
        monthly: For ``quantity`` and a month, before tax.
        currency: ISO 4217 code.
        tax_percent: Tax on top; empty when the book does not say.
        book: Name of the price book.
        dated: Day of its prices.
        sample: The prices are invented.
        note: In words, what is missing.
    """

    priced: Annotated[bool, out("Whether there is a price; without one, price and monthly are empty, and never 0.")]
    price: Annotated[str, out("Price of one unit, before tax.")]
    unit: Annotated[str, out("What the price is for: hour, GiB-month, GiB, month or seat-month.")]
    monthly: Annotated[str, out("Price of the quantity for a month of 730 hours, before tax.")]
    currency: Annotated[str, out("Code of the currency.")]
    tax_percent: Annotated[str, out("Tax on top, in percent; empty when the price book does not say.")]
    book: Annotated[str, out("Name of the price book.")]
    dated: Annotated[str, out("Day of its prices.")]
    sample: Annotated[bool, out("Whether the prices are invented.")]
    note: Annotated[str, out("What is missing, in words; empty when nothing is.")]
