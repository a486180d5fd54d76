"""What changes between the bills of two plans, line by line, and whether a bill stays within a budget."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from blueprints.bills.cost import CostReport, WorkloadCost
from blueprints.bills.pricing import FREE
from pse.core.documents.plan import Cost, CostLine
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.money import cents
from pse.core.text import counted, few

_HUNDRED = Decimal(100)
_NAMED = 12


class LineChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bill that is not what it was.

    Attributes:
        item: What it is for.
        kind: Kind of offer.
        before: The line in the old plan; None when there was none.
        after: The line in the new one; None when there is none.
        why: ``added``, ``removed``, or what of it differs: ``offer``, ``price``, ``quantity``, several with commas.
    """

    item: str
    kind: str
    before: CostLine | None
    after: CostLine | None
    why: str


class BillChange(msgspec.Struct, frozen=True, kw_only=True):
    """A workload or landing zone whose bill is not what it was.

    Attributes:
        workload: Id.
        place_before: Place id; empty when nothing was bought.
        place: Place id; empty when nothing is bought.
        before: Its cost in the old plan; None when it was not there.
        after: Its cost in the new one; None when it is not there.
        monthly: How much more it is a month, of what has a price on either side.
        one_time: How much more it is once.
        lines: The lines that changed.
    """

    workload: str
    place_before: str
    place: str
    before: Cost | None
    after: Cost | None
    monthly: Decimal
    one_time: Decimal
    lines: tuple[LineChange, ...]


class CostDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two bills beside each other.

    Attributes:
        old: Hash of the old plan.
        new: Hash of the new one.
        currency: Of all amounts.
        before: Total of the old plan.
        after: Total of the new one.
        monthly: How much more the new one is a month, of what has a price.
        one_time: How much more it is once.
        percent: ``monthly`` as a share of the old monthly total; None when that was 0.
        workloads: The bills that changed, by id.
        refused: Workloads that the new one refuses, so that they are in no bill of it.
        refused_before: Likewise of the old one.
    """

    old: str
    new: str
    currency: str
    before: Cost
    after: Cost
    monthly: Decimal
    one_time: Decimal
    percent: Decimal | None
    workloads: tuple[BillChange, ...]
    refused: tuple[str, ...] = ()
    refused_before: tuple[str, ...] = ()


def cost_diff(old: CostReport, new: CostReport) -> CostDiff:
    """What ``new`` costs more, or less, than ``old``.

    Raises:
        BadInput: They are in two currencies: no rate between them is known.
    """
    same_currency(old.currency, new.currency, where=new.plan[:12])
    before, after = ({row.workload: row for row in report.workloads} for report in (old, new))
    monthly = new.total.monthly - old.total.monthly
    return CostDiff(
        old=old.plan,
        new=new.plan,
        currency=new.currency,
        before=old.total,
        after=new.total,
        monthly=monthly,
        one_time=new.total.one_time - old.total.one_time,
        percent=cents(monthly * _HUNDRED / old.total.monthly) if old.total.monthly else None,
        workloads=tuple(
            change
            for name in sorted(before.keys() | after.keys())
            if (change := _change(name, before.get(name), after.get(name))) is not None
        ),
        refused=new.refused,
        refused_before=old.refused,
    )


def same_currency(old: str, new: str, *, where: str) -> None:
    """Refuse to compare plans in two currencies.

    Raises:
        BadInput: They are: no rate between them is known.
    """
    if old != new:
        raise BadInput(
            f"the plans are in two currencies, {old} and {new}",
            where=where,
            hint="Compare plans that were made from price books in one currency.",
        )


def over_budget(
    report: CostReport, *, most: Decimal | None = None, rise: CostDiff | None = None, by: str = ""
) -> Iterator[Finding]:
    """Why a bill is not within its budget; nothing when it is.

    What has no price may cost anything, so a bill with such lines is within no budget, nor is one that leaves workloads
    out because they are refused.

    Args:
        report: Of the plan; the budget is in its currency.
        most: Most that it may be a month.
        rise: Against an older plan; needed with ``by``.
        by: Most that it may have become dearer a month: an amount, or a share of the old total such as ``5%``.

    Raises:
        BadInput: ``by`` is neither.
    """
    total, currency = report.total, report.currency
    if most is not None and total.monthly > most:
        yield _over(
            "PSE-B050",
            f"the plan costs {currency} {cents(total.monthly):,} a month, {cents(total.monthly - most):,} more than "
            f"the budget of {most:,f}",
        )
    if rise is not None and by:
        allowed = _allowed(by, rise.before)
        if rise.monthly > allowed:
            share = "" if rise.percent is None else f" ({rise.percent:+f} %)"
            yield _over(
                "PSE-B051",
                f"the plan costs {currency} {cents(rise.monthly):,} a month more than plan {rise.old[:12]}{share}; "
                f"at most {cents(allowed):,} more is allowed",
            )
    if total.no_price and (most is not None or by):
        yield Finding(
            code="PSE-B052",
            severity=Severity.ERROR,
            subject="the bill",
            message=f"{counted(total.no_price, 'line')} without a price: nobody can say whether it is within a budget",
            remedy="Get the prices into the price book; `pse cost` names the lines.",
            source="price book",
        )
    if report.refused and (most is not None or by):
        yield Finding(
            code="PSE-B053",
            severity=Severity.ERROR,
            subject="the bill",
            message=f"{counted(len(report.refused), 'workload')} in no bill, because refused: "
            f"{few(report.refused, _NAMED)}; nobody can say whether it is within a budget with them",
            remedy='Deal with the refusals, or declare what stays where it is: `strategy = "retain"` and a reason.',
            source="plan",
        )


def _over(code: str, message: str) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        subject="the bill",
        message=message,
        remedy="Choose other places, sizes or workloads, or have the budget raised by who answers for it.",
        source="budget",
    )


def _allowed(by: str, before: Cost) -> Decimal:
    share = by.strip().removesuffix("%").strip()
    try:
        number = Decimal(share)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise BadInput(
            f"{by!r} is neither an amount nor a share", where="--max-increase", hint="Write 50000 or 5%, for example."
        )
    return before.monthly * number / _HUNDRED if by.strip().endswith("%") else number


def _change(name: str, before: WorkloadCost | None, after: WorkloadCost | None) -> BillChange | None:
    if before is not None and after is not None:
        # An older plan has no lines of a software service, which is no change of its bill.
        told = bool(before.lines and after.lines)
        if (before.place, before.cost) == (after.place, after.cost) and not (told and before.lines != after.lines):
            return None
    was, becomes = (row.cost if row is not None else FREE for row in (before, after))
    return BillChange(
        workload=name,
        place_before=before.place if before else "",
        place=after.place if after else "",
        before=before.cost if before else None,
        after=after.cost if after else None,
        monthly=becomes.monthly - was.monthly,
        one_time=becomes.one_time - was.one_time,
        lines=tuple(line_changes(before.lines if before else (), after.lines if after else ())),
    )


def line_changes(before: Iterable[CostLine], after: Iterable[CostLine]) -> Iterator[LineChange]:
    """The lines of two bills that differ, by what they are for."""
    was, becomes = _named(before), _named(after)
    for key in sorted(was.keys() | becomes.keys()):
        old, new = was.get(key), becomes.get(key)
        if old != new:
            yield LineChange(item=key[0], kind=key[1], before=old, after=new, why=_why(old, new))


def _named(lines: Iterable[CostLine]) -> dict[tuple[str, str, str, int], CostLine]:
    """Lines by what they are for; several of one item, kind and unit by their order."""
    found: dict[tuple[str, str, str, int], CostLine] = {}
    for line in lines:
        number = 0
        while (line.item, line.kind, line.unit, number) in found:
            number += 1
        found[line.item, line.kind, line.unit, number] = line
    return found


def _why(old: CostLine | None, new: CostLine | None) -> str:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    return ", ".join(word for word in ("offer", "price", "quantity") if getattr(old, word) != getattr(new, word))
