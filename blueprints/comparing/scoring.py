"""The most advantageous place of a workload: a weighted score over its allowed places, with every part shown.

Planning takes the cheapest allowed place. Procurement may ask for the most advantageous one: here both are told, and
what parts them. A refused place has no score, whatever it costs.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from pse.core.comparing import CompareSettings
from pse.core.documents.plan import Cost, Decision, PlaceOption, Plan

_FULL = Decimal(100)
_TENTH = Decimal("0.1")


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One allowed place of a workload.

    Attributes:
        place: Place id.
        score: 0 to 100: the weighted mean of the parts.
        parts: 0 to 100 by criterion.
        unmarked: Criteria for which nobody has marked the place; they count 0.
        cost: Its bill.
    """

    place: str
    score: Decimal
    parts: dict[str, Decimal]
    unmarked: tuple[str, ...]
    cost: Cost


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A workload's allowed places, the best score first, a tie by what is cheaper, then by id.

    Attributes:
        workload: Workload id.
        chosen: The plan's place.
        cheapest: The cheapest allowed one, what lacks a price last.
        scores: See `Score`.
    """

    workload: str
    chosen: str
    cheapest: str
    scores: tuple[Score, ...]


def scored(plan: Plan, settings: CompareSettings, *, horizon_months: int) -> tuple[Scored, ...]:
    """Score the allowed places of every workload that is at a place, sorted by workload.

    Args:
        plan: The plan.
        settings: Weights and marks.
        horizon_months: Months over which one-time and monthly costs are weighed against each other.
    """
    at = Counter(decision.place for decision in plan.decisions if decision.place)
    return tuple(
        _scored(decision, at, settings, horizon_months)
        for decision in plan.decisions
        if decision.place and _allowed(decision)
    )


def _allowed(decision: Decision) -> list[tuple[PlaceOption, Cost]]:
    return [(o, o.cost) for o in decision.options if o.allowed and o.cost is not None]


def _scored(decision: Decision, at: Mapping[str, int], settings: CompareSettings, horizon: int) -> Scored:
    options = _allowed(decision)
    worths = {option.place: cost.monthly * horizon + cost.one_time for option, cost in options}
    # A bill that lacks more prices than another may be dear: it is neither the mark of the others nor has it one.
    fewest = min(cost.no_price for _, cost in options)
    least = min(worths[option.place] for option, cost in options if cost.no_price == fewest)
    others = max(1, sum(at.values()) - 1)
    found = []
    for option, cost in options:
        place, worth = option.place, worths[option.place]
        parts = {
            "price": Decimal(0) if cost.no_price > fewest else _FULL * least / worth if worth else _FULL,
            "known": _FULL if not cost.no_price else Decimal(0),
            "together": _FULL * (at.get(place, 0) - (place == decision.place)) / others,
        }
        marks = settings.marks.get(place, {})
        parts |= {name: Decimal(marks.get(name, 0)) for name in settings.weights if name not in parts}
        parts = {name: parts[name].quantize(_TENTH, ROUND_HALF_EVEN) for name in sorted(settings.weights)}
        weighed = sum((parts[name] * weight for name, weight in settings.weights.items()), Decimal(0))
        found.append(
            Score(
                place=place,
                score=(weighed / sum(settings.weights.values())).quantize(_TENTH, ROUND_HALF_EVEN),
                parts=parts,
                unmarked=tuple(n for n in parts if n not in marks and n not in ("price", "known", "together")),
                cost=cost,
            )
        )
    ranked = sorted(found, key=lambda s: (-s.score, s.cost.no_price, worths[s.place], s.place))
    cheapest = min(found, key=lambda s: (s.cost.no_price, worths[s.place], s.place))
    return Scored(workload=decision.workload, chosen=decision.place, cheapest=cheapest.place, scores=tuple(ranked))
