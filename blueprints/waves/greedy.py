"""Greedy schedules: quick, deterministic, and what the solver begins from."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from operator import add, le

from blueprints.waves.bounds import least_last, least_parted
from blueprints.waves.model import SERVERS, Load, Problem, cost, price

_PARTS = (1, 2, 3, 4, 6, 8)
"""What uses each other is kept together up to this part of a wave: smaller pieces leave less room unused."""


def greedy(problem: Problem) -> list[int] | None:
    """The wave of each group by the best of a few simple ways, in few waves; None when none of them keeps all rules.

    Small before large, as people do it; what uses each other in one piece, large before small; and each by itself,
    large before small, which takes the fewest waves. First come those with the nearest deadline, or with freezes.
    """
    if not problem.groups:
        return []
    aim = (least_last(problem), least_parted(problem))
    best: list[int] | None = None
    for chunks, last in _ways(problem, aim[0]):
        best = _better(problem, best, _place(problem, chunks, last=last))
        if best is not None and cost(problem, best) == aim:
            break
    return best


def looser(problem: Problem, last: int) -> list[int] | None:
    """What uses each other kept together as far as that is possible until wave ``last``; None when it is not."""
    best: list[int] | None = None
    for part in _PARTS:
        found = _place(problem, _clusters(problem, part), last=last)
        if found is not None and (
            best is None or price(problem, cost(problem, found)) < price(problem, cost(problem, best))
        ):
            best = found
    return best


def _ways(problem: Problem, last: int) -> Iterator[tuple[list[list[int]], int]]:
    """Groups in pieces, in the order in which they are put; and the wave that none should come after, 0 for any."""
    loads = problem.loads()
    yield [[at] for at in sorted(range(len(loads)), key=lambda at: _key(problem, at, loads[at]))], 0
    for part in _PARTS if problem.pairs else ():
        chunks = _clusters(problem, part)
        yield chunks, 0
        yield chunks, last
    yield _by_urgency(problem, [[at] for at in range(len(loads))]), 0


def _better(problem: Problem, best: list[int] | None, found: list[int] | None) -> list[int] | None:
    if best is None or found is None:
        return best if found is None else found
    return found if cost(problem, found) < cost(problem, best) else best


def small_to_large(problem: Problem, waves: list[int]) -> list[int]:
    """The same waves in another order, small before large, where all waves are alike."""
    if not problem.plain:
        return waves
    loads = problem.loads()
    members: defaultdict[int, list[int]] = defaultdict(list)
    for at, wave in enumerate(waves):
        members[wave].append(at)
    ordered = sorted(members, key=lambda w: (max(loads[at] for at in members[w]), problem.groups[members[w][0]].id))
    number = {wave: problem.base + 1 + place for place, wave in enumerate(ordered)}
    return [number[wave] for wave in waves]


def _key(problem: Problem, at: int, load: Load) -> tuple[int, int, Load, str]:
    group = problem.groups[at]
    return (group.rank if problem.ranked else 0, problem.alone(at), load, group.id)


def _by_urgency(problem: Problem, chunks: list[list[int]]) -> list[list[int]]:
    """The nearest deadline first, then what freezes leave the fewest waves to, then large before small."""

    def urgency(chunk: list[int]) -> tuple[int, int, int, str]:
        groups = [problem.groups[at] for at in chunk]
        latest = min(10**9 if group.latest is None else group.latest for group in groups)
        return (latest, -max(len(group.closed) for group in groups), -_share(problem, chunk), groups[0].id)

    return sorted(chunks, key=urgency)


def _share(problem: Problem, chunk: Iterable[int]) -> int:
    """How much of a wave ``chunk`` takes, in millionths, by what is scarcest."""
    loads = [problem.groups[at].load for at in chunk]
    total = [sum(load[kind] for load in loads) for kind in range(len(problem.limits))]
    return max([0, *(total[k] * 10**6 // limit for k, limit in enumerate(problem.limits) if limit)])


def _clusters(problem: Problem, part: int) -> list[list[int]]:
    """What uses each other, in pieces of at most a ``part``th of a wave."""
    bounded = [(kind, limit // part) for kind, limit in enumerate(problem.limits) if limit is not None]
    loads = [[load[kind] for kind, _ in bounded] for load in problem.loads()]
    most = [limit for _, limit in bounded]
    users: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in problem.pairs:
        users[a].append(b)
        users[b].append(a)
    left = dict.fromkeys(sorted(range(len(loads)), key=lambda at: (len(users[at]), problem.groups[at].id)))
    chunks = []
    while left:
        chunk = [next(iter(left))]
        del left[chunk[0]]
        total = loads[chunk[0]]
        near = deque(users[chunk[0]])
        while near:
            at = near.popleft()
            if at in left:
                grown = list(map(add, total, loads[at]))
                if all(map(le, grown, most)):
                    del left[at]
                    chunk.append(at)
                    total = grown
                    near.extend(users[at])
        chunks.append(chunk)
    return _by_urgency(problem, chunks)


class _Board:
    """Waves as they fill up."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.loads = problem.loads()
        self.waves: dict[int, int] = {}
        self._room: dict[int, list[int | None]] = {}
        self._least = min((load[SERVERS] for load in self.loads), default=1)
        self._from = problem.base + 1
        self._before: defaultdict[int, list[int]] = defaultdict(list)
        self._after: defaultdict[int, list[int]] = defaultdict(list)
        for first, then in problem.orders:
            self._before[then].append(first)
            self._after[first].append(then)
        # Beyond this wave all are alike and empty, so that whatever is not taken there never is.
        self._end = (
            problem.base
            + len(self.loads)
            + 1
            + max([0, *problem.taken, *(wave for group in problem.groups for wave in group.closed)])
        )

    def put_most(self, chunk: Sequence[int], last: int) -> int:
        """Put as many as possible from the beginning of ``chunk`` into one wave up to ``last``; how many they were."""
        least, most = 0, len(chunk)
        while least < most:
            half = (least + most + 1) // 2
            if self._wave_for(chunk[:half], last) is None:
                most = half - 1
            else:
                least = half
        return least if least and self.put(chunk[:least], last) else 0

    def put(self, chunk: Sequence[int], last: int = 0) -> bool:
        """Put ``chunk`` into the first wave that takes it, up to ``last`` if given; False when none does."""
        wave = self._wave_for(chunk, last or self._end)
        if wave is None:
            return False
        room = self._room_of(wave)
        for at in chunk:
            room = [None if r is None else r - t for r, t in zip(room, self.loads[at], strict=True)]
            self.waves[at] = wave
        self._room[wave] = room
        self._skip_full()
        return True

    def _wave_for(self, chunk: Sequence[int], until: int) -> int | None:
        total = [sum(self.loads[at][kind] for at in chunk) for kind in range(4)]
        first = max([self._from, *(self.waves[b] for at in chunk for b in self._before[at] if b in self.waves)])
        last = min([until, *(self.waves[a] for at in chunk for a in self._after[at] if a in self.waves)])
        for wave in range(first, last + 1):
            room = self._room_of(wave)
            if all(r is None or t <= r for r, t in zip(room, total, strict=True)) and all(
                self.problem.allows(at, wave) for at in chunk
            ):
                return wave
        return None

    def _skip_full(self) -> None:
        while (left := self._room_of(self._from)[SERVERS]) is not None and left < self._least:
            self._from += 1

    def _room_of(self, wave: int) -> list[int | None]:
        if wave not in self._room:
            self._room[wave] = self.problem.room(wave)
        return self._room[wave]


def _place(problem: Problem, chunks: Iterable[list[int]], *, last: int = 0) -> list[int] | None:
    """Put each chunk into one wave, or its groups one by one where it does not fit.

    With ``last`` no wave after it is begun while a chunk can be shared out among those before.
    """
    board = _Board(problem)
    left = []
    for chunk in chunks:
        if last and not board.put(chunk, last):
            left.append(chunk)
        elif not last and not (len(chunk) > 1 and board.put(chunk)) and not all(board.put([at]) for at in chunk):
            return None
    for chunk in left:
        rest = chunk
        while rest and (part := board.put_most(rest, last)):
            rest = rest[part:]
        if not all(board.put([at]) for at in rest):
            return None
    return [board.waves[at] for at in range(len(problem.groups))]
