"""A plan's bill, or what changes from another one's, in Infracost's JSON format 0.2.

The format is that of ``schema/infracost.schema.json`` in Infracost's public repository, which allows no other field
than its own. One-time amounts, the place and the plan have no field in it, so they are in each resource's ``metadata``,
which is free.
"""

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any, TypeVar

from blueprints.bills.cost import WHOLE, WorkloadCost, cost_report, lines_of
from blueprints.bills.lines import is_once
from blueprints.bills.pricing import FREE, totals
from blueprints.comparing.costdiff import LineChange, line_changes, same_currency
from blueprints.planning.bundle import Bundle
from pse.core.documents.offers import OfferKind
from pse.core.documents.plan import Cost, CostLine
from pse.core.money import HOURS_PER_MONTH

_Part = TypeVar("_Part", CostLine, LineChange)
_WIDE = Context(prec=60)
"""Twelve places behind the point of the largest sum that a plan can hold are more than the 28 digits of a usual one."""
_BY_USE = frozenset({OfferKind.EGRESS})
"""Kinds of lines whose quantity is somebody's estimate of use."""
_GIT = (
    "vcsBranch",
    "vcsCommitSha",
    "vcsCommitAuthorName",
    "vcsCommitAuthorEmail",
    "vcsCommitMessage",
)
"""Fields that the format demands of a commit; a plan knows none, and the same plan gives the same bytes."""


def infracost(bundle: Bundle, old: Bundle | None = None) -> dict[str, Any]:
    """The plan's cost as Infracost's tools read it, with what changes from ``old`` where that is given.

    A workload is a project, a server, volume or service a resource, a line a cost component. Decimals are strings. A
    line without a price has null costs and ``priceNotFound``, its resource is counted in ``totalNoPriceResources``, and
    it is in no sum. A difference is of what has a price on either side, as in `blueprints.comparing.costdiff`, so that
    components add up to resources and these to totals.

    Raises:
        BadInput: The two plans are in two currencies.
    """
    after = cost_report(bundle)
    before = None if old is None else cost_report(old)
    if before is not None:
        same_currency(before.currency, after.currency, where=after.plan[:12])
    was = {row.workload: row for row in before.workloads if row.place} if before else {}
    now = {row.workload: row for row in after.workloads if row.place}
    tied = {"plan": after.plan, "sample": after.sample}
    gone = {name: was[name] for name in sorted(was.keys() - now.keys())}
    projects = [_project(row, was.get(name), now.get(name), tied) for name, row in (now | gone).items()]
    past = before.total if before else FREE
    day = f"{bundle.plan.as_of.isoformat()}T00:00:00Z"
    use, past_use = (_by_use(line for row in rows.values() for line in lines_of(row)) for rows in (now, was))
    return {
        "version": "0.2",
        "metadata": {
            "infracostCommand": "breakdown" if before is None else "diff",
            **dict.fromkeys(_GIT, ""),
            "vcsCommitTimestamp": day,
        },
        "currency": after.currency,
        "projects": projects,
        **_sums("total", after.total.monthly, use),
        **_sums("pastTotal", past.monthly, past_use),
        **_sums("diffTotal", after.total.monthly - past.monthly, use - past_use),
        "timeGenerated": day,
        "summary": _summary([project["summary"] for project in projects]),
    }


def _project(
    row: WorkloadCost, before: WorkloadCost | None, after: WorkloadCost | None, tied: dict[str, Any]
) -> dict[str, Any]:
    """The project of ``row``, which is ``after``, or ``before`` where nothing is bought any more."""
    about = {**tied, "place": row.place, "strategy": row.strategy}
    was, now = (lines_of(side) if side else () for side in (before, after))
    changes = _grouped(line_changes(was, now))
    breakdown = _breakdown(now, after.cost if after else FREE, about)
    return {
        "name": row.workload,
        "displayName": row.workload,
        "metadata": {"path": row.workload, "type": "pse_plan"},
        "pastBreakdown": _breakdown(was, before.cost if before else FREE, about),
        "breakdown": breakdown,
        "diff": {
            "resources": [_changed(name, found, about) for name, found in changes.items()],
            **_sums(
                "total",
                (after.cost if after else FREE).monthly - (before.cost if before else FREE).monthly,
                _by_use(now) - _by_use(was),
            ),
        },
        "summary": _counts(breakdown["resources"]),
    }


def _grouped(parts: Iterable[_Part]) -> dict[str, list[_Part]]:
    """Lines by their resource; what a workload, which may bear the name of one, buys as a whole stands apart."""
    found: dict[str, list[_Part]] = {}
    for part in parts:
        name = f"{part.kind} of {part.item}" if part.kind in WHOLE else part.item
        found.setdefault(name, []).append(part)
    return found


