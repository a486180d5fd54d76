"""A plan's bill with the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification, as CSV or Parquet.

What FOCUS describes is billed; a plan's bill is a forecast: one month, dated as the month of the plan's day, with what
is paid once in it. So a line without a price, which an invoice cannot have, has null costs and ``x_NoPrice``, and is
never 0. Columns of ours begin with ``x_``, as FOCUS has it. An account is the entity's, a sub-account a workload.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Any

import msgspec

from blueprints.bills.cost import WHOLE, CostReport, WorkloadCost, cost_report, lines_of
from blueprints.bills.lines import OWN, TAX, TERM, is_once
from blueprints.planning.bundle import Bundle
from pse.core.documents.offers import OfferKind
from pse.core.documents.plan import CostLine, Plan
from pse.core.text import csv_cell, printable


class Column(msgspec.Struct, frozen=True):
    """One column.

    Attributes:
        name: As FOCUS has it, or with ``x_`` before it.
        kind: ``text``, ``decimal``, ``time`` or ``flag``.
        empty: It may be null.
    """

    name: str
    kind: str = "text"
    empty: bool = False


COLUMNS = (
    Column("BilledCost", "decimal", empty=True),
    Column("BillingAccountId"),
    Column("BillingAccountName"),
    Column("BillingCurrency"),
    Column("BillingPeriodEnd", "time"),
    Column("BillingPeriodStart", "time"),
    Column("ChargeCategory"),
    Column("ChargeClass", empty=True),
    Column("ChargeDescription"),
    Column("ChargeFrequency"),
    Column("ChargePeriodEnd", "time"),
    Column("ChargePeriodStart", "time"),
    Column("ContractedCost", "decimal", empty=True),
    Column("ContractedUnitPrice", "decimal", empty=True),
    Column("EffectiveCost", "decimal", empty=True),
    Column("InvoiceIssuerName"),
    Column("ListCost", "decimal", empty=True),
    Column("ListUnitPrice", "decimal", empty=True),
    Column("PricingCategory", empty=True),
    Column("PricingQuantity", "decimal", empty=True),
    Column("PricingUnit", empty=True),
    Column("ProviderName"),
    Column("PublisherName"),
    Column("RegionId"),
    Column("RegionName"),
    Column("ResourceId", empty=True),
    Column("ResourceName", empty=True),
    Column("ResourceType", empty=True),
    Column("ServiceCategory"),
    Column("ServiceName"),
    Column("SkuId", empty=True),
    Column("SkuPriceId", empty=True),
    Column("SubAccountId"),
    Column("SubAccountName"),
    Column("Tags"),
    Column("x_NoPrice", "flag"),
    Column("x_Place"),
    Column("x_Plan"),
    Column("x_Sample", "flag"),
    Column("x_Strategy"),
)
"""Those that FOCUS 1.2 makes mandatory, the recommended ones that a plan can fill, and ours."""

_CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        OfferKind.COMPUTE: "Compute",
        OfferKind.IMAGE: "Compute",
        OfferKind.STORAGE: "Storage",
        OfferKind.IOPS: "Storage",
        OfferKind.SNAPSHOT: "Storage",
        OfferKind.BACKUP: "Storage",
        OfferKind.EGRESS: "Networking",
        OfferKind.ADDRESS: "Networking",
        OfferKind.LOAD_BALANCER: "Networking",
        OfferKind.LICENCE: "Compute",
        OfferKind.SAAS: "Business Applications",
        OfferKind.SUPPORT: "Management and Governance",
        OfferKind.MIGRATION: "Migration",
    }
)
"""FOCUS's service category by kind of line; any other is ``Other``."""
_DISKS = frozenset({OfferKind.STORAGE, OfferKind.IOPS, OfferKind.SNAPSHOT, OfferKind.BACKUP})
_UNITS = MappingProxyType({"hour": "Hours", "month": "Months", "once": "Units", TERM: "Terms", "seat": "Seat"})
"""Parts of a price book's units as FOCUS writes them; any other stays as it is."""
_SCALE = Decimal("1e-12")
_WIDE = Context(prec=38)


