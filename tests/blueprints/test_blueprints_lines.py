"""Every kind of line against arithmetic of the tests' own: integers and fractions from first principles."""

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.bills.bought import break_even, of_the_bills
from blueprints.bills.catalogue import Catalogue, steps
from blueprints.bills.estimating import Estimates
from blueprints.bills.pricing import build_at, landing_bill, totals
from blueprints.model import Built, Demand, Wanted, WantedVolume
from pse.core.costing import Commitment, Copies, CostSettings, MoveRates, Retention
from pse.core.documents.category import Category
from pse.core.documents.offers import Offer, OfferKind, Offers
from pse.core.documents.plan import CostLine, Move, Unit

PLACE = "a/b/c"
BASE: tuple[dict[str, Any], ...] = (
    {"kind": "compute", "name": "s", "unit": "hour", "price": "0.10", "vcpus": 2, "memory_mib": 4096},
    {"kind": "image", "name": "debian-12", "unit": "month", "price": "0", "os_family": "debian", "disk_gib": 0},
    {"kind": "storage", "name": "hdd", "unit": "GiB-month", "price": "0.05"},
    {"kind": "support", "name": "plain", "unit": "month", "price": "100"},
    {"kind": "migration", "name": "move", "unit": "once", "price": "0"},
)


def offer(**words: Any) -> Offer:
    """An offer at `PLACE`; numbers of money as texts."""
    money = {k: Decimal(words[k]) for k in ("price", "upfront", "minimum", "above") if words.get(k) is not None}
    words = {"price": None, **words, **money, "place": PLACE, "kind": OfferKind(words["kind"])}
    ids = [PLACE, words["kind"], words["name"], str(words.get("above", 0)), str(words.get("term_months", 0))]
    return Offer(id=":".join([*ids, str(words.get("disk_gib", ""))]), **words)


def catalogue(*rows: dict[str, Any], tax: str | None = None, horizon: int = 36, **settings: Any) -> Catalogue:
    """`BASE` with ``rows``; a row of a kind that is in both takes the place of those of `BASE`."""
    kinds = {row["kind"] for row in rows if not row.get("term_months")}
    all_ = [offer(**row) for row in (*(b for b in BASE if b["kind"] not in kinds), *rows)]
    book = Offers(
        book="b",
        dated=date(2026, 1, 1),
        currency="PKR",
        tax_percent=None if tax is None else Decimal(tax),
        offers=tuple(sorted(all_, key=lambda o: o.id)),
    )
    return Catalogue(book, CostSettings(**settings), horizon_months=horizon)


def wanted(*volumes: int, **words: Any) -> Wanted:
    """A workload of one server with volumes of so many GiB; words of the server are in ``server``."""
    server = Demand(
        **{
            "name": "w",
            "role": "server",
            "vcpus": 2,
            "memory_mib": 4096,
            "os_family": "debian",
            "volumes": tuple(
                WantedVolume(name=f"v{n}", size_gib=size, mount=f"/v{n}") for n, size in enumerate(volumes)
            ),
            **words.pop("server", {}),
        }
    )
    return Wanted(**{"id": "w", "category": Category.PUBLIC, "class_id": "public", "servers": (server,), **words})


def built(of: Wanted, by: Catalogue) -> Built:
    made = build_at(of, PLACE, by)
    assert not made.lacking
    assert Estimates(by, [PLACE]).of(of) == {PLACE: made.cost}
    return made


def lines(of: Wanted, by: Catalogue, kind: str) -> list[CostLine]:
    return [line for line in built(of, by).lines if line.kind == kind]


def rupees(exact: Fraction) -> Decimal:
    """Half-even to hundredths, by integers: independent of the decimal module's rounding."""
    hundredths, rest = divmod(exact * 100, 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and hundredths % 2 == 1)
    return Decimal(int(hundredths) + up).scaleb(-2)


def walked(bounds: list[int], quantity: int) -> Counter[int]:
    """Units in each step, by walking unit by unit: the n-th unit lies in the highest step that begins below it."""
    return Counter(max(bound for bound in bounds if bound < n) for n in range(1, quantity + 1))


EDGES = [0, 1, 9, 10, 11, 99, 100, 101, 250]


