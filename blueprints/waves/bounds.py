"""What no schedule can be better than: lower bounds for waves and for parted dependencies, without a solver."""

from collections.abc import Collection, Sequence
from itertools import count

import networkx as nx

from blueprints.waves.model import EMPTY, SERVERS, Load, Problem

_THRESHOLDS = 64
"""Sizes that the bound for bin packing is tried at, so that it is never quadratic."""
_TRIED = 12
"""Most groups of a part whose best cut is looked for."""
_TRIES = 5_000
"""Steps that may be spent on it."""


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
    """Dependencies that every schedule parts, however many waves it has.

    Those of two groups that no wave has room for; those with a declared wave that is not for the group; and of what
    else hangs together as many as it takes to cut it into pieces that fit a wave each.
    """
    loads = problem.loads()
    sure = sum(not problem.allows(at, wave) for at, wave in problem.fixed)
    apart = [problem.alone(a) or problem.alone(b) or not fits(problem, (loads[a], loads[b])) for a, b in problem.pairs]
    graph: nx.Graph[int] = nx.Graph()
    graph.add_edges_from(pair for pair, cut in zip(problem.pairs, apart, strict=True) if not cut)
    large = [part for part in nx.connected_components(graph) if not fits(problem, [loads[at] for at in part])]
    return sure + sum(apart) + sum(_cuts(problem, loads, graph.subgraph(part)) for part in large)


def _cuts(problem: Problem, loads: list[Load], graph: "nx.Graph[int]") -> int:
    """Edges that have to go from what hangs together until each piece fits a wave.

    One less than the pieces; or what has to go from each of the parts that no single edge holds together.
    """
    firm: nx.Graph[int] = graph.copy()
    firm.remove_edges_from(list(nx.bridges(graph)))  # type: ignore[arg-type]  # the stub takes edges for nodes
    parts = (firm.subgraph(part) for part in nx.connected_components(firm))
    within = sum(_least_cut(problem, loads, part) for part in parts if not fits(problem, [loads[at] for at in part]))
    return max(_pieces(problem, [loads[at] for at in graph]) - 1, within)


def _pieces(problem: Problem, loads: Sequence[Load]) -> int:
    limits = enumerate(problem.limits)
    return max([1, *(-(-sum(load[kind] for load in loads) // limit) for kind, limit in limits if limit)])


def _least_cut(problem: Problem, loads: list[Load], graph: "nx.Graph[int]") -> int:
    """Fewest edges between pieces that fit a wave each, by trying all ways; a lower bound where these are too many.

    No single edge holds the graph together, so each piece has two edges to others at least.
    """
    sure = _pieces(problem, [loads[at] for at in graph])
    if len(graph) > _TRIED:
        return sure
    order = list(nx.bfs_tree(graph, min(graph)))
    before = [[other for other in graph[at] if other in order[:place]] for place, at in enumerate(order)]
    piece: dict[int, int] = {}
    best, tries = graph.number_of_edges(), 0

    def put(place: int, cut: int, filled: list[Load]) -> None:
        nonlocal best, tries
        tries += 1
        if cut >= best or tries > _TRIES:
            return
        if place == len(order):
            best = cut
            return
        at = order[place]
        for number in range(len(filled) + 1):
            have = filled[number] if number < len(filled) else EMPTY
            a, b, c, d = (h + t for h, t in zip(have, loads[at], strict=True))
            total = (a, b, c, d)
            if not fits(problem, [total]):
                continue
            piece[at] = number
            more = sum(piece[other] != number for other in before[place])
            put(place + 1, cut + more, [*filled[:number], total, *filled[number + 1 :]])

    put(0, 0, [])
    return best if tries <= _TRIES else sure


def fits(problem: Problem, loads: Collection[Load]) -> bool:
    """Whether one whole wave has room for all of ``loads``."""
    return all(limit is None or sum(load[kind] for load in loads) <= limit for kind, limit in enumerate(problem.limits))
