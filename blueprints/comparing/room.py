"""Total cost of ownership: the old room against the plan, over the plan's horizon.

Only figures that the entity gave are money; figures of technique have defaults, and each line says which it used. A
line that lacks a figure has no amount, is counted, and is in no sum: it is never 0.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, Decimal

import msgspec

from pse.core.documents.plan import Cost, Plan, Strategy
from pse.core.documents.room import DEFAULTS, Room
from pse.core.errors import BadInput
from pse.core.money import HOURS_PER_MONTH, cents, total

_Way = Callable[["_Figures", Decimal], Decimal]
"""An amount a month by the figures, for a share of the servers."""
_KILO = 1000
_MONTHS = 12


class RoomLine(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of cost of the room.

    Attributes:
        name: What it is for.
        today: A month today; None where a figure is missing.
        after: A month after the move, for what stays.
        how: How it comes to it.
        defaults: Figures that are defaults.
        missing: Figures that nobody gave.
    """

    name: str
    today: Decimal | None
    after: Decimal | None
    how: str
    defaults: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Ownership(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison.

    Attributes:
        currency: Of all amounts.
        source: Who gave the figures.
        months: The horizon.
        servers: Servers of the plan.
        staying: Those that stay in the room: retained or refused.
        lines: Of the room.
        today: Sum of the known lines a month.
        after: Sum of the known lines of what stays, a month.
        no_figure: Lines without an amount.
        plan: Bill of the plan; its lines without a price are in no sum either.
        stay: Staying as it is, over the horizon.
        move: What stays, the plan's months and its one-time costs, over the horizon.
        even_after: Months after which the one-time costs are saved, by what is known; None where a month is no cheaper.
    """

    currency: str
    source: str
    months: int
    servers: int
    staying: int
    lines: tuple[RoomLine, ...]
    today: Decimal
    after: Decimal
    no_figure: int
    plan: Cost
    stay: Decimal
    move: Decimal
    even_after: int | None


class _Figures:
    """The figures that one line uses; remembers which were defaults and which are missing."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.defaults: list[str] = []
        self.missing: list[str] = []

    def __call__(self, name: str) -> Decimal:
        value: Decimal | None = getattr(self._room, name)
        if value is not None:
            return Decimal(value)
        if name in DEFAULTS:
            self.defaults.append(f"{name} {DEFAULTS[name][0]} (default: {DEFAULTS[name][1]})")
            return DEFAULTS[name][0]
        self.missing.append(name)
        return Decimal(1)  # is in no amount: a line with a missing figure has none


def ownership(plan: Plan, room: Room, *, horizon_months: int) -> Ownership:
    """Hold ``plan`` against ``room``.

    Args:
        plan: The plan.
        room: Figures of the room.
        horizon_months: Months that both are summed over.

    Raises:
        BadInput: They are in two currencies; nothing is converted here.
    """
    if room.currency != plan.currency:
        raise BadInput(
            f"the room's figures are in {room.currency}, and the plan is in {plan.currency}",
            where="room.toml",
            hint=f"Give them in {plan.currency}; nothing is converted.",
        )
    staying = sum(len(d.members) for d in plan.decisions if d.strategy in (Strategy.RETAIN, None))
    share = Decimal(min(staying, plan.servers)) / plan.servers if plan.servers else Decimal(0)
    lines = tuple(_lines(room, plan.servers, share))
    today, no_figure = total(line.today for line in lines)
    after, _ = total(line.after for line in lines)
    stay = today * horizon_months
    move = (after + plan.cost.monthly) * horizon_months + plan.cost.one_time
    saved = today - after - plan.cost.monthly
    return Ownership(
        currency=plan.currency,
        source=room.source,
        months=horizon_months,
        servers=plan.servers,
        staying=staying,
        lines=lines,
        today=today,
        after=after,
        no_figure=no_figure,
        plan=plan.cost,
        stay=stay,
        move=move,
        even_after=_up(plan.cost.one_time / saved) if saved > 0 else None,
    )


def _lines(room: Room, servers: int, share: Decimal) -> list[RoomLine]:
    def hosts(of: _Figures) -> Decimal:
        return Decimal(room.hosts) if room.hosts is not None else Decimal(_up(servers / of("vms_per_host")))

    def power(of: _Figures, part: Decimal) -> Decimal:
        return _up(hosts(of) * part) * of("watts_per_host") / _KILO * HOURS_PER_MONTH * of("pue") * of("price_kwh")

    def space(of: _Figures, part: Decimal) -> Decimal:
        return _up(_up(hosts(of) * part) / of("hosts_per_rack")) * of("rack_month")

    def hardware(of: _Figures, part: Decimal) -> Decimal:
        return _up(hosts(of) * part) * of("price_host") / (of("refresh_years") * _MONTHS)

    def people(of: _Figures, part: Decimal) -> Decimal:
        today = of("people")
        posts = today if part == 1 or room.people_after is None else room.people_after
        return posts * of("person_month")

    def by_share(name: str) -> _Way:
        return lambda of, part: of(name) * part

    def as_long_as_any(name: str) -> _Way:
        return lambda of, part: of(name) * (part > 0)

    ways: Mapping[str, tuple[_Way, str]] = {
        "power": (power, "hosts x watts / 1000 x 730 h x PUE x price of a kWh"),
        "space": (space, "racks x a rack's month"),
        "hardware": (hardware, "hosts x price / (years x 12)"),
        "maintenance": (by_share("maintenance_month"), "as given; after the move by the share of servers that stay"),
        "licences": (by_share("licences_month"), "as given; after the move by the share of servers that stay"),
        "network": (as_long_as_any("network_month"), "as given, as long as any server stays"),
        "people": (people, "posts x a post's month; people_after where it is given"),
    }
    return [_line(room, name, way, how, share) for name, (way, how) in ways.items()]


def _line(room: Room, name: str, way: _Way, how: str, share: Decimal) -> RoomLine:
    of = _Figures(room)
    today = way(of, Decimal(1))
    defaults, missing = tuple(dict.fromkeys(of.defaults)), tuple(dict.fromkeys(of.missing))
    after = way(of, share)
    return RoomLine(
        name=name,
        today=None if missing else cents(today),
        after=None if missing else cents(after),
        how=how,
        defaults=defaults,
        missing=missing,
    )


def _up(number: Decimal) -> int:
    return int(number.to_integral_value(rounding=ROUND_CEILING))