@pytest.mark.parametrize("quantity", EDGES)
def test_a_tariff_is_exact_at_its_edges(quantity: int) -> None:
    rows = [offer(kind="egress", name="e", unit="GiB", price="1", above=str(bound)) for bound in (0, 10, 100)]
    found = {int(row.above): int(units) for row, units in steps(rows, Decimal(quantity)) if row}
    assert found == walked([0, 10, 100], quantity)


@given(st.sets(st.integers(1, 300), max_size=5), st.integers(0, 400))
def test_a_tariff_is_what_a_walk_unit_by_unit_finds(bounds: set[int], quantity: int) -> None:
    all_ = [0, *sorted(bounds)]
    rows = [offer(kind="egress", name="e", unit="GiB", price="1", above=str(bound)) for bound in all_]
    assert {int(r.above): int(u) for r, u in steps(rows, Decimal(quantity)) if r} == walked(all_, quantity)


def test_what_lies_below_a_tariff_has_no_price() -> None:
    rows = ({"kind": "egress", "name": "e", "unit": "GiB", "price": "2", "above": "10"},)
    found = lines(wanted(egress_gib=15), catalogue(*rows), "egress")
    assert [(line.price, line.quantity) for line in found] == [(None, Decimal(10)), (Decimal(2), Decimal(5))]
    assert built(wanted(egress_gib=15), catalogue(*rows)).cost.no_price == 1


TIERS: tuple[dict[str, Any], ...] = (
    {"kind": "egress", "name": "e", "unit": "GiB", "price": "0", "above": "0"},
    {"kind": "egress", "name": "e", "unit": "GiB", "price": "0.09", "above": "100"},
    {"kind": "egress", "name": "e", "unit": "GiB", "price": "0.07", "above": "500"},
)
CENTS = {0: 0, 100: 9, 500: 7}


@given(st.lists(st.integers(0, 900), min_size=1, max_size=5))
def test_workloads_and_their_landing_zone_pay_the_tiers_of_all_egress_together(quantities: list[int]) -> None:
    by = catalogue(*TIERS)
    bills = [built(wanted(id=f"w{n}", egress_gib=q), by).lines for n, q in enumerate(quantities)]
    zone = landing_bill("landing", PLACE, by, bills)
    paid = sum((x.monthly or 0 for bill in (*bills, zone) for x in bill if x.kind == "egress"), Decimal(0))
    units = walked([0, 100, 500], sum(quantities))
    assert paid * 100 == sum(CENTS[bound] * count for bound, count in units.items())
    for bill, quantity in zip(bills, quantities, strict=True):
        alone = walked([0, 100, 500], quantity)
        assert {x.price: x.quantity for x in bill if x.kind == "egress"} == {
            Decimal(CENTS[bound]).scaleb(-2): count for bound, count in alone.items()
        }


SHARES: tuple[dict[str, Any], ...] = (
    {"kind": "support", "name": "b", "unit": "percent", "price": "10", "minimum": "50", "above": "0"},
    {"kind": "support", "name": "b", "unit": "percent", "price": "7", "above": "200"},
)


@given(st.lists(st.integers(1, 40), min_size=0, max_size=12))
def test_support_is_a_share_of_all_that_is_spent_and_not_less_than_its_least(hours: list[int]) -> None:
    """Each workload spends 730 x 0.01 x n; together 10 % up to 200 and 7 % above, at least 50."""
    bills = []
    for number, n in enumerate(hours):
        rate = {"kind": "compute", "name": "s", "unit": "hour", "vcpus": 2, "memory_mib": 4096}
        by = catalogue({**rate, "price": f"{n / 100:.2f}"}, *SHARES)
        bills.append(built(wanted(id=f"w{number}"), by).lines)
    zone = landing_bill("landing", PLACE, catalogue(*SHARES), bills)
    paid = [x for bill in (*bills, zone) for x in bill if x.kind == "support"]
    landed = sum((x.monthly or Decimal(0) for x in paid), Decimal(0))
    spent = Fraction(sum(730 * n for n in hours), 100)
    total = max(Fraction(50), min(spent, Fraction(200)) / 10 + max(spent - 200, Fraction(0)) * 7 / 100)
    # Each line is rounded by itself, so they may be off by half a hundredth each.
    assert abs(Fraction(landed) - total) <= Fraction(len(paid), 200)


