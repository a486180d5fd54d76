"""Preview: what the engine would do, with the price of each resource beside it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from blueprints.pricing import totals
from pse.core.documents.deployment import Deployment
from pse.core.documents.offers import OfferKind
from pse.core.documents.plan import Cost, Unit


class PricedChange(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen to one resource.

    Attributes:
        urn: Pulumi URN.
        type: Pulumi type token.
        name: Name in the program.
        op: ``create``, ``update``, ``replace``, ``delete`` or ``same``.
        cost: Of its lines in the plan, tax left out; all 0 for what costs nothing. None is not known: what goes, by
            ``delete`` or ``replace``, is in another plan, and the lines of this one are of what it makes.
    """

    urn: str
    type: str
    name: str
    op: str
    cost: Cost | None


class UnitPreview(msgspec.Struct, frozen=True, kw_only=True):
    """One stack.

    Attributes:
        unit: Unit id.
        place: Place id.
        changes: Sorted by URN.
        cost: Of the unit as a whole: with egress, support and tax, which belong to no resource.
    """

    unit: str
    place: str
    changes: tuple[PricedChange, ...]
    cost: Cost


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What `up` would do.

    Attributes:
        plan: Hash of the plan.
        offline: The program was evaluated without the engine, against the recorded deployments.
        currency: Of all amounts.
        units: Landing zones first, then by id.
        cost: Totals of the units shown; software services, which no stack makes, are not in it.
    """

    plan: str
    offline: bool
    currency: str
    units: tuple[UnitPreview, ...]
    cost: Cost

    def count(self, op: str) -> int:
        """Resources with this operation."""
        return sum(change.op == op for unit in self.units for change in unit.changes)


class Change(Protocol):
    """What the engine says of one resource; `providers.engine.Change` is one."""

    @property
    def urn(self) -> str:
        """Pulumi URN."""

    @property
    def type(self) -> str:
        """Pulumi type token."""

    @property
    def name(self) -> str:
        """Name in the program."""

    @property
    def op(self) -> str:
        """``create``, ``update``, ``replace``, ``delete``, ``read`` or ``same``."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A `Change` that was worked out without the engine."""

    urn: str
    type: str
    name: str
    op: str


def _price(unit: Unit, change: Change) -> Cost | None:
    if change.op in _GOING:
        return None
    return totals(x for x in unit.costs if x.item == change.name and x.kind in _KINDS.get(change.type, ()))


def priced(unit: Unit, changes: Iterable[Change]) -> UnitPreview:
    """``changes`` of a unit with the price of each that it makes: its lines are those that bear the resource's name."""
    return UnitPreview(
        unit=unit.id,
        place=unit.place,
        changes=tuple(
            PricedChange(
                urn=change.urn,
                type=change.type,
                name=change.name,
                op=change.op,
                cost=_price(unit, change),
            )
            for change in sorted(changes, key=lambda change: change.urn)
        ),
        cost=unit.cost,
    )


_GOING = frozenset({"delete", "replace"})
_KINDS = {
    "pse:index:Server": (OfferKind.COMPUTE, OfferKind.IMAGE, OfferKind.ADDRESS),
    "pse:index:Volume": (OfferKind.STORAGE,),
}
"""Kinds of lines by the resource that bears their name; the others belong to the workload as a whole."""


def offline_changes(
    program: Callable[[], None], unit: Unit, standing: Deployment | None, *, unit_hash: str
) -> Sequence[Expected]:
    """What the engine would do, by the recorded deployment: an ``update`` may turn out to be ``same`` or ``replace``.

    A unit that stands at another place is replaced there: no cloud moves a resource.

    Args:
        program: Of the unit.
        unit: The unit.
        standing: What stands; None when nothing does.
        unit_hash: Hash of the unit; the same as that of ``standing`` means that nothing changes.
    """
    from blueprints.recorder import evaluate

    recorded = [resource for resource in evaluate(program, stack=unit.id) if resource.custom]
    there = {resource.urn for resource in standing.resources} if standing else set()
    same = standing is not None and standing.unit_hash == unit_hash
    change = "same" if same else "replace" if standing is not None and standing.place != unit.place else "update"
    found = [
        Expected(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            op="create" if resource.urn not in there else change,
        )
        for resource in recorded
    ]
    wanted = {resource.urn for resource in recorded}
    gone = sorted(
        (resource for resource in standing.resources if resource.urn not in wanted) if standing else (),
        key=lambda resource: resource.urn,
    )
    return [
        *found,
        *(
            Expected(urn=resource.urn, type=resource.type, name=resource.urn.rpartition("::")[2], op="delete")
            for resource in gone
            if not resource.type.startswith("pulumi:")
        ),
    ]
