"""The bill in FOCUS's columns: which there are, of what type, what may be null, and that no missing price is 0."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from blueprints import cost_report
from blueprints.outputs.focus import as_csv, as_parquet
from blueprints.planning.bundle import Bundle
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate

MANDATORY = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
"""Feature level "Mandatory" of FOCUS 1.2."""
COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")
MAY_BE_NULL = {
    *("ChargeClass", "PricingCategory", "PricingQuantity", "PricingUnit", "ResourceId", "ResourceName"),
    *("ResourceType", "SkuId", "SkuPriceId", "ListUnitPrice", "ContractedUnitPrice"),
}
"""By FOCUS 1.2, of the columns here; costs may be null with ``x_NoPrice`` only, which is ours."""
CATEGORIES = {
    *("Business Applications", "Compute", "Management and Governance", "Migration", "Networking", "Other", "Storage"),
}


@pytest.fixture
def made(planned: Workspace) -> Bundle:
    """The ministry's plan, in which egress has no price."""
    book = planned.path("policy", "prices.toml")
    rows = book.read_text().split("[[offer]]")
    book.write_text(
        "[[offer]]".join(row.replace('price = "2.40"\n', "") if 'kind = "egress"' in row else row for row in rows)
    )
    return bundle(planned, ministry_estate())


def lines(made: Bundle) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(io.StringIO(as_csv(made).decode()))


def test_columns_types_and_nulls_are_those_of_focus(made: Bundle) -> None:
    table = parquet.read_table(io.BytesIO(as_parquet(made)))
    names = set(table.column_names)
    assert names >= MANDATORY
    ours = {name for name in names if name.startswith("x_")}
    assert all(re.fullmatch(r"(x_)?[A-Z][A-Za-z]*", name) for name in names)
    assert {f.name for f in table.schema if f.nullable} - set(COSTS) <= MAY_BE_NULL
    for field in table.schema:
        if field.name.endswith(("Cost", "UnitPrice", "Quantity")):
            assert field.type == pa.decimal128(38, 12)
        elif field.name.endswith(("Start", "End")):
            assert field.type == pa.timestamp("ms", tz="UTC")
        elif field.name not in ours:
            assert field.type == pa.string()
    for row in table.to_pylist():
        assert {row[name] is None for name in COSTS} == {row["x_NoPrice"]}
        assert row["ChargeCategory"] in {"Usage", "Purchase", "Tax"}
        assert row["ChargeFrequency"] in {"Usage-Based", "Recurring", "One-Time"}
        assert row["ServiceCategory"] in CATEGORIES
        assert row["BillingPeriodStart"] == datetime(2026, 11, 1, tzinfo=UTC)
        assert row["ChargePeriodEnd"] == row["BillingPeriodEnd"] == datetime(2026, 12, 1, tzinfo=UTC)
        assert (row["PricingQuantity"] is None) == (row["PricingUnit"] is None) == (row["ChargeCategory"] == "Tax")
        assert row["SkuPriceId"] is not None or row["PricingCategory"] is None


def test_sums_are_those_of_the_report_and_a_missing_price_is_empty(made: Bundle) -> None:
    report = cost_report(made)
    found = list(lines(made))
    assert sum(row["x_NoPrice"] == "true" for row in found) == report.total.no_price > 0
    assert {row["BilledCost"] for row in found if row["x_NoPrice"] == "true"} == {""}
    billed = {once: Decimal(0) for once in (True, False)}
    for row in found:
        billed[row["ChargeFrequency"] == "One-Time"] += Decimal(row["BilledCost"] or 0)
    assert billed[False] == report.total.monthly
    assert billed[True] == report.total.one_time
    by_workload = {w.workload: w.cost for w in report.workloads if w.place}
    assert {row["SubAccountId"] for row in found} == set(by_workload)
    table = parquet.read_table(io.BytesIO(as_parquet(made))).to_pylist()
    assert [Decimal(r["BilledCost"]) if r["BilledCost"] else None for r in found] == [r["BilledCost"] for r in table]


def test_no_cell_is_a_formula_and_the_bytes_are_the_same(made: Bundle) -> None:
    assert as_csv(made) == as_csv(made)
    assert as_parquet(made) == as_parquet(made)
    hostile = msgspec.structs.replace(made.plan, entity="=1+1\n\x1b[31m")
    for row in lines(msgspec.structs.replace(made, plan=hostile)):
        assert row["BillingAccountId"] == "'=1+1\\n\\x1b[31m"
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