def test_a_fixed_price_of_support_is_paid_once_a_place() -> None:
    by = catalogue(dict(BASE[3]), *SHARES)
    assert lines(wanted(), by, "support") == []
    (line,) = landing_bill("landing", PLACE, by, [built(wanted(), by).lines])
    assert (line.monthly, line.unit) == (Decimal(100), "month")


@pytest.mark.parametrize(("hours", "price"), [("730", "0.10"), ("744", "0.0416"), ("672.5", "0.333333333")])
def test_compute_is_paid_by_the_hours_that_a_month_is_set_to(hours: str, price: str) -> None:
    by = catalogue({**BASE[0], "price": price}, hours_per_month=Decimal(hours))
    (line,) = lines(wanted(), by, "compute")
    assert line.monthly == rupees(Fraction(hours) * Fraction(price))
    assert line.quantity == Decimal(hours)


TERM = {**BASE[0], "term_months": 12, "price": "0.06", "upfront": "100"}


def test_a_commitment_has_its_own_row_and_pays_upfront_for_each_term_of_the_horizon() -> None:
    by = catalogue(TERM, commitment=Commitment.ONE_YEAR, horizon=30)
    monthly, upfront = lines(wanted(), by, "compute")
    assert monthly.offer == upfront.offer == offer(**TERM).id
    assert monthly.monthly == rupees(Fraction(730) * Fraction("0.06"))
    assert (upfront.quantity, upfront.one_time, upfront.monthly) == (
        Decimal(3),
        Decimal(300),
        None,
    )  # months 1, 13 and 25
    assert lines(wanted(), catalogue(TERM), "compute")[0].price == Decimal("0.10")
    other = catalogue(TERM, commitment=Commitment.THREE_YEARS)
    assert lines(wanted(), other, "compute")[0].price == Decimal("0.10")


def test_a_commitment_that_is_dearer_over_the_horizon_is_not_taken() -> None:
    """On demand 876 a year; the term comes to 525.60 + 360 upfront."""
    by = catalogue({**TERM, "upfront": "360"}, commitment=Commitment.ONE_YEAR, horizon=12)
    (line,) = lines(wanted(), by, "compute")
    assert line.price == Decimal("0.10")


def test_the_shape_is_the_one_that_is_cheapest_as_it_is_bought() -> None:
    larger = {**BASE[0], "name": "t", "vcpus": 4, "price": "0.15"}
    rows = (dict(BASE[0]), larger, {**larger, "term_months": 36, "price": "0.05"})
    assert built(wanted(), catalogue(*rows)).servers[0].shape == "s"
    assert built(wanted(), catalogue(*rows, commitment=Commitment.THREE_YEARS)).servers[0].shape == "t"


@given(st.integers(1, 500), st.integers(0, 300), st.integers(1, 500))
def test_the_break_even_is_the_first_month_that_is_no_dearer(hourly: int, upfront: int, plain: int) -> None:
    rows = ({**BASE[0], "price": f"{plain / 1000:.3f}"}, {**TERM, "price": f"{hourly / 1000:.3f}"})
    by = catalogue(rows[0], {**rows[1], "upfront": str(upfront)}, commitment=Commitment.ONE_YEAR)
    term = offer(**{**rows[1], "upfront": str(upfront)})
    owed = 730 * 12 * hourly + 1000 * upfront
    month = next((m for m in range(1, 13) if m * 730 * plain >= owed), None)
    said = break_even(term, by)
    assert said == (
        f"(less than on demand when used for {month} of 12 months)" if month else "(never less than on demand)"
    )


SIZES: tuple[dict[str, Any], ...] = tuple(
    {"kind": "storage", "name": "premium", "unit": "month", "price": price, "disk_gib": gib}
    for gib, price in ((32, "5"), (64, "9"), (128, "17"))
)


@pytest.mark.parametrize(("size", "price"), [(1, 5), (32, 5), (33, 9), (64, 9), (65, 17), (128, 17)])
def test_a_disk_takes_the_smallest_size_class_that_holds_it(size: int, price: int) -> None:
    (line,) = lines(wanted(size), catalogue(*SIZES), "storage")
    assert (line.monthly, line.quantity) == (Decimal(price), Decimal(1))


