"""What the log of starts and ends says: whether a limit was exceeded, and how near the ideal schedule it came."""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.campaign.simulated import LOG, Limiting, seconds_of
from blueprints import Bundle
from pse.core.documents.plan import Unit


def keys_of(unit: Unit, of: Limiting) -> tuple[str, ...]:
    """What a workload counts for; worked out here once more, and not asked of the code that keeps the limits."""
    host = unit.moves[0].source
    over = [link.name for link in of.links if link.carries(host, "", unit.place)]
    return ("all", f"source {host}", f"target {unit.place}", *(f"link {name}" for name in over))


def limit_of(key: str, of: Limiting) -> int:
    """Most workloads at once."""
    kind, _, name = key.partition(" ")
    if kind == "link":
        return next(link.moves for link in of.links if link.name == name) or 0
    return {"all": of.limits.total, "source": of.limits.per_source, "target": of.limits.per_target}[kind] or 0


def spans(folder: Path, killed: Mapping[int, float]) -> list[tuple[str, float, float]]:
    """Workload, begin and end of each stretch of work.

    Args:
        folder: The workspace.
        killed: Process ids that were killed, and when: what they had begun ended then.
    """
    begun: dict[tuple[str, int], float] = {}
    found = []
    for line in (folder / LOG).read_text(encoding="ascii").splitlines():
        said = json.loads(line)
        key = said["workload"], said["pid"]
        if said["what"] == "start":
            begun[key] = said["at"]
        else:
            # One that was taken up after the first step has no start of its own: it began at that worker some time
            # after the other was killed, which is the earliest that it can have.
            found.append((key[0], begun.pop(key, max(killed.values(), default=said["at"])), said["at"]))
    found += [(name, at, killed[pid]) for (name, pid), at in begun.items() if pid in killed]
    return sorted(found, key=lambda span: span[1])


def most_at_once(bundle: Bundle, of: Limiting, found: Iterable[tuple[str, float, float]]) -> dict[str, int]:
    """The most workloads that touched a thing at the same moment, by the thing."""
    changes = []
    for name, begin, end in found:
        for key in keys_of(bundle.units[name], of):
            changes += [(end, 0, key), (begin, 1, key)]
    busy: Counter[str] = Counter()
    worst: Counter[str] = Counter()
    # An end counts before a start of the same moment: each is logged inside of the turn that it is of.
    for _, starts, key in sorted(changes):
        busy[key] += 1 if starts else -1
        worst[key] = max(worst[key], busy[key])
    return dict(worst)


def ideal_s(bundle: Bundle, of: Limiting, hands: int) -> float:
    """Seconds that the same moves take in the same order with the same limits, where nothing else takes any time."""
    waiting = sorted(bundle.units.values(), key=lambda unit: (unit.wave, unit.id))
    busy: Counter[str] = Counter()
    running: list[tuple[float, str]] = []
    now = 0.0
    while waiting or running:
        wave = min((unit.wave for unit in waiting), default=0)
        wave = min([wave, *(bundle.units[name].wave for _, name in running)]) if waiting else wave
        left = []
        for unit in waiting:
            fits = all(busy[key] < limit_of(key, of) for key in keys_of(unit, of))
            if unit.wave == wave and fits and len(running) < hands:
                busy.update(keys_of(unit, of))
                heapq.heappush(running, (now + seconds_of(unit.moves[0]), unit.id))
            else:
                left.append(unit)
        waiting = left
        now, name = heapq.heappop(running)
        busy.subtract(keys_of(bundle.units[name], of))
    return now
