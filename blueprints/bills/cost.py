"""What a plan costs: by workload and by place."""

from decimal import Decimal

import msgspec

from blueprints.bills.lines import TAX
from blueprints.bills.pricing import add
from blueprints.planning.bundle import Bundle
from pse.core.documents.offers import OfferKind
from pse.core.documents.plan import Cost, CostLine, Decision, Strategy, Unit
from pse.core.findings import Finding

LANDING = "landing"
WHOLE = frozenset(
    {OfferKind.EGRESS, OfferKind.MIGRATION, OfferKind.SUPPORT, OfferKind.SAAS, OfferKind.LOAD_BALANCER, TAX}
)
"""Kinds of lines that belong to a workload and to no resource of it."""
NOT_IN_THE_BILL = frozenset(
    {
        "PSE-B015",
        "PSE-B016",
        "PSE-B020",
        "PSE-B023",
        "PSE-B024",
        "PSE-B072",
        "PSE-B074",
        "PSE-I012",
        "PSE-P302",
        "PSE-P303",
    }
)
"""Findings of a plan about what no line stands for, servers, disks, egress, licences and tax that are not counted; and
about prices that count as none, or are not of the plan's day."""


class WorkloadCost(msgspec.Struct, frozen=True, kw_only=True):
    """One workload or landing zone.

    Attributes:
        workload: Id.
        place: Place id; empty when nothing is bought.
        strategy: As decided; ``landing`` for a landing zone.
        cost: Totals.
        mandate_monthly: See `Decision`.
        forbidden_place: The cheapest place abroad that the mandate forbids; empty when there is none to compare.
        lines: Lines of the bill; see `lines_of` for a software service in a plan of before it had them.
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
        mandate_monthly: Sum of what the in-country mandate costs a month, where it can be compared; None when nowhere.
        not_comparable: Workloads that buy something and for which it cannot be compared.
        refused: Workloads that are refused: nobody knows what they will cost.
        staying: Workloads that are retained: the old room still bears them.
        findings: Those of the plan that say what is in no bill.
    """

    plan: str
    currency: str
    sample: bool
    workloads: tuple[WorkloadCost, ...]
    places: tuple[PlaceCost, ...]
    total: Cost
    mandate_monthly: Decimal | None
    not_comparable: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    refused: tuple[str, ...] = ()
    staying: tuple[str, ...] = ()


def cost_report(bundle: Bundle) -> CostReport:
    """The plan's bills by workload and by place, and what the in-country mandate costs.

    The mandate's cost of a workload is as `blueprints.bills.remarks.Mandate` says; a workload with a missing price on
    either side is named in ``not_comparable`` and is in no sum.
    """
    plan = bundle.plan
    workloads = [_workload(decision, bundle.units.get(decision.workload)) for decision in plan.decisions]
    zones = [_zone(unit) for name, unit in sorted(bundle.units.items()) if unit.landing]
    rows = (*workloads, *zones)
    at: dict[str, list[WorkloadCost]] = {}
    for row in rows:
        if row.place:
            at.setdefault(row.place, []).append(row)
    places = tuple(
        PlaceCost(
            place=place,
            workloads=sum(row.strategy != LANDING for row in at[place]),
            cost=add(row.cost for row in at[place]),
        )
        for place in sorted(at)
    )
    mandates = [row.mandate_monthly for row in workloads if row.mandate_monthly is not None]
    return CostReport(
        plan=plan.hash,
        currency=plan.currency,
        sample=plan.sample,
        workloads=rows,
        places=places,
        total=plan.cost,
        mandate_monthly=sum(mandates, Decimal(0)) if mandates else None,
        not_comparable=tuple(row.workload for row in workloads if row.place and row.mandate_monthly is None),
        findings=tuple(finding for finding in plan.findings if finding.code in NOT_IN_THE_BILL),
        refused=tuple(d.workload for d in plan.decisions if d.strategy is None),
        staying=tuple(d.workload for d in plan.decisions if d.strategy is Strategy.RETAIN),
    )


def _workload(decision: Decision, unit: Unit | None) -> WorkloadCost:
    return WorkloadCost(
        workload=decision.workload,
        place=decision.place,
        strategy=decision.strategy.value if decision.strategy else "refused",
        cost=decision.cost,
        mandate_monthly=decision.mandate_monthly,
        forbidden_place=decision.mandate_against,
        lines=unit.costs if unit else decision.lines if isinstance(decision.lines, tuple) else (),
    )


def _zone(unit: Unit) -> WorkloadCost:
    return WorkloadCost(workload=unit.id, place=unit.place, strategy=LANDING, cost=unit.cost, lines=unit.costs)


def lines_of(row: WorkloadCost) -> tuple[CostLine, ...]:
    """The lines of ``row``; an older plan kept only the total of a software service, and its line is made of that."""
    if row.lines or row.strategy != Strategy.SAAS:
        return row.lines
    priced = None if row.cost.no_price else row.cost.monthly
    line = CostLine(
        item=row.workload,
        kind=OfferKind.SAAS,
        offer="",
        quantity=Decimal(1),
        unit="month",
        price=priced,
        monthly=priced,
    )
    return (line,)
