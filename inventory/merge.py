"""Merge: sightings of one server become one server, by a weighted vote over the evidence.

Clones share a machine id and host keys, boards share serials that were never given, names are used twice: so no single
piece decides. Two sightings are one server when the pieces that agree weigh at least `ENOUGH` together and nothing
strong contradicts. Pieces that agree while others contradict are a finding, and both servers are kept. Which sightings
become one depends on what they say alone: not on the order in which files, rows and hosts came.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import msgspec

from inventory.doubts import doubts
from inventory.evidence import ENOUGH, WEIGHTS, Evidence, against, agreement, evidence_of, weight
from pse.core.documents.snapshot import Server, Sighting
from pse.core.findings import Finding, Severity

COMMON = 50
"""A value that more sightings than this share says nothing about identity."""
_ROUNDS = 8
"""How often what was learned by a merge is held against the pairs that had too little before."""
_MOST = 500
"""Sightings of one server; no server is seen by more, and a file may be made so that all of it hangs together."""
TYPED = frozenset(
    {
        *("list", "mapping", "azure-migrate", "servicenow", "netbox", "terraform-state"),
        *("aws-migration-hub", "aws-mpa", "aws-migration-evaluator"),
    }
)
"""Imports whose rows people or their tools wrote down; other imports were read off hypervisors and machines."""
_BY = ("machine_id", "uuid", "macs", "host_key", "vm")
"""What an id is made of, the best first."""
_UNKNOWN = (None, "", (), "unknown")

Pair = tuple[int, int, int]


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One server: its id and its sightings, best first."""

    id: str
    sightings: tuple[Sighting, ...]


def merge(sightings: Iterable[Sighting]) -> tuple[tuple[Cluster, ...], tuple[Finding, ...]]:
    """Cluster ``sightings``.

    Args:
        sightings: Any order; one a source. A server id that is set already is the one given before.

    Returns:
        Clusters sorted by id, in which every sighting is exactly once; and findings about contradictions.
    """
    ordered = sorted(sightings, key=_content)
    evidence = [evidence_of(sighting) for sighting in ordered]
    pairs, common = _pairs(evidence)
    groups = _Groups(evidence)
    todo, before = pairs, len(pairs) + 1
    for _ in range(_ROUNDS):
        if not len(todo) < before:
            break
        before = len(todo)
        todo = [pair for pair in todo if not groups.join(*pair[1:])]
    chosen = [tuple(sorted(seen, key=trust)) for seen in ([ordered[at] for at in group] for group in groups.members())]
    clusters = [Cluster(id=given, sightings=some) for given, some in zip(_ids(chosen), chosen, strict=True)]
    findings = doubts(ordered, groups.evidence, todo, groups.find, clusters, common)
    return tuple(sorted(clusters, key=lambda c: c.id)), tuple(sorted(set(findings)))


def server_of(cluster: Cluster) -> Server:
    """The one server of a cluster: the most trusted sighting that knows a value gives it."""
    first = cluster.sightings[0].server
    sources, tags = first.sources, first.tags
    if len(cluster.sightings) > 1:
        rows = [s.server for s in cluster.sightings]
        known = (
            next((value for value in values if value not in _UNKNOWN), values[0])
            for values in zip(*map(msgspec.structs.astuple, rows), strict=True)
        )
        first = Server(**dict(zip(Server.__struct_fields__, known, strict=True)))
        sources = tuple({source for row in rows for source in row.sources})
        tags = tuple({tag for row in rows for tag in row.tags})
    blockers = {f.code for s in cluster.sightings for f in s.findings if _blocks(f)}
    return msgspec.structs.replace(
        first,
        id=cluster.id,
        sources=tuple(sorted(set(sources))),
        tags=tuple(sorted(set(tags))) if tags else (),
        blockers=tuple(sorted(blockers)),
    )


def _blocks(finding: Finding) -> bool:
    return finding.code.startswith("PSE-I1") and finding.severity is Severity.ERROR


def _content(sighting: Sighting) -> tuple[str, ...]:
    """What it says, and only then where it stands: the row of a file says nothing about a server."""
    get, server = sighting.identity.get, sighting.server
    said = [get(key, "") for key in ("machine_id", "uuid", "macs", "host_key", "serial", "vm")]
    return (*said, server.hostname, ",".join(server.addresses), sighting.source)


