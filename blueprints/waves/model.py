"""What the waves are found from: move groups and the rules between them, as numbers. Pure data.

A wave is a number from 1. What counts: few waves and few dependencies parted by a wave, `Problem.worth` of which are
worth a wave; where it is 0, the fewest waves first. With `Problem.base` for one category after the other, from the
least sensitive.
"""

from collections.abc import Mapping, Sequence

import msgspec

SERVERS, MIB, HOURS, RISKY = range(4)
"""What a wave has room for; places in a `Load`."""
Load = tuple[int, int, int, int]
Limits = tuple[int | None, int | None, int | None, int | None]
EMPTY: Load = (0, 0, 0, 0)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Workloads that move together.

    Attributes:
        id: Its first workload.
        workloads: Ids, sorted.
        rank: Rank of the strictest category; 9 when unclassified.
        load: Servers, MiB, hours of engineers, and workloads of high risk.
        declared: Wave that a person chose.
        latest: Last wave that it may move in; None is any.
        closed: Waves in which a freeze of its own forbids it to move.
    """

    id: str
    workloads: tuple[str, ...]
    rank: int
    load: Load
    declared: int | None = None
    latest: int | None = None
    closed: frozenset[int] = frozenset()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Groups that are to be given a wave, and the rules.

    Attributes:
        groups: Without a declared wave, sorted by id.
        base: Waves up to it are not for them.
        limits: Most that a wave moves; None is no limit.
        taken: What declared groups take of a wave.
        pilot: Servers that wave 1 moves at most; None is no pilot.
        piloting: Places in ``groups`` of those that may be in the pilot.
        pairs: Places of two groups that use each other, the lower first.
        fixed: Place of a group, and the wave of a declared one that it uses or is used by.
        orders: Places of two groups: the first moves no later than the second.
        ranked: Less sensitive before more, and never in one wave.
        worth: Dependencies that a wave more than the fewest has to keep together to be worth it; 0 for none.
    """

    groups: tuple[Group, ...]
    base: int = 0
    limits: Limits = (None, None, None, None)
    taken: Mapping[int, Load] = {}
    pilot: int | None = None
    piloting: frozenset[int] = frozenset()
    pairs: tuple[tuple[int, int], ...] = ()
    fixed: tuple[tuple[int, int], ...] = ()
    orders: tuple[tuple[int, int], ...] = ()
    ranked: bool = False
    worth: int = 0

    def alone(self, at: int) -> bool:
        """Whether group ``at`` is more than any wave moves, so that it has one of its own."""
        load = self.groups[at].load
        return any(limit is not None and load[kind] > limit for kind, limit in enumerate(self.limits))

    def loads(self) -> list[Load]:
        """What each group takes of a wave: at least one server, and one that is alone the whole of it."""
        full = max(1, self.limits[SERVERS] or 1)
        found: list[Load] = []
        for at, group in enumerate(self.groups):
            servers, mib, hours, risky = group.load
            found.append((full, 0, 0, 0) if self.alone(at) else (max(1, servers), mib, hours, risky))
        return found

    def room(self, wave: int) -> list[int | None]:
        """What is left of ``wave`` beside the declared groups, by kind; None is no limit."""
        taken = self.taken.get(wave, EMPTY)
        room = [None if limit is None else max(0, limit - taken[kind]) for kind, limit in enumerate(self.limits)]
        if wave == 1 and self.pilot is not None:
            left, most = max(0, self.pilot - taken[SERVERS]), room[SERVERS]
            room[SERVERS] = left if most is None else min(left, most)
        return room

    def allows(self, at: int, wave: int) -> bool:
        """Whether the group may be in the wave, whatever else is in it."""
        group = self.groups[at]
        return (
            wave > self.base
            and (group.latest is None or wave <= group.latest)
            and wave not in group.closed
            and not (wave == 1 and self.pilot is not None and at not in self.piloting)
            and not (self.taken.get(wave) and self.alone(at))
        )

    @property
    def plain(self) -> bool:
        """Whether all waves are alike, so that they may be put into any order."""
        some = any(g.latest is not None or g.closed for g in self.groups)
        return not (some or self.orders or self.fixed or self.ranked or self.taken or (self.pilot and self.base == 0))


def parted(problem: Problem, waves: Sequence[int]) -> int:
    """How many dependencies are between different waves."""
    return sum(waves[a] != waves[b] for a, b in problem.pairs) + sum(waves[a] != wave for a, wave in problem.fixed)


def cost(problem: Problem, waves: Sequence[int]) -> tuple[int, int]:
    """The last wave, and the parted dependencies."""
    return max(waves, default=problem.base), parted(problem, waves)


def price(problem: Problem, cost: tuple[int, int]) -> tuple[int, int, int]:
    """What two schedules are compared by; less is better."""
    last, apart = cost
    return (problem.worth * last + apart if problem.worth else 0, last, apart)