def test_the_cheapest_class_depends_on_the_size_and_one_that_is_too_small_is_none() -> None:
    by = catalogue(*SIZES, {"kind": "storage", "name": "hdd", "unit": "GiB-month", "price": "0.15"})
    names = [v.storage_class for v in built(wanted(32, 34, 500), by).servers[0].volumes]
    assert names == ["hdd", "hdd", "hdd"]  # 4.80 < 5, 5.10 < 9, and the sizes end at 128
    by = catalogue(*SIZES, {"kind": "storage", "name": "hdd", "unit": "GiB-month", "price": "0.20"})
    assert [v.storage_class for v in built(wanted(32, 34), by).servers[0].volumes] == ["premium", "hdd"]
    assert build_at(wanted(500), PLACE, catalogue(*SIZES)).lacking == ("no storage for the volumes of w",)


@pytest.mark.parametrize(("iops", "paid"), [(0, []), (3000, [(0, 3000)]), (3001, [(0, 3000), (5, 1)])])
def test_iops_are_paid_where_the_class_prices_them_apart(iops: int, paid: list[tuple[int, int]]) -> None:
    rows = [
        {"kind": "iops", "name": "hdd", "unit": "IOPS-month", "price": p, "above": a}
        for p, a in (("0", "0"), ("0.005", "3000"))
    ]
    found = lines(wanted(10, 20, server={"iops": iops}), catalogue(*rows), "iops")
    assert [(line.price, line.quantity) for line in found] == [(Decimal(p).scaleb(-3), Decimal(q)) for p, q in paid]
    other = [{**row, "name": "ssd"} for row in rows]
    assert lines(wanted(10, 20, server={"iops": iops}), catalogue(*other), "iops") == []


def test_a_system_disk_is_paid_unless_the_shape_includes_it() -> None:
    image = {**BASE[1], "disk_gib": 25}
    assert [x.monthly for x in lines(wanted(), catalogue(image), "storage")] == [rupees(Fraction(25 * 5, 100))]
    assert lines(wanted(), catalogue(image, {**BASE[0], "disk_gib": 40}), "storage") == []
    unknown = catalogue({**BASE[1], "disk_gib": None})
    assert [x.quantity for x in lines(wanted(), unknown, "storage")] == [30]
    made = built(wanted(), unknown)
    unit = Unit(
        id="w", workload="w", blueprint="server", category=Category.PUBLIC, class_id="public", place=PLACE,
        provider="lab", servers=made.servers, costs=made.lines, cost=made.cost,
    )  # fmt: skip
    (said,) = of_the_bills([unit], [wanted()], unknown)
    assert (said.code, said.subject) == ("PSE-B070", PLACE)
    assert list(of_the_bills([unit], [wanted()], catalogue(image))) == []


KEEP = (
    Retention(kind=Copies.SNAPSHOT, copies=7, change_percent=Decimal(5), roles=("database",)),
    Retention(kind=Copies.SNAPSHOT, copies=2),
    Retention(kind=Copies.BACKUP, copies=30, change_percent=Decimal("2.5"), categories=(Category.PUBLIC,)),
)


@pytest.mark.parametrize(("role", "gib"), [("server", Fraction(2 * 50)), ("database", 50 + 6 * Fraction(50, 20))])
def test_copies_are_paid_by_what_they_hold(role: str, gib: Fraction) -> None:
    prices = ({"kind": kind, "name": kind, "unit": "GiB-month", "price": "0.03"} for kind in ("snapshot", "backup"))
    by = catalogue(*prices, keep=KEEP)
    of = wanted(20, 30, server={"role": role})
    assert [(Fraction(x.quantity), x.monthly) for x in lines(of, by, "snapshot")] == [(gib, rupees(gib * 3 / 100))]
    held = 50 + 29 * Fraction(50) / 40
    assert [(Fraction(x.quantity), x.monthly) for x in lines(of, by, "backup")] == [(held, rupees(held * 3 / 100))]
    assert lines(msgspec.structs.replace(of, category=Category.OPEN), by, "backup") == []


