"""What is said of what is bought: assumed system disks, how commitments pay off, licences that are brought."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import ROUND_CEILING, Context, Decimal

from blueprints.bills.catalogue import Catalogue
from blueprints.bills.lines import system_gib
from blueprints.model import Wanted
from pse.core.documents.offers import Offer, OfferKind, Offers, Prices
from pse.core.documents.plan import Unit
from pse.core.findings import Finding, Severity
from pse.core.text import counted, few

_NAMED = 20
_WIDE = Context(prec=60)


def prices_of(offers: Offers) -> Prices:
    """What a plan keeps of its price book."""
    return Prices(
        file=offers.file,
        book=offers.book,
        dated=offers.dated,
        hash=offers.hash,
        tax_percent=offers.tax_percent,
        rates=offers.rates,
    )


def of_the_bills(units: Iterable[Unit], wanted: Iterable[Wanted], catalogue: Catalogue) -> Iterable[Finding]:
    """What a reader of the bills has to know of how they were made, place by place."""
    used: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    built: set[str] = set()
    for unit in units:
        used[unit.place] |= {(server.shape, server.image) for server in unit.servers}
        built.add(unit.id)
    for place in sorted(used):
        shapes = {shape.name: shape for shape in catalogue.at(place, OfferKind.COMPUTE)}
        images = {image.name: image for image in catalogue.at(place, OfferKind.IMAGE)}
        pairs = [(shapes[s], images[i]) for s, i in sorted(used[place]) if s in shapes and i in images]
        yield from _assumed(place, pairs, catalogue)
        yield from _committed(place, dict.fromkeys(shape.name for shape, _ in pairs), catalogue)
    yield from _brought((w for w in wanted if w.id in built), catalogue)


def _assumed(place: str, pairs: Iterable[tuple[Offer, Offer]], catalogue: Catalogue) -> Iterable[Finding]:
    assumed = dict.fromkeys(i.name for s, i in pairs if i.disk_gib is None and system_gib(s, i, catalogue))
    if assumed:
        gib = catalogue.settings.system_disk_gib
        yield Finding(
            code="PSE-B070",
            severity=Severity.INFO,
            subject=place,
            message=f"system disks are billed with an assumed size of {gib} GiB, because the price book states none of "
            f"{few(list(assumed), _NAMED)}",
            remedy="State disk_gib of the image, or of the shape where it includes the system disk.",
            source="price book",
        )


def _committed(place: str, names: Iterable[str], catalogue: Catalogue) -> Iterable[Finding]:
    months = catalogue.settings.commitment.months
    if not months:
        return
    bought = [(name, catalogue.committed(place, name)) for name in names]
    paid = [f"{name} {break_even(term, catalogue)}" for name, term in bought if term is not None]
    if paid:
        yield Finding(
            code="PSE-B071",
            severity=Severity.INFO,
            subject=place,
            message=f"compute is bought for {counted(months, 'month')}, and is owed to their end: {few(paid, _NAMED)}",
            remedy="Commit to what is surely used that long; set plan.cost.commitment otherwise.",
            source="price book",
        )
    without = [name for name, term in bought if term is None]
    if without:
        yield Finding(
            code="PSE-B073",
            severity=Severity.INFO,
            subject=place,
            message=f"bought on demand, because no price for {counted(months, 'month')} is lower: "
            f"{few(without, _NAMED)}",
            remedy="Ask for the prices of a commitment, and add them to the price book with term_months.",
            source="price book",
        )


def break_even(term: Offer, catalogue: Catalogue) -> str:
    """In words, after how many months of use a commitment has cost less than the same months on demand.

    The whole term is owed from its first day, so it is ``term / month on demand``, in whole months rounded up.
    """
    plain = catalogue.on_demand(term)
    if plain is None or not plain.price or term.price is None:
        return "(no price on demand to compare)"
    hours = catalogue.settings.hours_per_month
    whole = term.price * hours * term.term_months + (term.upfront or Decimal(0))
    number = _WIDE.divide(whole, plain.price * hours).to_integral_value(rounding=ROUND_CEILING)
    if number > term.term_months:
        return "(never less than on demand)"
    return f"(less than on demand when used for {number:f} of {term.term_months} months)"


def _brought(wanted: Iterable[Wanted], catalogue: Catalogue) -> Iterable[Finding]:
    bring = frozenset(catalogue.settings.bring)
    if not bring:
        return
    counts = Counter(
        product for w in wanted for demand in w.servers for product in {demand.os_family, *demand.licences} & bring
    )
    for product in sorted(counts):
        yield Finding(
            code="PSE-B072",
            severity=Severity.INFO,
            subject=product,
            message=f"the entity brings the licences of {product} for {counted(counts[product], 'server')}: in no bill",
            remedy="Make sure that they are owned and may be used at the place; see plan.cost.bring.",
            source="pse.toml",
        )
