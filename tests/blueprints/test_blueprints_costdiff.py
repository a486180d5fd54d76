"""Two bills beside each other, by sums made here; budgets, and that nothing without a price is within one."""

from decimal import Decimal
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.bills.cost import CostReport, WorkloadCost
from blueprints.comparing.costdiff import cost_diff, over_budget
from pse.cli.render_cost import diff_view
from pse.core.documents.plan import Cost, CostLine
from pse.core.errors import BadInput

ZERO = Decimal(0)


def line(item: str, quantity: int, price: str | None, kind: str = "compute", offer: str = "row") -> CostLine:
    amount = None if price is None else quantity * Decimal(price)
    known = None if price is None else Decimal(price)
    return CostLine(
        item=item, kind=kind, offer=offer, quantity=Decimal(quantity), unit="hour", price=known, monthly=amount
    )


def cost(lines: tuple[CostLine, ...]) -> Cost:
    return Cost(
        monthly=sum((one.monthly for one in lines if one.monthly is not None), ZERO),
        one_time=ZERO,
        no_price=sum(one.price is None for one in lines),
    )


def report(plan: str, /, currency: str = "PKR", **bills: tuple[CostLine, ...]) -> CostReport:
    rows = tuple(
        WorkloadCost(workload=name, place=f"at-{name}", strategy="rehost", cost=cost(lines), lines=lines)
        for name, lines in bills.items()
    )
    return CostReport(
        plan=plan * 32,
        currency=currency,
        sample=True,
        workloads=rows,
        places=(),
        total=cost(tuple(one for lines in bills.values() for one in lines)),
        mandate_monthly=None,
        not_comparable=(),
    )


OLD = report("01", portal=(line("web", 730, "2"), line("db", 730, "4")), files=(line("nas", 730, "1"),))


def test_what_changed_is_told_by_line_and_what_did_not_is_left_out() -> None:
    new = report(
        "02",
        portal=(line("web", 730, "3"), line("cache", 730, "1")),
        files=(line("nas", 730, "1"),),
        mail=(line("mx", 730, "1"),),
    )
    diff = cost_diff(OLD, new)
    assert (diff.monthly, diff.percent) == (Decimal(730) * (3 + 1 + 1 + 1 - 7), Decimal("-14.29"))
    assert [change.workload for change in diff.workloads] == ["mail", "portal"]
    mail, portal = diff.workloads
    assert (mail.before, mail.place_before, mail.place, mail.monthly) == (None, "", "at-mail", Decimal(730))
    assert {(one.item, one.why) for one in portal.lines} == {("web", "price"), ("db", "removed"), ("cache", "added")}


def test_line_says_which_of_its_parts_differ() -> None:
    new = report(
        "02", portal=(line("web", 700, "2", offer="other"), line("db", 730, "4")), files=OLD.workloads[1].lines
    )
    (change,) = cost_diff(OLD, new).workloads
    assert [one.why for one in change.lines] == ["offer, quantity"]


def test_two_currencies_are_not_compared() -> None:
    with pytest.raises(BadInput, match="PKR and USD"):
        cost_diff(OLD, report("02", currency="USD"))


amounts = st.decimals("0", "1000", places=2).map(str)
bills = st.dictionaries(
    st.sampled_from("abcdef"),
    st.lists(st.tuples(st.sampled_from(("web", "db")), st.integers(1, 3), st.none() | amounts), max_size=4).map(
        lambda rows: tuple(line(*row) for row in rows)
    ),
)


@given(bills, bills)
def test_changes_add_up_to_the_difference_of_the_totals_and_nothing_differs_from_itself(
    before: dict[str, tuple[CostLine, ...]], after: dict[str, tuple[CostLine, ...]]
) -> None:
    old, new = report("01", "PKR", **before), report("02", "PKR", **after)
    diff = cost_diff(old, new)
    assert sum((change.monthly for change in diff.workloads), ZERO) == diff.monthly
    for change in diff.workloads:
        sides = [
            sum((side.monthly for one in change.lines if (side := getattr(one, name)) and side.monthly), ZERO)
            for name in ("before", "after")
        ]
        assert sides[1] - sides[0] == change.monthly
    back = cost_diff(new, old)
    assert back.monthly == -diff.monthly
    assert not cost_diff(old, old).workloads


@pytest.mark.parametrize(
    ("most", "by", "codes"),
    [
        (None, "", []),
        ("5110", "", []),
        ("5109.99", "", ["PSE-B050"]),
        (None, "0", ["PSE-B051"]),
        (None, "730", []),
        (None, "729.99", ["PSE-B051"]),
        (None, "16.67%", []),
        (None, "16.66 %", ["PSE-B051"]),
        ("1", "1%", ["PSE-B050", "PSE-B051"]),
    ],
)
def test_budget_is_kept_up_to_its_last_paisa(most: str | None, by: str, codes: list[str]) -> None:
    cheaper = report("02", portal=(line("web", 730, "2"), line("db", 730, "4")))  # 4,380 a month, and OLD is 5,110
    diff = cost_diff(cheaper, OLD)
    found = over_budget(OLD, most=None if most is None else Decimal(most), rise=diff, by=by)
    assert [finding.code for finding in found] == codes


def test_bill_with_a_line_without_a_price_is_within_no_budget() -> None:
    unpriced = msgspec.structs.replace(OLD, total=msgspec.structs.replace(OLD.total, no_price=1))
    assert [finding.code for finding in over_budget(unpriced, most=Decimal("1e9"))] == ["PSE-B052"]
    assert not list(over_budget(unpriced))


def test_bill_that_leaves_refused_workloads_out_is_within_no_budget() -> None:
    refused = msgspec.structs.replace(OLD, refused=("payroll",))
    (finding,) = over_budget(refused, most=Decimal("1e9"))
    assert finding.code == "PSE-B053"
    assert "payroll" in finding.message
    assert not list(over_budget(refused))


def test_a_bill_that_fell_by_a_refusal_says_so() -> None:
    new = msgspec.structs.replace(report("02", portal=OLD.workloads[0].lines), refused=("files",))
    diff = cost_diff(OLD, new)
    assert diff.monthly < 0
    plan = SimpleNamespace(entity="Test", hash=new.plan, as_of="2026-11-25", sample=False)
    told = [block for block in diff_view(plan, diff).blocks if isinstance(block, str)]  # type: ignore[arg-type]  # head
    assert told[-1].startswith("now: total:")
    assert told[-1].endswith("; without 1 refused workload (files)")
    assert "refused" not in told[-2]


@pytest.mark.parametrize("by", ["five", "-1", "NaN", "%", "5%%", "inf"])
def test_what_is_neither_an_amount_nor_a_share_is_said(by: str) -> None:
    with pytest.raises(BadInput, match="neither an amount nor a share"):
        list(over_budget(OLD, rise=cost_diff(OLD, OLD), by=by))
