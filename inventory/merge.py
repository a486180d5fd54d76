"""Merge: sightings of one server become one server, by a weighted vote over the evidence.

Clones share a machine id and host keys, boards share serials that were never given, names are used twice: so no single
piece decides. Two sightings are one server when the pieces that agree weigh at least `ENOUGH` together and nothing
strong contradicts. Pieces that agree while others contradict are a finding, and both servers are kept.
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec

from pse.core.documents.snapshot import Server, Sighting
from pse.core.findings import Finding, Severity
from pse.core.text import printable

WEIGHTS = {"uuid": 3, "macs": 3, "serial": 2, "machine_id": 2, "host_key": 2, "name": 1, "address": 1}
ENOUGH = 4
STRONG = ("uuid", "serial", "machine_id", "macs", "template")
"""Evidence whose disagreement forbids a merge. A host key is not among them: keys are made anew at times.

``template`` weighs nothing: that a row of a file calls a machine a template makes no server vanish that was seen.
"""

_COMMON = 50
"""A value that more sightings than this share says nothing about identity."""
_NAMELESS = {"", "localhost", "localhost4", "template", "unknown", "none", "vm", "server"}

Evidence = dict[str, frozenset[str]]


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One server: its id and its sightings, best first."""

    id: str
    sightings: tuple[Sighting, ...]


def evidence_of(sighting: Sighting) -> Evidence:
    """What a sighting says about who it is; a UUID in both byte orders, because hypervisor and firmware differ."""
    said = sighting.identity
    name = sighting.server.hostname.split(".")[0].lower()
    pieces = {
        "uuid": both_orders(said.get("uuid", "")),
        "serial": {said.get("serial", "").strip().lower()},
        "machine_id": {said.get("machine_id", "")},
        "host_key": {said.get("host_key", "")},
        "macs": set(said.get("macs", "").lower().split(",")),
        "name": {name, said.get("dns", "").split(".")[0].lower()} - _NAMELESS,
        "address": set(sighting.server.addresses),
        "template": {str(sighting.server.is_template)},
    }
    return {kind: frozenset(values - {""}) for kind, values in pieces.items() if values - {""}}


def both_orders(text: str) -> set[str]:
    """A UUID as it stands and with its first three fields byte-swapped (SMBIOS before 2.6); empty for none."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        return set()
    return {value.hex, uuid.UUID(bytes_le=value.bytes).hex}


def merge(sightings: Iterable[Sighting]) -> tuple[tuple[Cluster, ...], tuple[Finding, ...]]:
    """Cluster ``sightings``.

    Args:
        sightings: Any order; one a source. A server id that is set already is the one given before.

    Returns:
        Clusters sorted by id, and findings about contradictions.
    """
    ordered = sorted(sightings, key=lambda s: s.source)
    evidence = [evidence_of(s) for s in ordered]
    groups = _Groups(evidence)
    findings = []
    for score, one, two in _pairs(evidence):
        against = groups.join(one, two)
        if against and score >= ENOUGH:
            findings.append(_contradiction(ordered[one], ordered[two], against))
    taken: set[str] = set()
    clusters = []
    for members in sorted(groups.members(), key=lambda m: ordered[m[0]].source):
        chosen = tuple(sorted((ordered[i] for i in members), key=_trust))
        server_id = _server_id(chosen, taken)
        taken.add(server_id)
        clusters.append(Cluster(id=server_id, sightings=chosen))
    return tuple(sorted(clusters, key=lambda c: c.id)), tuple(sorted(set(findings)))


def server_of(cluster: Cluster) -> Server:
    """The one server of a cluster: the most trusted sighting that knows a value gives it."""
    rows = [s.server for s in cluster.sightings]
    values = {}
    for field in Server.__struct_fields__:
        known = [v for row in rows if (v := getattr(row, field)) not in (None, "", (), "unknown")]
        values[field] = known[0] if known else getattr(rows[0], field)
    blockers = {f.code for s in cluster.sightings for f in s.findings if _blocks(f)}
    return Server(
        **{
            **values,
            "id": cluster.id,
            "sources": tuple(sorted({source for row in rows for source in row.sources})),
            "tags": tuple(sorted({tag for row in rows for tag in row.tags})),
            "blockers": tuple(sorted(blockers)),
        }
    )


def _blocks(finding: Finding) -> bool:
    return finding.code.startswith("PSE-I1") and finding.severity is Severity.ERROR


def _trust(sighting: Sighting) -> tuple[bool, float, str]:
    """Measured before typed, newer before older."""
    return (not sighting.source.startswith("ssh:"), -sighting.seen.timestamp(), sighting.source)


class _Groups:
    """Union-find whose groups carry the evidence of all their members."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._parent = list(range(len(evidence)))
        self._evidence: list[Evidence] = list(evidence)

    def find(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, one: int, two: int) -> tuple[str, ...]:
        """Make one of two groups if they agree enough; returns what contradicts."""
        left, right = self.find(one), self.find(two)
        if left == right:
            return ()
        a, b = self._evidence[left], self._evidence[right]
        against = tuple(kind for kind in STRONG if kind in a and kind in b and not a[kind] & b[kind])
        if against or weight(a, b) < ENOUGH:
            return against
        self._parent[max(left, right)] = min(left, right)
        self._evidence[min(left, right)] = {
            k: a.get(k, frozenset()) | b.get(k, frozenset()) for k in a.keys() | b.keys()
        }
        return ()

    def members(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for index in range(len(self._parent)):
            found[self.find(index)].append(index)
        return list(found.values())


def weight(a: Evidence, b: Evidence) -> int:
    """How much of the evidence agrees."""
    return sum(w for kind, w in WEIGHTS.items() if a.get(kind, frozenset()) & b.get(kind, frozenset()))


def _pairs(evidence: Sequence[Evidence]) -> list[tuple[int, int, int]]:
    """Pairs that share at least one value, those that agree most first."""
    holders: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, pieces in enumerate(evidence):
        for kind in pieces.keys() & WEIGHTS.keys():
            for value in pieces[kind]:
                holders[kind, value].append(index)
    pairs = {pair for held in holders.values() if 1 < len(held) <= _COMMON for pair in combinations(held, 2)}
    scored = ((weight(evidence[a], evidence[b]), a, b) for a, b in pairs)
    return sorted(scored, key=lambda p: (-p[0], p[1], p[2]))


def _server_id(sightings: Sequence[Sighting], taken: set[str]) -> str:
    given = sorted({s.server.id for s in sightings if s.server.id} - taken)
    if given:
        return given[0]
    for salt in ("", sightings[0].source):
        for kind in ("machine_id", "uuid", "macs", "host_key", "vm", "source"):
            values = sorted(v for s in sightings if (v := s.source if kind == "source" else s.identity.get(kind, "")))
            if values:
                digest = hashlib.sha256(f"{kind}:{values[0]}:{salt}".encode()).hexdigest()[:12]
                if f"srv-{digest}" not in taken:
                    return f"srv-{digest}"
                break
    raise AssertionError("two sightings of one source")  # sources are unique, so the salted id is


def _contradiction(one: Sighting, two: Sighting, against: tuple[str, ...]) -> Finding:
    names = sorted({one.source, two.source})
    if "template" in against:
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
    return Finding(
        code="PSE-I010",
        severity=Severity.WARNING,
        subject=printable(one.server.hostname),
        message=f"{printable(names[0])} and {printable(names[-1])} look like one server but differ in "
        f"{', '.join(against)}; both are kept",
        remedy="If one is a clone of the other this is right; if not, correct the source that is wrong.",
        source=printable(names[0]),
    )
