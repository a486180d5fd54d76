"""Preview: what the engine would do, with the price of each resource beside it."""

import msgspec

from pse.core.documents.plan import Cost


class PricedChange(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen to one resource.

    Attributes:
        urn: Pulumi URN.
        type: Pulumi type token.
        name: Name in the program.
        op: ``create``, ``update``, ``replace``, ``delete`` or ``same``.
        cost: Of its lines in the plan, tax left out; all 0 for what costs nothing.
    """

    urn: str
    type: str
    name: str
    op: str
    cost: Cost


class UnitPreview(msgspec.Struct, frozen=True, kw_only=True):
    """One stack.

    Attributes:
        unit: Unit id.
        place: Place id.
        changes: In the program's order.
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
        cost: Totals of the units shown.
    """

    plan: str
    offline: bool
    currency: str
    units: tuple[UnitPreview, ...]
    cost: Cost

    def count(self, op: str) -> int:
        """Resources with this operation."""
        return sum(change.op == op for unit in self.units for change in unit.changes)
