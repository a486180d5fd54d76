"""What a plan would be with another price, category, place or size: to look at, never to build.

What comes out is an `Outline`: it has no hash, no gate and no signature, is written nowhere, and neither the ledger nor
the record of categories hears of it. So a category that is lowered here opens no place to anything.
"""

import difflib
import re
from collections.abc import Callable, Collection, Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from blueprints.comparing.plandiff import Outline
from blueprints.planning.inputs import Inputs, look_at_inputs
from blueprints.planning.making import draft_plan, plan_of
from pse.core.canonical import hash_of
from pse.core.documents.category import Category
from pse.core.documents.offers import Offer, OfferKind
from pse.core.documents.workloads import WorkloadDeclaration
from pse.core.errors import UsageError
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from policy import Policy

FORMS = (
    "price:PLACE:KIND=+10%, =-5% or =12.50; category:WORKLOAD=open; place:WORKLOAD=PLACE; without:PLACE; comfort=1.3. "
    "PLACE and KIND may be patterns with *."
)
_AMOUNT = re.compile(r"(?P<sign>[+-]?)(?P<number>\d+(?:\.\d+)?)(?P<percent>%?)")
_HUNDRED = Decimal(100)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to suppose.

    Attributes:
        said: As it was written.
        kind: ``price``, ``category``, ``place``, ``without`` or ``comfort``.
        of: What it is about: a pattern of places, a workload; empty for ``comfort``.
        offers: Pattern of kinds of offers; for ``price``.
        value: What it becomes; empty for ``without``.
    """

    said: str
    kind: str
    of: str = ""
    offers: str = ""
    value: str = ""


def read_change(text: str) -> Change:
    """Read one ``--what-if``.

    Raises:
        UsageError: It has none of the forms.
    """
    left, equals, value = text.partition("=")
    kind, *rest = left.split(":")
    wanted = {"price": 2, "category": 1, "place": 1, "without": 1, "comfort": 0}
    if kind not in wanted or len(rest) != wanted[kind] or bool(equals) == (kind == "without") or not all(rest):
        raise _no_form(text)
    if kind != "without" and not value:
        raise _no_form(text)
    of, offers = (*rest, "", "")[:2]
    return Change(said=text, kind=kind, of=of, offers=offers, value=value)


def what_if(workspace: Workspace, changes: Sequence[Change], *, as_of: date) -> tuple[Outline, Outline]:
    """The plan as it is today, and as it would be with all of ``changes``; writes nothing.

    Raises:
        UsageError: A change is about something that is not there, or has a value that cannot be.
        BadInput: A file of the workspace cannot be used, or there is nothing to plan.
        Refused: As `blueprints.make_plan`.
    """
    from blueprints.estate.categories import categories_of, lowered_of
    from policy import load_policy

    policy = load_policy(workspace, as_of=as_of)
    inputs = look_at_inputs(workspace, policy, as_of=as_of)
    estate, environments = inputs.estate, inputs.environments
    # As the plan does: what two people have not agreed to is not told as if it were so.
    today = categories_of(workspace, policy, estate, inputs.declared, environments)
    lowered_of(workspace, policy, estate.servers, today.servers, environments)
    supposed = inputs
    for change in changes:
        supposed = _KINDS[change.kind](supposed, change, policy)
    return _outline(inputs), _outline(supposed)


def _outline(inputs: Inputs) -> Outline:
    draft = draft_plan(inputs)
    return Outline(plan=plan_of(draft), units=draft.units)


def _price(inputs: Inputs, change: Change, _policy: "Policy") -> Inputs:
    match = _AMOUNT.fullmatch(change.value)
    if match is None or (match["sign"] and not match["percent"]) or (match["percent"] and not match["sign"]):
        raise _no_form(change.said)
    number = Decimal(match["number"])
    if match["sign"] == "-" and number > _HUNDRED:
        raise UsageError("a price cannot fall below 0", where=change.said)

    def priced(offer: Offer) -> Offer:
        if not (fnmatchcase(offer.place, change.of) and fnmatchcase(offer.kind, change.offers)):
            return offer
        if not match["percent"]:
            return msgspec.structs.replace(offer, price=number)
        if offer.price is None:  # a share of a price that nobody knows
            return offer
        share = number if match["sign"] == "+" else -number
        return msgspec.structs.replace(offer, price=offer.price * (_HUNDRED + share) / _HUNDRED)

    offers = tuple(priced(offer) for offer in inputs.offers.offers)
    if not any(fnmatchcase(o.place, change.of) and fnmatchcase(o.kind, change.offers) for o in offers):
        kinds = ", ".join(OfferKind)
        raise UsageError("the price book has no such offer", where=change.said, hint=f"Kinds: {kinds}.")
    book = msgspec.structs.replace(inputs.offers, offers=offers, hash="")
    return msgspec.structs.replace(inputs, offers=msgspec.structs.replace(book, hash=hash_of(book)))


def _category(inputs: Inputs, change: Change, policy: "Policy") -> Inputs:
    from policy import decide

    category = next((one for one in Category if one.value == change.value), None)
    if category is None:
        raise UsageError("no such category", where=change.said, hint=f"One of {', '.join(Category)}.")
    by_class = {one.id: one.category for one in inputs.verdicts.classes}
    categories = {name: by_class[class_id] for name, class_id in inputs.verdicts.assignments.items()}
    _known(change, categories)
    verdicts = decide(policy, {**categories, change.of: category}, as_of=inputs.as_of)
    environments = tuple(
        msgspec.structs.replace(one, category=category) if one.id == change.of else one for one in inputs.environments
    )
    return msgspec.structs.replace(inputs, verdicts=verdicts, environments=environments)


def _place(inputs: Inputs, change: Change, _policy: "Policy") -> Inputs:
    _known(change, inputs.verdicts.assignments)
    if change.value not in _at(change, change.value, inputs):
        raise UsageError("a place has to be named in full", where=change.said)
    if any(one.id == change.of for one in inputs.environments):
        environments = tuple(
            msgspec.structs.replace(one, place=change.value) if one.id == change.of else one
            for one in inputs.environments
        )
        return msgspec.structs.replace(inputs, environments=environments)
    said = inputs.declared.workload.get(change.of, WorkloadDeclaration())
    declared = {**inputs.declared.workload, change.of: msgspec.structs.replace(said, place=change.value)}
    whole = msgspec.structs.replace(inputs.declared, workload=declared)
    return msgspec.structs.replace(inputs, declared=whole)


def _without(inputs: Inputs, change: Change, _policy: "Policy") -> Inputs:
    gone = _at(change, change.of, inputs)
    verdicts = tuple(one for one in inputs.verdicts.verdicts if one.place not in gone)
    return msgspec.structs.replace(
        inputs,
        places=tuple(place for place in inputs.places if place.id not in gone),
        verdicts=msgspec.structs.replace(inputs.verdicts, verdicts=verdicts),
    )


def _comfort(inputs: Inputs, change: Change, _policy: "Policy") -> Inputs:
    try:
        settings = msgspec.structs.replace(inputs.settings, comfort=Decimal(change.value))
        settings.__post_init__()
    except (ArithmeticError, ValueError) as exc:
        raise UsageError("comfort has to be from 1 to 10", where=change.said) from exc
    return msgspec.structs.replace(inputs, settings=settings)


_KINDS: MappingProxyType[str, Callable[[Inputs, Change, "Policy"], Inputs]] = MappingProxyType(
    {"price": _price, "category": _category, "place": _place, "without": _without, "comfort": _comfort}
)


def _known(change: Change, workloads: Collection[str]) -> None:
    if change.of not in workloads:
        near = difflib.get_close_matches(change.of, workloads, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`pse label` lists those of the estate."
        raise UsageError(f"there is no workload or environment {change.of!r}", where=change.said, hint=hint)


def _at(change: Change, pattern: str, inputs: Inputs) -> frozenset[str]:
    found = frozenset(place.id for place in inputs.places if fnmatchcase(place.id, pattern))
    if not found:
        raise UsageError(
            f"the register has no place {pattern!r}", where=change.said, hint="`pse register show` lists them."
        )
    return found


def _no_form(text: str) -> UsageError:
    return UsageError("nothing that --what-if knows", where=text, hint=f"It takes {FORMS}")
