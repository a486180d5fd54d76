"""What a plan costs: by workload, by place, and in Infracost's shape."""

from decimal import Context, Decimal
from typing import Any

import msgspec

from blueprints.bundle import Bundle
from blueprints.pricing import TAX, add, totals
from pse.core.documents.offers import OfferKind
from pse.core.documents.plan import Cost, CostLine, Decision, Unit
from pse.core.findings import Finding
from pse.core.money import HOURS_PER_MONTH

LANDING = "landing"
_WIDE = Context(prec=60)
"""Twelve places behind the point of the largest sum that a plan can hold are more than the 28 digits of a usual one."""
WHOLE = frozenset({OfferKind.EGRESS, OfferKind.MIGRATION, OfferKind.SUPPORT, OfferKind.SAAS, TAX})
"""Kinds of lines that belong to a workload and to no resource of it."""
NOT_IN_THE_BILL = frozenset({"PSE-B015", "PSE-B016", "PSE-B020", "PSE-B023", "PSE-I012"})
"""Findings of a plan about what no line stands for: servers, disks, egress and tax that are not counted."""


class WorkloadCost(msgspec.Struct, frozen=True, kw_only=True):
    """One workload or landing zone.

    Attributes:
        workload: Id.
        place: Place id; empty when nothing is bought.
        strategy: As decided; ``landing`` for a landing zone.
        cost: Totals.
        mandate_monthly: See `Decision`.
        forbidden_place: The cheapest place abroad that the mandate forbids; empty when there is none to compare.
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
        mandate_monthly: Sum of what the in-country mandate costs a month, where it can be compared; None when nowhere.
        not_comparable: Workloads that buy something and for which it cannot be compared.
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


def cost_report(bundle: Bundle) -> CostReport:
    """The plan's bills by workload and by place, and what the in-country mandate costs.

    The mandate's cost of a workload is as `blueprints.bills.Mandate` says; a workload with a missing price on either
    side is named in ``not_comparable`` and is in no sum.
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
    )


def _workload(decision: Decision, unit: Unit | None) -> WorkloadCost:
    return WorkloadCost(
        workload=decision.workload,
        place=decision.place,
        strategy=decision.strategy.value if decision.strategy else "refused",
        cost=decision.cost,
        mandate_monthly=decision.mandate_monthly,
        forbidden_place=decision.mandate_against,
        lines=unit.costs if unit else (),
    )


def _zone(unit: Unit) -> WorkloadCost:
    return WorkloadCost(workload=unit.id, place=unit.place, strategy=LANDING, cost=unit.cost, lines=unit.costs)


def infracost(bundle: Bundle) -> dict[str, Any]:
    """The plan's cost in Infracost's JSON format 0.2, so that tools that read that can show it.

    A workload is a project, a server, volume or service a resource, a line a cost component. Decimals are strings. One-
    time amounts have no place in the format; they are in each resource's metadata. A line without a price has null
    costs, its resource is counted in ``totalNoPriceResources``. Format: Infracost's documentation of its JSON output.
    """
    report = cost_report(bundle)
    projects = [_project(row) for row in report.workloads if row.place]
    total = report.total.monthly
    return {
        "version": "0.2",
        "metadata": {
            "infracostCommand": "breakdown",
            "plan": report.plan,
            "sample": report.sample,
            "totalOneTimeCost": text(report.total.one_time),
        },
        "currency": report.currency,
        "projects": projects,
        "totalHourlyCost": hourly(total),
        "totalMonthlyCost": text(total),
        "totalMonthlyUsageCost": "0",
        "pastTotalHourlyCost": "0",
        "pastTotalMonthlyCost": "0",
        "pastTotalMonthlyUsageCost": "0",
        "diffTotalHourlyCost": hourly(total),
        "diffTotalMonthlyCost": text(total),
        "diffTotalMonthlyUsageCost": "0",
        "timeGenerated": f"{bundle.plan.as_of.isoformat()}T00:00:00Z",
        "summary": _summary([project["summary"] for project in projects]),
    }


def _project(row: WorkloadCost) -> dict[str, Any]:
    items: dict[str, list[CostLine]] = {}
    for line in row.lines:
        # A workload may bear the name of a server; what it buys as a whole stands apart.
        items.setdefault(f"{line.kind} of {line.item}" if line.kind in WHOLE else line.item, []).append(line)
    resources = [_resource(item, lines) for item, lines in items.items()]
    if not row.lines and row.strategy == "saas":
        resources = [_whole(row)]
    breakdown = {
        "resources": resources,
        "totalHourlyCost": hourly(row.cost.monthly),
        "totalMonthlyCost": text(row.cost.monthly),
        "totalMonthlyUsageCost": "0",
    }
    empty = {"resources": [], "totalHourlyCost": "0", "totalMonthlyCost": "0", "totalMonthlyUsageCost": "0"}
    missing = sum(any(c["price"] is None for c in r["costComponents"]) for r in resources)
    return {
        "name": row.workload,
        "metadata": {"path": row.workload, "type": "pse_plan", "place": row.place, "strategy": row.strategy},
        "pastBreakdown": empty,
        "breakdown": breakdown,
        "diff": breakdown,
        "summary": {
            "totalDetectedResources": len(resources),
            "totalSupportedResources": len(resources) - missing,
            "totalUnsupportedResources": 0,
            "totalUsageBasedResources": sum(
                any(c["name"].startswith("egress") for c in r["costComponents"]) for r in resources
            ),
            "totalNoPriceResources": missing,
            "unsupportedResourceCounts": {},
            "noPriceResourceCounts": {"pse": missing} if missing else {},
        },
    }


def _resource(item: str, lines: list[CostLine]) -> dict[str, Any]:
    cost = totals(lines)
    return {
        "name": item,
        "resourceType": lines[0].kind,
        "tags": {},
        "metadata": {"oneTimeCost": text(cost.one_time)},
        "hourlyCost": hourly(cost.monthly),
        "monthlyCost": text(cost.monthly),
        "costComponents": [
            {
                "name": f"{line.kind} {line.offer.rpartition(':')[2]}".strip(),
                "unit": line.unit,
                "hourlyQuantity": hourly(line.quantity),
                "monthlyQuantity": text(line.quantity),
                "price": None if line.price is None else text(line.price),
                "hourlyCost": None if line.monthly is None else hourly(line.monthly),
                "monthlyCost": None if line.monthly is None else text(line.monthly),
            }
            for line in lines
        ],
    }


def _whole(row: WorkloadCost) -> dict[str, Any]:
    priced = None if row.cost.no_price else row.cost.monthly
    line = CostLine(
        item=row.workload, kind="saas", offer="", quantity=Decimal(1), unit="month", price=priced, monthly=priced
    )
    return _resource(row.workload, [line])


def _summary(parts: list[dict[str, Any]]) -> dict[str, Any]:
    keys = [key for key in (parts[0] if parts else {}) if key.startswith("total")]
    missing = sum(part["totalNoPriceResources"] for part in parts)
    return {
        **{key: sum(part[key] for part in parts) for key in keys},
        "unsupportedResourceCounts": {},
        "noPriceResourceCounts": {"pse": missing} if missing else {},
    }


def text(amount: Decimal) -> str:
    """``amount`` as the format writes decimals."""
    return f"{amount:f}"


def hourly(monthly: Decimal) -> str:
    """A monthly amount by the hour, to twelve places."""
    return text(_WIDE.divide(monthly, HOURS_PER_MONTH).quantize(Decimal("1e-12"), context=_WIDE).normalize(_WIDE))
