"""Functions: questions of a program, judged by the gate like a resource, answered by the place or the price book."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from providers.catalog import load_offers
from providers.catalog.questions import large_enough, monthly, offer_at, worth_having
from providers.gatekeeper import words
from providers.plugin.check import Failure, wrong_type
from providers.plugin.session import Session
from providers.plugin.wire import UNKNOWN, UNKNOWN_TEXT, is_unknown, plain
from providers.ports import FindsImages, FixedImages, FoundImage
from pse.core.documents.offers import OfferKind
from pse.core.errors import BadInput
from pse.core.schema import (
    FUNCTIONS,
    Function,
    GetImageArgs,
    GetImageResult,
    GetPriceArgs,
    GetPriceResult,
    GetShapeArgs,
    GetShapeResult,
    Told,
)

ASK_S = 60.0


def answer(
    session: Session, token: str, raw: Mapping[str, Any], *, preview: bool
) -> tuple[dict[str, Any], list[Failure]]:
    """What the engine is told: the answer, or why there is none.

    Args:
        session: The connection.
        token: Pulumi's token of the function.
        raw: Arguments as they came over the wire.
        preview: Something may not be known yet; then neither is the answer. A place has to be known always.

    Raises:
        PortError: The cloud said no to the question itself.
    """
    function = next((known for known in FUNCTIONS.values() if known.token == token), None)
    if function is None:
        known = ", ".join(known.token for known in FUNCTIONS.values())
        return {}, [("", f"there is no function {token}; there are {known}")]
    asked = {wire: value for wire, value in plain(dict(raw)).items() if value is not None}
    found = _wrong(function, asked) or _refused(session, function, asked)
    if found:
        return {}, found
    if is_unknown(asked):
        if preview:
            return dict.fromkeys(function.output_fields(), UNKNOWN_TEXT), []
        return {}, [(wire, "has to be known") for wire, value in asked.items() if is_unknown(value)]
    try:
        told = _ANSWERS[function.name](session, msgspec.convert(asked, function.inputs))
    except BadInput as exc:
        about = exc.where if exc.where in function.input_fields() else ""
        return {}, [(about, f"{exc.message}. {exc.hint}" if exc.hint else exc.message)]
    return msgspec.to_builtins(told), []


def _wrong(function: Function, asked: Mapping[str, Any]) -> list[Failure]:
    fields = function.input_fields()
    strange = f"{function.name} takes nothing of this name; it takes {', '.join(fields)}"
    found = [(wire, strange) for wire in asked if wire not in fields]
    for wire, field in fields.items():
        if wire not in asked:
            found += [(wire, "is required")] if field.required else []
        elif said := wrong_type(asked[wire], field.type):
            found.append((wire, said))
        elif isinstance(asked[wire], int) and asked[wire] < 1:
            found.append((wire, "is 1 or more"))
    return found


def _refused(session: Session, function: Function, asked: Mapping[str, Any]) -> list[Failure]:
    stack = session.asker
    if not stack:
        return [("", "it is not known which unit asks; set pse:unit")]
    refusals = session.gatekeeper_of(stack).judge(
        function.name,
        asked,
        urn=function.token,
        stack=stack,
        place_of=lambda _wire, _value: None,
        unknown=lambda value: value is UNKNOWN,
        endpoint_of=session.places.endpoint_of,
    )
    # One failure, because Pulumi's SDKs show the first only.
    return [("place", "; ".join(words(refusal) for refusal in refusals))] if refusals else []


def _image(session: Session, asked: GetImageArgs) -> GetImageResult:
    provider = session.places.provider(asked.place)
    found: FoundImage | None
    if isinstance(provider, FindsImages):
        finder: FindsImages = provider
        deadline = session.calls.deadline(ASK_S)
        found = session.calls.again(lambda: finder.find_image(asked.name), at=asked.place, deadline=deadline)
        known = ""
    elif isinstance(provider, FixedImages):
        found = FoundImage(id=asked.name) if asked.name in provider.images else None
        known = f"It has {', '.join(sorted(provider.images))}."
    else:
        raise BadInput(f"the provider {provider.name} cannot be asked for images")
    if found is None:
        raise BadInput(f"there is no image {asked.name!r} at {asked.place}", hint=known, where="name")
    return GetImageResult(image=found.id, created=found.created)


def _shape(session: Session, asked: GetShapeArgs) -> GetShapeResult:
    offers = load_offers(session.workspace)
    there = worth_having(offer for offer in offers.offers if offer.place == asked.place)
    found = large_enough(there, vcpus=asked.vcpus, memory_mib=asked.memory_mib, architecture=asked.architecture)
    if found is None:
        raise BadInput(
            f"the price book {offers.book} has no {asked.architecture} shape at {asked.place} with {asked.vcpus} vCPUs "
            f"and {asked.memory_mib} MiB",
            where="vcpus",
        )
    return GetShapeResult(
        shape=found.name, vcpus=found.vcpus, memory_mib=found.memory_mib, priced=found.price is not None
    )


def _price(session: Session, asked: GetPriceArgs) -> GetPriceResult:
    offers = load_offers(session.workspace)
    kinds = {kind.value: kind for kind in OfferKind if kind is not OfferKind.MIGRATION}
    if asked.kind not in kinds:
        raise BadInput(f"kind is one of {', '.join(sorted(kinds))}", where="kind")
    offer = offer_at(offers, asked.place, kinds[asked.kind], asked.name)
    amount = monthly(offer, asked.quantity)
    missing = f"no price: the price book {offers.book} of {offers.dated} has none for {offer.name} at {offer.place}"
    return GetPriceResult(
        priced=amount is not None,
        price="" if offer.price is None else str(offer.price),
        unit=offer.unit,
        monthly="" if amount is None else str(amount),
        currency=offers.currency,
        tax_percent="" if offers.tax_percent is None else str(offers.tax_percent),
        book=offers.book,
        dated=offers.dated.isoformat(),
        sample=offers.sample,
        note="" if amount is not None else missing,
    )


_ANSWERS: Mapping[str, Callable[[Session, Any], Told]] = MappingProxyType(
    {"getImage": _image, "getShape": _shape, "getPrice": _price}
)
