"""From groups and rules to the best schedule that the allowed effort finds, with its bound.

A small problem is one model. A large one is improved two waves at a time, where most dependencies are parted between
them: two waves are a small model, and what it finds is never worse.
"""

from collections import Counter, defaultdict

import msgspec

from blueprints.waves.bounds import least_last, least_parted
from blueprints.waves.greedy import greedy, looser, small_to_large
from blueprints.waves.model import Problem, cost, price
from blueprints.waves.solver import Outcome, open_to, solve

_PLACES = 6_000
"""Most pairs of group and wave in one model that asks for any schedule."""
_IMPROVED = 2_000
"""Most pairs in one that asks for the best one."""
_CHARGE = 0.01
"""Least deterministic time that a question counts as, because to put it takes time too."""


class Effort:
    """Deterministic time that is left for all questions of a plan."""

    def __init__(self, left: float) -> None:
        """Begin with ``left``."""
        self.left = left
        self.asked = False

    def spend(self, spent: float) -> None:
        """Take away what a question took."""
        self.asked = True
        self.left = max(0.0, self.left - max(spent, _CHARGE))


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """Waves of a problem's groups.

    Attributes:
        waves: Of each group; None when no schedule was found.
        last: No schedule is over before this wave.
        parted: No schedule with as few waves as this one parts fewer dependencies.
        above: Dependencies that every schedule parts at least, or has more waves than ``last`` that are worth as many.
        impossible: No schedule keeps the rules: proven.
    """

    waves: list[int] | None
    last: int = 0
    parted: int = 0
    above: int = 0
    impossible: bool = False


def schedule(problem: Problem, effort: Effort) -> Scheduled:
    """Give each group a wave, at the least `price` that the effort finds."""
    if not problem.groups:
        return Scheduled(waves=[], last=problem.base)
    last, least = least_last(problem), least_parted(problem)
    found = greedy(problem)
    if found is None:
        first = _any(problem, effort)
        if first.waves is None:
            return first
        found = first.waves
    if cost(problem, found)[0] > last:
        found, last = _fewer_waves(problem, found, last, effort)
    made = Scheduled(waves=found, last=last, parted=least, above=least)
    if cost(problem, found)[1] > least and effort.left:
        made = _improved(problem, found, made, effort)
    return msgspec.structs.replace(made, waves=small_to_large(problem, made.waves or found))


def _any(problem: Problem, effort: Effort) -> Scheduled:
    """Any schedule where greedy found none: within the waves that a rule names, and one more for each group."""
    named = [0, *problem.taken, *(wave for group in problem.groups for wave in (*group.closed, group.latest or 0))]
    places = open_to(problem, max(problem.base, *named) + len(problem.groups))
    if sum(map(len, places)) > 10 * _PLACES:
        return Scheduled(waves=None)
    answer = solve(problem, places, effort=max(effort.left, _CHARGE), improve=False)
    effort.spend(answer.effort)
    return Scheduled(waves=list(answer.waves) or None, impossible=answer.outcome is Outcome.NONE)


def _fewer_waves(problem: Problem, found: list[int], least: int, effort: Effort) -> tuple[list[int], int]:
    """One wave less, again and again; and the last wave that is proven to be needed."""
    while (end := max(found)) > least and effort.left:
        places = open_to(problem, end - 1)
        if sum(map(len, places)) > _PLACES:
            break
        answer = solve(problem, places, effort=effort.left / 2, improve=False)
        effort.spend(answer.effort)
        if answer.outcome is Outcome.NONE:
            return found, end
        if not answer.waves:
            break
        found = list(answer.waves)
    return found, least


