"""Doubts of a merge: what looks like one server and contradicts itself, what may be one, and values that differ."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from inventory.evidence import ENOUGH, LISTED, Evidence, against, agreement
from inventory.groups import connected
from pse.core.documents.snapshot import Server, Sighting
from pse.core.findings import Finding, Severity
from pse.core.text import few, printable

if TYPE_CHECKING:
    from inventory.merge import Cluster, Pair

_SHOWN = 5
_TOLERATED = 0.1
"""Share by which two figures for memory may differ: a system sees less than its hypervisor gives."""


def doubts(
    sightings: Sequence[Sighting],
    evidence: Sequence[Evidence],
    pairs: Sequence["Pair"],
    find: Callable[[int], int],
    clusters: Sequence["Cluster"],
    common: Mapping[str, int],
) -> Iterator[Finding]:
    """Findings of a merge.

    Args:
        sightings: All of them.
        evidence: Of each group, by what ``find`` gives.
        pairs: Those that were not joined, with the negative of their weight; those that agree most first.
        find: The group that the sighting of a number is in.
        clusters: The servers.
        common: By kind of evidence, how many sightings share one value that was therefore left out.
    """
    apart: dict[int, dict[int, tuple[str, ...]]] = defaultdict(dict)
    told: set[tuple[int, int]] = set()
    for score, one, two in pairs:
        left, right = sorted((find(one), find(two)))
        if left == right or (left, right) in told:
            continue
        agreed, differ = agreement(evidence[left], evidence[right]), against(evidence[left], evidence[right])
        if differ and (-score >= ENOUGH or "uuid" in agreed):
            if "template" in differ:
                yield _template(sightings[one], sightings[two])
            else:
                apart[left][right] = apart[right][left] = differ
            told.add((left, right))
        elif not differ and {"name", "address"}.issubset(agreed):
            yield _alike(sightings[one], sightings[two])
            told.add((left, right))
    first: dict[int, int] = {}
    for at in range(len(sightings)):
        first.setdefault(find(at), at)
    yield from _contradictions(sightings, apart, first)
    for cluster in clusters:
        yield from _values(cluster.sightings)
    for kind, number in common.items():
        if kind not in {"name", "address"}:
            yield _common(kind, number)


def _contradictions(
    sightings: Sequence[Sighting], apart: Mapping[int, Mapping[int, tuple[str, ...]]], first: Mapping[int, int]
) -> Iterator[Finding]:
    """One for all servers that hang together by such pairs: of fifty clones each pair would be one of a thousand."""
    for group in connected(sorted(apart, key=first.__getitem__), apart):
        kinds = {kind for at in group for differ in apart[at].values() for kind in differ}
        yield _contradiction([sightings[first[at]] for at in sorted(group, key=first.__getitem__)], kinds)


def _contradiction(seen: Sequence[Sighting], kinds: set[str]) -> Finding:
    sources = sorted(printable(s.source) for s in seen)
    words = sorted(f"the {kind}" if kind.startswith(LISTED) else kind for kind in map(printable, kinds))
    both = "both" if len(seen) == 2 else "all"
    names = " and ".join(sources) if len(seen) == 2 else few(sources, _SHOWN)
    return Finding(
        code="PSE-I010",
        severity=Severity.WARNING,
        subject=printable(min(s.server.hostname for s in seen)),
        message=f"{names} look like one server but differ in {', '.join(words)}; {both} are kept",
        remedy="If one is a clone of the other this is right; if not, correct the source that is wrong.",
        source=sources[0],
    )


def _template(one: Sighting, two: Sighting) -> Finding:
    template, live = (one, two) if one.server.is_template else (two, one)
    return Finding(
        code="PSE-I011",
        severity=Severity.ERROR,
        subject=printable(live.server.hostname),
        message=f"{printable(template.source)} calls a template what {printable(live.source)} saw as a server; "
        "the server is kept",
        remedy="Export again, or correct the row; a template with the identity of a server is a copy or a mistake.",
        source=printable(template.source),
    )


def _alike(one: Sighting, two: Sighting) -> Finding:
    sources = sorted((printable(one.source), printable(two.source)))
    return Finding(
        code="PSE-I014",
        severity=Severity.WARNING,
        subject=printable(min(one.server.hostname, two.server.hostname)),
        message=f"{' and '.join(sources)} have one name and one address, and nothing stronger says that they are one "
        "server; both are kept, and both are planned for",
        remedy="Discover it with rights to read its UUID, or export UUIDs or MAC addresses; or leave one of them out.",
        source=sources[0],
    )


def _common(kind: str, number: int) -> Finding:
    return Finding(
        code="PSE-I015",
        severity=Severity.INFO,
        subject=kind,
        message=f"{number:,} sightings have one {kind}: it says nothing about who they are, and was left out",
        remedy="Clones of one image: give each its own.",
        source="merge",
    )


def _values(seen: Sequence[Sighting]) -> Iterator[Finding]:
    """What the most trusted sighting of a server says otherwise than another one."""
    best, differ = seen[0].server, []
    for other in seen[1:]:
        said = [f"{name} {mine} and not {its}" for name, mine, its in _different(best, other.server)]
        if said:
            differ.append(f"{printable(', '.join(said))} ({printable(other.source)})")
    if differ:
        yield Finding(
            code="PSE-I016",
            severity=Severity.INFO,
            subject=printable(best.hostname),
            message=f"sources differ, and {printable(seen[0].source)} is believed: {'; '.join(differ)}",
            remedy="Nothing if the other source is old or was typed; else correct it.",
            source=printable(seen[0].source),
        )


def _different(mine: Server, its: Server) -> Iterator[tuple[str, object, object]]:
    for name in ("vcpus", "os_family", "architecture"):
        a, b = getattr(mine, name), getattr(its, name)
        if a and b and a != b:
            yield name, a, b
    if mine.memory_mib and its.memory_mib and abs(mine.memory_mib - its.memory_mib) > _TOLERATED * its.memory_mib:
        yield "memory_mib", mine.memory_mib, its.memory_mib
