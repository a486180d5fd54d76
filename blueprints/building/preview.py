"""Preview: what the engine would do, with the price of each resource beside it."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from blueprints.bills.pricing import totals
from blueprints.building.outside import Outside
from pse.core.documents.offers import OfferKind
from pse.core.documents.plan import Cost, Unit
from pse.core.schema import KINDS

if TYPE_CHECKING:
    from providers.driving.losses import Loss
    from providers.driving.recorder import Recorded
    from providers.driving.state import State


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
        refused: What `up` will not do, as data would be lost; in words.
    """

    unit: str
    place: str
    changes: tuple[PricedChange, ...]
    cost: Cost
    refused: tuple[str, ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What `up` would do.

    Attributes:
        plan: Hash of the plan.
        offline: The program was evaluated without the engine, against the recorded deployments.
        currency: Of all amounts.
        units: Landing zones first, then by id.
        cost: Totals of the units shown; software services, which no stack makes, are not in it.
        notes: What could not be looked at.
        outside: What stands and is not in the plan.
    """

    plan: str
    offline: bool
    currency: str
    units: tuple[UnitPreview, ...]
    cost: Cost
    notes: tuple[str, ...] = ()
    outside: tuple[Outside, ...] = ()

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


def priced(unit: Unit, changes: Iterable[Change], found: Iterable["Loss"] = ()) -> UnitPreview:
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
        refused=tuple(loss.words for loss in found if loss.data),
    )


_GOING = frozenset({"delete", "replace"})
_KINDS = {
    "pse:index:Server": (
        OfferKind.COMPUTE,
        OfferKind.IMAGE,
        OfferKind.ADDRESS,
        OfferKind.STORAGE,  # its system disk
        OfferKind.IOPS,
        OfferKind.SNAPSHOT,
        OfferKind.BACKUP,
    ),
    "pse:index:Volume": (OfferKind.STORAGE,),
}
"""Kinds of lines by the resource that bears their name; the others belong to the workload as a whole."""


def offline_changes(program: Callable[[], None], unit: Unit, standing: "State", *, same: bool) -> Sequence[Expected]:
    """What the engine would do, by what stands: an ``update`` may turn out to be ``same`` or ``replace``.

    Args:
        program: Of the unit.
        unit: The unit.
        standing: What stands.
        same: It was made from this very unit.
    """
    from providers.driving.losses import replacing
    from providers.driving.recorder import evaluate

    recorded = [resource for resource in evaluate(program, stack=unit.id) if resource.custom]
    there = {str(entry["urn"]): entry for entry in standing.live_entries()}
    kinds = {kind.token: kind for kind in KINDS.values()}

    def op(resource: "Recorded") -> str:
        if resource.urn not in there:
            return "create"
        if same:
            return "same"
        kind = kinds.get(resource.type)
        before = there[resource.urn].get("inputs") or {}
        return "replace" if kind is not None and replacing(kind, before, resource.inputs) else "update"

    wanted = {resource.urn for resource in recorded}
    return [
        *(Expected(urn=found.urn, type=found.type, name=found.name, op=op(found)) for found in recorded),
        *(
            Expected(urn=urn, type=str(there[urn]["type"]), name=urn.rpartition("::")[2], op="delete")
            for urn in sorted(there)
            if urn not in wanted
        ),
    ]