def _improved(problem: Problem, found: list[int], known: Scheduled, effort: Effort) -> Scheduled:
    """Fewer dependencies parted, in more waves where that is worth them; ``known`` has the bounds."""
    least = known.parted
    window = _window(problem, found, least)
    if window is None or window < _worthwhile(problem, found, least):
        found = _loosened(problem, found, least)
        window = _window(problem, found, least)
    if window is None:
        return msgspec.structs.replace(known, waves=_two_by_two(problem, found, effort))
    end = max(found) + window
    answer = solve(problem, open_to(problem, end), effort=effort.left, hint=found, worth=problem.worth)
    effort.spend(answer.effort)
    if answer.waves and _price(problem, list(answer.waves)) < _price(problem, found):
        found = list(answer.waves)
    above = answer.bound - problem.worth * known.last
    if problem.worth:
        above = min(above, problem.worth * (end + 1 - known.last) + least)
    return msgspec.structs.replace(
        known,
        waves=found,
        parted=max(least, answer.bound - problem.worth * max(found)),
        above=max(least, above),
    )


def _price(problem: Problem, waves: list[int]) -> tuple[int, int, int]:
    return price(problem, cost(problem, waves))


def _worthwhile(problem: Problem, found: list[int], least: int) -> int:
    """Most waves more that could pay, if they kept together whatever can be kept."""
    return max(0, cost(problem, found)[1] - least - 1) // problem.worth if problem.worth else 0


def _window(problem: Problem, found: list[int], least: int) -> int | None:
    """Of these waves, as many as one model can be asked about; None when it is too large without any."""
    places = sum(map(len, open_to(problem, max(found))))
    if places > _IMPROVED:
        return None
    return min(_worthwhile(problem, found, least), (_IMPROVED - places) // len(found))


def _loosened(problem: Problem, found: list[int], least: int) -> list[int]:
    """The best of greedy schedules with 1, 2, 4, … waves more, until twice none is better."""
    end, more, idle = max(found), 1, 0
    while more <= _worthwhile(problem, found, least) + max(found) - end and idle < 2:
        idle += 1
        tried = looser(problem, end + more)
        if tried is not None and _price(problem, tried) < _price(problem, found):
            found, idle = tried, 0
        more *= 2
    return found


def _two_by_two(problem: Problem, found: list[int], effort: Effort) -> list[int]:
    tried: set[tuple[int, int, int]] = set()
    while effort.left:
        between = Counter(
            (min(found[a], found[b]), max(found[a], found[b])) for a, b in problem.pairs if found[a] != found[b]
        )
        ranked = sorted(between, key=lambda pair: (-between[pair], pair))
        pair = next((p for p in ranked if (*p, between[p]) not in tried), None)
        if pair is None:
            return found
        tried.add((*pair, between[pair]))
        found = _between(problem, found, pair, effort)
    return found


def _between(problem: Problem, found: list[int], pair: tuple[int, int], effort: Effort) -> list[int]:
    """``found`` with what is in two waves shared out between them anew, so that fewer dependencies are parted."""
    inside = [at for at, wave in enumerate(found) if wave in pair]
    number = {at: place for place, at in enumerate(inside)}
    limits: defaultdict[int, list[set[int]]] = defaultdict(list)
    for first, then in problem.orders:
        for at, other, early in ((first, then, True), (then, first, False)):
            if at in number and other not in number:
                limits[at].append({w for w in pair if (w <= found[other] if early else w >= found[other])})
    part = msgspec.structs.replace(
        problem,
        groups=tuple(problem.groups[at] for at in inside),
        piloting=frozenset(number[at] for at in inside if at in problem.piloting),
        pairs=tuple((number[a], number[b]) for a, b in problem.pairs if a in number and b in number),
        fixed=tuple((number[at], wave) for at, wave in problem.fixed if at in number),
        orders=tuple((number[a], number[b]) for a, b in problem.orders if a in number and b in number),
    )
    places = [
        [wave for wave in pair if part.allows(place, wave) and all(wave in some for some in limits[at])]
        for place, at in enumerate(inside)
    ]
    before = [found[at] for at in inside]
    answer = solve(part, places, effort=min(effort.left, 0.1), hint=before)
    effort.spend(answer.effort)
    if answer.waves and cost(part, answer.waves)[1] < cost(part, before)[1]:
        found = list(found)
        for place, at in enumerate(inside):
            found[at] = answer.waves[place]
    return found
