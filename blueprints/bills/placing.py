"""Places weighed as a whole: what is bought there, with the landing zone that is paid once a place.

A workload's own cheapest place knows nothing of landing zones. Here every used place is looked at with its landing
zone, and closed for another one where that costs less: the greedy close-and-swap step of facility location (Kuehn and
Hamburger, "A Heuristic Program for Locating Warehouses", Management Science 9/4, 1963).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal

import msgspec

from blueprints.bills.catalogue import Catalogue
from blueprints.bills.pricing import landing_bill, totals
from blueprints.names import landing_id
from pse.core.documents.plan import Cost, PlaceOption
from pse.core.money import cents
from pse.core.text import counted


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A workload that is built, with the place that is cheapest for it alone.

    Attributes:
        workload: Workload id.
        place: That place.
        options: All places with their costs.
        demanded: People demand the place, so it stays.
    """

    workload: str
    place: str
    options: tuple[PlaceOption, ...]
    demanded: bool = False


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a workload is in the end; ``why`` is empty where landing zones say nothing about it."""

    place: str
    why: str = ""


class _Move(msgspec.Struct, frozen=True, kw_only=True):
    saving: Decimal
    to: Mapping[str, str]
    opened: str = ""


class Weigher:
    """Weighs places with their landing zones; the same answer for the same inputs, whatever their order."""

    def __init__(self, catalogue: Catalogue, *, horizon_months: int) -> None:
        """Weigh by ``catalogue``, one-time and monthly costs against each other over ``horizon_months``."""
        self._catalogue = catalogue
        self._horizon = horizon_months
        self._zones: dict[str, Cost] = {}

    def weigh(self, choices: Iterable[Choice]) -> dict[str, Placed]:
        """The place of every workload, by workload id.

        A place is closed when all of its workloads may be elsewhere and the known total falls by it. Bills are compared
        on an equal footing only: never against a landing zone without a price, nor against a bill that lacks more
        prices than the one it replaces, because such a place would win by what is not known of it.
        """
        all_ = {choice.workload: choice for choice in sorted(choices, key=lambda c: c.workload)}
        at = {name: choice.place for name, choice in all_.items()}
        closed: dict[str, tuple[str, Decimal]] = {}
        while True:
            moves = [(place, move) for place in sorted(set(at.values())) for move in self._closings(place, at, all_)]
            if not moves:
                break
            place, best = min(moves, key=lambda m: (-m[1].saving, m[0], m[1].opened))
            at |= best.to
            closed |= dict.fromkeys(best.to, (place, best.saving))
        unequal = self._unequal(at, all_)
        return {
            name: Placed(place=at[name], why=self._why(all_[name], at[name], closed.get(name), unequal))
            for name in all_
        }

    def _closings(self, place: str, at: Mapping[str, str], all_: Mapping[str, Choice]) -> Iterator[_Move]:
        """Ways to close ``place`` that lower the known total: into the places in use, and into each other one."""
        here = [all_[name] for name in at if at[name] == place]
        if any(choice.demanded for choice in here):
            return
        used = set(at.values()) - {place}
        allowed = {o.place for choice in here for o in choice.options if o.allowed and o.cost is not None}
        for opened in ("", *sorted(allowed - used - {place})):
            if opened and self._zone(opened).no_price:
                continue
            to = {c.workload: self._cheapest(c, place, used | {opened}) for c in here}
            moved = {name: o.place for name, o in to.items() if o is not None}
            if len(moved) < len(here) or (opened and opened not in moved.values()):
                continue
            saving = self._worth(self._zone(place)) - (self._worth(self._zone(opened)) if opened else 0)
            for choice in here:
                saving += self._worth(_cost(choice, place)) - self._worth(_cost(choice, moved[choice.workload]))
            if saving > 0:
                yield _Move(saving=saving, to=moved, opened=opened)

    def _cheapest(self, choice: Choice, now: str, places: Collection[str]) -> PlaceOption | None:
        """The cheapest allowed option of ``places`` whose bill lacks no more prices than that of ``now``."""
        lacking = _cost(choice, now).no_price
        fits = [
            (self._worth(o.cost), o.place, o)
            for o in choice.options
            if o.place in places and o.allowed and o.cost is not None and o.cost.no_price <= lacking
        ]
        return min(fits, key=lambda f: f[:2])[2] if fits else None

    def _unequal(self, at: Mapping[str, str], all_: Mapping[str, Choice]) -> dict[str, list[str]]:
        """By place in use, the places that its landing zone could not be weighed against, for want of a price there."""
        used = set(at.values())
        found: dict[str, list[str]] = {}
        for place in sorted(used):
            here = [all_[name] for name in at if at[name] == place]
            if any(choice.demanded for choice in here):
                continue
            others = [{o.place for o in c.options if o.allowed and o.cost is not None} - {place} for c in here]
            all_may = set.intersection(*others)
            found[place] = [p for p in sorted(all_may - used) if self._zone(p).no_price]
        return found

    def _why(
        self, choice: Choice, place: str, closed: tuple[str, Decimal] | None, unequal: Mapping[str, list[str]]
    ) -> str:
        words = []
        if closed is not None:
            left, saving = closed
            bills = f"{cents(_cost(choice, left).monthly):,} against {cents(_cost(choice, place).monthly):,} a month"
            words.append(
                f"moved from {left} ({bills} by itself): closing it, with its landing zone of "
                f"{cents(self._zone(left).monthly):,} a month, saves {cents(saving):,} "
                f"over {counted(self._horizon, 'month')}"
            )
        if unequal.get(place):
            words.append(
                f"landing zones not comparable, so not weighed: that of {', '.join(unequal[place])} has no price"
            )
        return "; ".join(words)

    def _zone(self, place: str) -> Cost:
        if place not in self._zones:
            self._zones[place] = totals(landing_bill(landing_id(place), place, self._catalogue))
        return self._zones[place]

    def _worth(self, cost: Cost) -> Decimal:
        return cost.monthly * self._horizon + cost.one_time


def _cost(choice: Choice, place: str) -> Cost:
    return next(o.cost for o in choice.options if o.place == place and o.cost is not None)