def test_what_nobody_prices_has_no_price_and_is_never_nothing() -> None:
    by = catalogue(keep=KEEP)
    of = wanted(20, load_balancers=2, egress_gib=5, server={"licences": ("sql",), "published": True})
    missing = {x.kind for x in built(of, by).lines if x.price is None}
    assert missing == {"snapshot", "backup", "load-balancer", "egress", "licence", "address"}
    assert built(of, by).cost.no_price == 6


def test_load_balancers_and_addresses_are_paid_by_number() -> None:
    by = catalogue(
        {"kind": "load-balancer", "name": "lb", "unit": "hour", "price": "0.025"},
        {"kind": "address", "name": "cheap", "unit": "hour", "price": "0.005"},
        {"kind": "address", "name": "dear", "unit": "month", "price": "3.66"},
    )
    of = wanted(load_balancers=3, server={"published": True})
    assert [x.monthly for x in lines(of, by, "load-balancer")] == [rupees(Fraction(3 * 730 * 25, 1000))]
    # 730 x 0.005 are 3.65, less than the 3.66 of a month.
    assert [x.monthly for x in lines(of, by, "address")] == [Decimal("3.65")]


@pytest.mark.parametrize(("unit", "quantity"), [("month", 1), ("hour", 730), ("vcpu-month", 4), ("vcpu-hour", 4 * 730)])
def test_licences_are_paid_by_server_or_by_vcpu_or_brought(unit: str, quantity: int) -> None:
    rows = ({**BASE[0], "vcpus": 4}, {"kind": "licence", "name": "sql", "unit": unit, "price": "0.37"})
    of = wanted(server={"licences": ("sql",)})
    (line,) = lines(of, catalogue(*rows), "licence")
    assert line.monthly == rupees(Fraction(quantity * 37, 100))
    brought = built(of, catalogue(*rows, bring=("sql", "debian")))
    assert {x.kind for x in brought.lines} == {"compute", "migration"}


def test_a_move_costs_the_line_what_leaves_the_old_room_and_people() -> None:
    rates = MoveRates(
        link_mbit_s=Decimal(200),
        link_hour=Decimal("12.50"),
        egress_gib=Decimal("0.80"),
        person_hour=Decimal(30),
        hours_per_server=Decimal("6.5"),
    )
    mib = 300_001
    move = Move(id="m", kind="files", source="h", target="w", size_mib=mib)
    found = {x.offer.rpartition(":")[2]: x for x in lines(wanted(moves=(move,)), catalogue(move=rates), "migration")}
    bits = mib * 1024 * 1024 * 8
    hundredths = -(-bits * 100 // (200 * 10**6 * 3600))  # of an hour, begun ones counted
    assert found["link_hour"].quantity == Decimal(hundredths).scaleb(-2)
    assert found["link_hour"].one_time == rupees(Fraction(hundredths, 100) * Fraction("12.5"))
    assert found["egress_gib"].one_time == rupees(Fraction(293) * Fraction("0.8"))  # 300,001 MiB are 292.97 GiB
    assert found["person_hour"].one_time == rupees(Fraction("6.5") * 30)
    unknown = wanted(moves=(msgspec.structs.replace(move, size_mib=None),))
    missing = {x.offer.rpartition(":")[2] for x in built(unknown, catalogue(move=rates)).lines if x.price is None}
    assert missing == {"link_hour", "egress_gib"}
    assert len(lines(wanted(new=True), catalogue(move=rates), "migration")) == 0


@given(st.integers(1, 10**9), st.integers(0, 10**4))
def test_tax_is_on_the_sum_and_rounds_half_even(thousandths: int, percent: int) -> None:
    price = Decimal(thousandths).scaleb(-3)
    by = catalogue(
        {"kind": "saas", "name": "x", "unit": "month", "price": "0", "capability": "x"},
        {**BASE[0], "price": str(price)},
        tax=str(Decimal(percent).scaleb(-2)),
        hours_per_month=Decimal(1),
    )
    made = built(wanted(), by)
    plain = rupees(Fraction(thousandths, 1000))
    assert totals(x for x in made.lines if x.kind != "tax").monthly == plain
    assert made.cost.monthly == plain + rupees(Fraction(plain) * Fraction(percent, 10_000))