def trust(sighting: Sighting) -> tuple[int, float, bytes, str]:
    """Measured on the machine itself before read off its hypervisor, that before typed; newer before older."""
    kind = sighting.source.partition(":")[0]
    rank = 0 if kind == "ssh" else 2 if kind in TYPED else 1
    body = msgspec.json.encode(msgspec.structs.replace(sighting.server, sources=()))
    return rank, -sighting.seen.timestamp(), body, sighting.source


class _Groups:
    """Union-find whose groups carry the evidence of all their members."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._parent = list(range(len(evidence)))
        self._members: dict[int, list[int]] = {}
        self.evidence: list[Evidence] = list(evidence)
        """By what `find` gives."""

    def find(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, one: int, two: int) -> bool:
        """Make one of two groups if they agree enough; whether they are one now."""
        left, right = self.find(one), self.find(two)
        if left == right:
            return True
        a, b = self.evidence[left], self.evidence[right]
        if weight(agreement(a, b)) < ENOUGH or against(a, b):
            return False
        if len(self._members.get(left, "1")) + len(self._members.get(right, "1")) > _MOST:
            return False
        many, few = self._members.pop(left, [left]), self._members.pop(right, [right])
        if len(few) > len(many):
            left, right, many, few = right, left, few, many
        many += few
        self._parent[right] = left
        self._members[left] = many
        self.evidence[left] = {k: a.get(k, frozenset()) | b.get(k, frozenset()) for k in a.keys() | b.keys()}
        return True

    def members(self) -> list[list[int]]:
        """Groups in the order of the first of their members."""
        alone = ([index] for index, parent in enumerate(self._parent) if parent == index and index not in self._members)
        return sorted([*alone, *(sorted(some) for some in self._members.values())])


def _pairs(evidence: Sequence[Evidence]) -> tuple[list[Pair], dict[str, int]]:
    """Pairs that share at least one value, those that agree most first; and what too many share, by kind.

    What too many share is taken out of the evidence.
    """
    pairs: set[tuple[int, int]] = set()
    common: dict[str, int] = {}
    for kind in WEIGHTS:
        holders: dict[str, list[int]] = defaultdict(list)
        for index, pieces in enumerate(evidence):
            for value in pieces.get(kind, ()):
                holders[value].append(index)
        for value, held in holders.items():
            if len(held) > COMMON:
                common[kind] = max(common.get(kind, 0), len(held))
                for index in held:
                    _without(evidence[index], kind, value)
            elif len(held) > 1:
                pairs.update(combinations(held, 2))
    scored = ((-weight(agreement(evidence[a], evidence[b])), a, b) for a, b in pairs)
    return sorted(scored), common


def _without(pieces: Evidence, kind: str, value: str) -> None:
    left = pieces[kind] - {value}
    if left:
        pieces[kind] = left
    else:
        del pieces[kind]


def _ids(clusters: Sequence[Sequence[Sighting]]) -> list[str]:
    """An id for each: the one that it had before, or one made of what it says, which no other has."""
    given = [sorted({s.server.id for s in some if s.server.id}) for some in clusters]
    taken: set[str] = set()
    found = [""] * len(clusters)
    for at, before in enumerate(given):
        if before:
            found[at] = next((one for one in before if one not in taken), "")
            taken.add(found[at])
    for at, some in enumerate(clusters):
        if not found[at]:
            found[at] = next(one for one in _candidates(some) if one not in taken)
            taken.add(found[at])
    return found


def _candidates(sightings: Sequence[Sighting]) -> Iterator[str]:
    """Ids of a server, the best first; the last one is made of a source, which no other has."""
    for kind in _BY:
        values = [value for s in sightings if (value := s.identity.get(kind))]
        if values:
            yield _id(f"{kind}:{min(values)}:")
    source = min(s.source for s in sightings)
    yield _id(f"source:{source}:")
    number = 0
    while True:
        number += 1
        yield _id(f"source:{source}:{number}")


def _id(text: str) -> str:
    return f"srv-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
