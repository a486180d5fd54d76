"""What no schedule can be better than: lower bounds for waves and for parted dependencies, without a solver."""

from collections import defaultdict
from itertools import count

from blueprints.waves.model import SERVERS, Load, Problem

_THRESHOLDS = 64
"""Sizes that the bound for bin packing is tried at, so that it is never quadratic."""


def least_last(problem: Problem) -> int:
    """The earliest wave that can be the last one."""
    loads = problem.loads()
    if not loads:
        return problem.base
    needed = max(
        [1, *(_bins([load[kind] for load in loads], limit) for kind, limit in enumerate(problem.limits) if limit)]
    )
    alone = sum(problem.alone(at) for at in range(len(loads)))
    wanted = [sum(load[kind] for load in loads) for kind in range(len(problem.limits))]
    free = [0] * len(wanted)
    used = empty = 0
    for wave in count(problem.base + 1):
        room = problem.room(wave)
        used += room[SERVERS] != 0
        empty += not problem.taken.get(wave)
        free = [have + (need if left is None else left) for have, need, left in zip(free, wanted, room, strict=True)]
        enough = all(have >= need for have, need in zip(free, wanted, strict=True))
        if used >= needed and empty >= alone and enough:
            return max(wave, *(_first(problem, at) for at in range(len(loads))))
    raise AssertionError


def _first(problem: Problem, at: int) -> int:
    """The first wave that is open for a group, as far as a bound needs it."""
    last = problem.base + 2 + max(problem.groups[at].closed, default=0)
    return next((wave for wave in range(problem.base + 1, last) if problem.allows(at, wave)), 0)


def _bins(sizes: list[int], most: int) -> int:
    """Waves for loads of one kind. Source: Martello and Toth's bound L2 for bin packing."""
    sizes = sorted((size for size in sizes if size > 0), reverse=True)
    best = -(-sum(sizes) // most)
    small_sizes = sorted({size for size in sizes if size * 2 <= most})
    for least in small_sizes[:: 1 + len(small_sizes) // _THRESHOLDS]:
        single = sum(size > most - least for size in sizes)
        halves = [size for size in sizes if size * 2 > most and size <= most - least]
        small = sum(size for size in sizes if least <= size and size * 2 <= most)
        over = small - (len(halves) * most - sum(halves))
        best = max(best, single + len(halves) + max(0, -(-over // most)))
    return max(best, sum(size * 2 > most for size in sizes))


def least_parted(problem: Problem) -> int:
    """Dependencies that every schedule parts.

    Those of two groups that no wave has room for; those with a declared wave that is not for the group; and of what
    else hangs together one less than the waves that it needs.
    """
    loads = problem.loads()
    sure = sum(not problem.allows(at, wave) for at, wave in problem.fixed)
    parent = list(range(len(loads)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for a, b in problem.pairs:
        if problem.alone(a) or problem.alone(b) or not fits(problem, (loads[a], loads[b])):
            sure += 1
        else:
            parent[root(a)] = root(b)
    together: defaultdict[int, list[Load]] = defaultdict(list)
    for at, load in enumerate(loads):
        together[root(at)].append(load)
    return sure + sum(
        max([1, *(-(-sum(load[kind] for load in some) // limit) for kind, limit in enumerate(problem.limits) if limit)])
        - 1
        for some in together.values()
        if len(some) > 1
    )


def fits(problem: Problem, loads: tuple[Load, ...]) -> bool:
    """Whether one whole wave has room for all of ``loads``."""
    return all(limit is None or sum(load[kind] for load in loads) <= limit for kind, limit in enumerate(problem.limits))
