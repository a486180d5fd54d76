"""What a plan costs: by workload, by place, and in Infracost's shape."""

from decimal import Decimal
from typing import Any

import msgspec

from blueprints.bundle import Bundle
from pse.core.documents.plan import Cost, CostLine


class WorkloadCost(msgspec.Struct, frozen=True, kw_only=True):
    """One workload or landing zone.

    Attributes:
        workload: Id.
        place: Place id; empty when nothing is bought.
        strategy: As decided; ``landing`` for a landing zone.
        cost: Totals.
        mandate_monthly: See `Decision`.
        forbidden_place: The cheapest place that is not allowed; empty when there is none to compare.
        lines: Lines of the bill; empty for SaaS, whose one line is its total.
    """

    workload: str
    place: str
    strategy: str
    cost: Cost
    mandate_monthly: Decimal | None = None
    forbidden_place: str = ""
    lines: tuple[CostLine, ...] = ()


class PlaceCost(msgspec.Struct, frozen=True, kw_only=True):
    """Everything bought at one place."""

    place: str
    workloads: int
    cost: Cost


class CostReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan costs.

    Attributes:
        plan: Hash of the plan.
        currency: Of all amounts.
        sample: Prices or register are samples.
        workloads: By id, landing zones last.
        places: By place id.
        total: Of everything.
        mandate_monthly: Sum of what the residency rules cost a month, where it can be compared; None when nowhere.
        not_comparable: Workloads that buy something and for which it cannot be compared.
    """

    plan: str
    currency: str
    sample: bool
    workloads: tuple[WorkloadCost, ...]
    places: tuple[PlaceCost, ...]
    total: Cost
    mandate_monthly: Decimal | None
    not_comparable: tuple[str, ...]


def cost_report(bundle: Bundle) -> CostReport:
    """Sum the plan's lines up."""
    raise NotImplementedError


def infracost(bundle: Bundle) -> dict[str, Any]:
    """The plan's cost in Infracost's JSON format 0.2."""
    raise NotImplementedError