def _breakdown(lines: Iterable[CostLine], cost: Cost, about: dict[str, Any]) -> dict[str, Any]:
    lines = list(lines)
    resources = [_resource(name, part, about) for name, part in _grouped(lines).items()]
    return {"resources": resources, **_sums("total", cost.monthly, _by_use(lines))}


def _resource(name: str, lines: list[CostLine], about: dict[str, Any]) -> dict[str, Any]:
    cost = totals(lines)
    return {
        "name": name,
        "resourceType": str(lines[0].kind),
        "tags": {},
        "metadata": {**about, "oneTimeCost": text(cost.one_time)},
        "hourlyCost": hourly(cost.monthly),
        "monthlyCost": text(cost.monthly),
        "costComponents": [
            {
                "name": _name(line),
                "unit": line.unit,
                **_quantities(_monthly_quantity(line)),
                "price": _text(line.price),
                **_costs(line.monthly),
                "usageBased": line.kind in _BY_USE,
                "priceNotFound": line.price is None,
            }
            for line in lines
        ],
    }


def _changed(name: str, changes: list[LineChange], about: dict[str, Any]) -> dict[str, Any]:
    """What changes of a resource: each amount is the new one less the old one."""
    was, now = (totals([x for x in side if x]) for side in zip(*((c.before, c.after) for c in changes), strict=True))
    monthly = now.monthly - was.monthly
    return {
        "name": name,
        "resourceType": str(changes[0].kind),
        "tags": {},
        "metadata": {**about, "oneTimeCost": text(now.one_time - was.one_time)},
        "hourlyCost": hourly(monthly),
        "monthlyCost": text(monthly),
        "costComponents": [_change(change.before, change.after) for change in changes],
    }


def _change(before: CostLine | None, after: CostLine | None) -> dict[str, Any]:
    sides = [side for side in (before, after) if side]
    names = list(dict.fromkeys(_name(side) for side in sides))

    def less(field: str) -> Decimal | None:
        old, new = (getattr(side, field) if side else None for side in (before, after))
        return None if old is None and new is None else (new or Decimal(0)) - (old or Decimal(0))

    was, now = (_monthly_quantity(side) if side else None for side in (before, after))
    quantity = None if was is None and now is None else (now or Decimal(0)) - (was or Decimal(0))
    return {
        "name": " → ".join(names),
        "unit": sides[-1].unit,
        **_quantities(quantity),
        "price": _text(less("price")),
        **_costs(less("monthly")),
        "usageBased": sides[-1].kind in _BY_USE,
        "priceNotFound": any(side.price is None for side in sides),
    }


def _name(line: CostLine) -> str:
    name = f"{line.kind} {line.offer.rpartition(':')[2]}".strip()
    return f"{name} (once)" if is_once(line) else name


def _monthly_quantity(line: CostLine) -> Decimal | None:
    return None if is_once(line) else line.quantity


def _quantities(monthly: Decimal | None) -> dict[str, str | None]:
    return {
        "hourlyQuantity": None if monthly is None else hourly(monthly),
        "monthlyQuantity": _text(monthly),
    }


def _costs(monthly: Decimal | None) -> dict[str, str | None]:
    return {"hourlyCost": None if monthly is None else hourly(monthly), "monthlyCost": _text(monthly)}


def _by_use(lines: Iterable[CostLine]) -> Decimal:
    return totals(line for line in lines if line.kind in _BY_USE).monthly


def _sums(prefix: str, monthly: Decimal, use: Decimal) -> dict[str, str]:
    return {
        f"{prefix}HourlyCost": hourly(monthly),
        f"{prefix}MonthlyCost": text(monthly),
        f"{prefix}MonthlyUsageCost": text(use),
    }


def _counts(resources: list[dict[str, Any]]) -> dict[str, Any]:
    def with_a(flag: str) -> int:
        return sum(any(part[flag] for part in resource["costComponents"]) for resource in resources)

    missing = with_a("priceNotFound")
    return {
        "totalDetectedResources": len(resources),
        "totalSupportedResources": len(resources) - missing,
        "totalUnsupportedResources": 0,
        "totalUsageBasedResources": with_a("usageBased"),
        "totalNoPriceResources": missing,
        "unsupportedResourceCounts": {},
        "noPriceResourceCounts": {"pse": missing} if missing else {},
    }


def _summary(parts: list[dict[str, Any]]) -> dict[str, Any]:
    whole = _counts([])
    for key in whole:
        if key.startswith("total"):
            whole[key] = sum(part[key] for part in parts)
    missing = whole["totalNoPriceResources"]
    return {**whole, "noPriceResourceCounts": {"pse": missing} if missing else {}}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else text(amount)


def text(amount: Decimal) -> str:
    """``amount`` as the format writes decimals."""
    return f"{amount:f}"


def hourly(monthly: Decimal) -> str:
    """A monthly amount by the hour, to twelve places."""
    return text(_WIDE.divide(monthly, HOURS_PER_MONTH).quantize(Decimal("1e-12"), context=_WIDE).normalize(_WIDE))
