"""Which chunks of a disk are to be sent: runs of them, and what is left of runs that were partly acknowledged."""

import re
from collections.abc import Collection, Iterable, Iterator

from migrate.replicators.blocks.host import UNREADABLE

MOST = 16
"""Chunks of a run: what is read in one go."""
Run = tuple[int, int]
"""First chunk, and how many follow each other from there."""
_HASH = re.compile(r"[0-9a-f]{64}")


def differing(giver: Iterable[str], taker: Iterable[str]) -> Iterator[int]:
    """Numbers of chunks that the taker lacks; what the giver cannot read is left out: nothing is made up for it.

    Args:
        giver: Lines of the giver's list, a hash or a range that cannot be read.
        taker: Lines of the taker's list.

    Raises:
        ValueError: A list is shorter than the other, or holds something else.
    """
    for index, (mine, theirs) in enumerate(zip(giver, taker, strict=True)):
        if mine.startswith(UNREADABLE):
            continue
        if not _HASH.fullmatch(mine):
            raise ValueError(f"chunk {index} has no hash")
        if mine != theirs:
            yield index


def runs_of(chunks: Iterable[int], *, most: int = MOST) -> list[Run]:
    """Runs that cover exactly ``chunks``, which rise; none is longer than ``most``, and none could be joined."""
    runs: list[Run] = []
    for chunk in chunks:
        if runs and sum(runs[-1]) == chunk and runs[-1][1] < most:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((chunk, 1))
    return runs


def remaining(runs: Iterable[Run], acknowledged: Collection[int]) -> list[Run]:
    """What is left to be sent of ``runs``."""
    return runs_of(chunk for first, count in runs for chunk in range(first, first + count) if chunk not in acknowledged)


def size_of(runs: Iterable[Run], chunk: int, size: int) -> int:
    """Bytes of the runs, on a disk of ``size`` bytes."""
    return sum(min((first + count) * chunk, size) - first * chunk for first, count in runs)


def unreadable(lines: Iterable[str]) -> list[tuple[int, int]]:
    """First and end byte of what could not be read, by a list; neighbours are one."""
    found: list[tuple[int, int]] = []
    for line in lines:
        if line.startswith(UNREADABLE):
            first, _, end = line.split()[1].partition("-")
            if found and found[-1][1] == int(first):
                found[-1] = (found[-1][0], int(end))
            else:
                found.append((int(first), int(end)))
    return found