def rows(bundle: Bundle) -> Iterator[dict[str, Any]]:
    """One row a line of the bill, by workload in the order of `CostReport`."""
    report = cost_report(bundle)
    start, end = _month(bundle.plan.as_of)
    whole = {
        "BillingAccountId": bundle.plan.entity,
        "BillingAccountName": bundle.plan.entity,
        "BillingCurrency": report.currency,
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
    }
    for row in report.workloads:
        if row.place:
            for line in lines_of(row):
                yield {**whole, **_of_workload(row, bundle.plan, report), **_of_line(line, bundle.plan.entity)}


def as_csv(bundle: Bundle) -> bytes:
    """`rows` as CSV; null is an empty cell, and no text is taken for a formula by a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in COLUMNS)
    for row in rows(bundle):
        writer.writerow(_cell(row.get(column.name)) for column in COLUMNS)
    return out.getvalue().encode()


def as_parquet(bundle: Bundle) -> bytes:
    """`rows` as Parquet: decimals with 12 places, times in UTC, columns that are never null marked so."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {
        "text": pa.string(),
        "decimal": pa.decimal128(38, 12),
        "time": pa.timestamp("ms", tz="UTC"),
        "flag": pa.bool_(),
    }
    schema = pa.schema([pa.field(column.name, kinds[column.kind], nullable=column.empty) for column in COLUMNS])
    made = [{name: _scaled(value) for name, value in row.items()} for row in rows(bundle)]
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(made, schema=schema), out)
    return out.getvalue()


def _of_workload(row: WorkloadCost, plan: Plan, report: CostReport) -> dict[str, Any]:
    csp, _, region = row.place.partition("/")
    region = region.partition("/")[0] or csp
    return {
        "InvoiceIssuerName": csp,
        "ProviderName": csp,
        "PublisherName": csp,
        "RegionId": region,
        "RegionName": region,
        "SubAccountId": row.workload,
        "SubAccountName": row.workload,
        "Tags": json.dumps({"plan": report.plan[:12], "strategy": row.strategy, "workload": row.workload}),
        "x_Place": row.place,
        "x_Plan": report.plan,
        "x_Sample": plan.sample,
        "x_Strategy": row.strategy,
    }


def _of_line(line: CostLine, entity: str) -> dict[str, Any]:
    once, own_rate = is_once(line), line.offer.startswith(OWN)
    tax = line.kind == TAX
    cost = line.one_time if once else line.monthly
    bought = once or line.kind in (OfferKind.SAAS, OfferKind.SUPPORT)
    sku = None if own_rate else line.offer or None
    of_one = not tax and line.kind not in WHOLE
    made = {
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"), cost),
        "ChargeCategory": "Tax" if tax else "Purchase" if bought else "Usage",
        "ChargeDescription": printable(f"{line.kind} {line.offer.rpartition(':')[2]}".strip() + f" for {line.item}"),
        "ChargeFrequency": "One-Time" if once else "Recurring" if bought or tax else "Usage-Based",
        "ServiceCategory": _CATEGORIES.get(line.kind, "Other"),
        "ServiceName": str(line.kind),
        "SkuId": sku,
        "SkuPriceId": sku,
        "x_NoPrice": line.price is None,
    }
    if own_rate:  # what the entity pays itself, by its own rates
        made |= dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), entity)
    if of_one:
        made |= {
            "ResourceId": line.item,
            "ResourceName": line.item,
            "ResourceType": "Disk" if line.kind in _DISKS else "Server",
        }
    if not tax:  # of a tax FOCUS wants no quantity, unit or price
        made |= {
            "PricingQuantity": line.quantity,
            "PricingUnit": "-".join(_UNITS.get(part, part) for part in line.unit.split("-")),
            "PricingCategory": "Standard" if sku else None,
            **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), line.price if sku else None),
        }
    return made


def _month(day: date) -> tuple[datetime, datetime]:
    """The first moment of the month of ``day``, and that of the next one."""
    start = datetime(day.year, day.month, 1, tzinfo=UTC)
    return start, datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return csv_cell(printable(str(value)))


def _scaled(value: object) -> object:
    return value.quantize(_SCALE, context=_WIDE) if isinstance(value, Decimal) else value
