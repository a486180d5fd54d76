"""Workload proposals: servers that binding flows hold together, and what people say instead."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from pse.core.documents.snapshot import Flow, ProposedWorkload, Server
from pse.core.documents.workloads import WorkloadDeclaration, Workloads
from pse.core.findings import Finding, Severity
from pse.core.text import few

T = TypeVar("T")
_FILE = "workloads.toml"
_SHOWN = 5
SAID = frozenset({"PSE-I030", "PSE-I031", "PSE-I032"})
"""Codes of the findings of `propose`: made anew whenever ``workloads.toml`` is read."""


def propose(
    servers: Sequence[Server], flows: Sequence[Flow], said: Workloads
) -> tuple[tuple[ProposedWorkload, ...], tuple[Finding, ...]]:
    """Put each server that is no template into exactly one workload.

    Args:
        servers: All servers.
        flows: All flows; only those that bind count.
        said: ``workloads.toml``; its members win over the flows.

    Returns:
        Workloads sorted by id, and findings about what was said.
    """
    known = {server.id: server for server in servers if not server.is_template}
    findings: list[Finding] = []
    placed: dict[str, str] = {}
    workloads: list[ProposedWorkload] = []
    for name, declared in said.workload.items():
        members = _said_members(name, declared, known, placed, findings)
        if members:
            workloads.append(
                ProposedWorkload(
                    id=name,
                    members=members,
                    reasons=tuple(f"{known[m].hostname}: {_FILE} says so" for m in members),
                    edited=True,
                )
            )
    bound = [f for f in flows if f.binds and f.client in known and f.server in known]
    free = [f for f in bound if f.client not in placed and f.server not in placed]
    taken = {workload.id for workload in workloads}
    # A declaration that holds no server names a proposal, so its id may be used once by what the flows propose.
    unused = {name for name, declared in said.workload.items() if not declared.members}
    binding, any_flow = _touching(free), _touching(flows)
    for members in _components(sorted(known.keys() - placed.keys()), free):
        front = _front(members, binding, known)
        base = sanitised(front.hostname) or front.id
        name = _free_name(base, taken)
        if name != base:
            findings.append(_renamed(name, base, front))
        unused.discard(name)
        taken.add(name)
        held = binding if len(members) > 1 else any_flow
        reasons = tuple(_reason(known[m], members, held.get(m, ()), known) for m in members)
        workloads.append(ProposedWorkload(id=name, members=members, reasons=reasons))
    findings += [
        _finding("PSE-I031", name, "no server belongs to it", "Give it members, or take it out.")
        for name in sorted(unused)
    ]
    return tuple(sorted(workloads, key=lambda w: w.id)), tuple(sorted(findings))


def _said_members(
    name: str,
    declared: WorkloadDeclaration,
    known: Mapping[str, Server],
    placed: dict[str, str],
    findings: list[Finding],
) -> tuple[str, ...]:
    members = set()
    for number, pattern in enumerate(declared.members, start=1):
        matching = [s for s in known.values() if fnmatchcase(s.hostname.lower(), pattern.lower())]
        if not matching:
            findings.append(
                _finding(
                    "PSE-I031",
                    name,
                    f"no server matches {pattern!r}, member {number} of [workload.{name}] in {_FILE}",
                    "Correct the pattern, or discover the host.",
                )
            )
        for server in matching:
            if placed.setdefault(server.id, name) == name:
                members.add(server.id)
            else:
                findings.append(
                    _finding(
                        "PSE-I030",
                        name,
                        f"{server.hostname} belongs to {placed[server.id]} already",
                        "Let one workload name it; the first one in the file has it now.",
                    )
                )
    return tuple(sorted(members))


def _finding(code: str, name: str, message: str, remedy: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, subject=name, message=message, remedy=remedy, source=_FILE)


def _components(ids: Sequence[str], flows: Sequence[Flow]) -> list[tuple[str, ...]]:
    neighbours: dict[str, set[str]] = defaultdict(set)
    for flow in flows:
        neighbours[flow.client].add(flow.server)
        neighbours[flow.server].add(flow.client)
    return [tuple(sorted(group)) for group in connected(ids, neighbours)]


def connected(starts: Sequence[T], neighbours: Mapping[T, Iterable[T]]) -> Iterator[set[T]]:
    """Groups of what hangs together, in the order of ``starts``; what is not among those belongs to none."""
    left = set(starts)
    for start in starts:
        group, todo = set[T](), [start]
        while todo:
            at = todo.pop()
            if at in left:
                left.discard(at)
                group.add(at)
                todo += neighbours[at]
        if group:
            yield group


def _touching(flows: Sequence[Flow]) -> dict[str, list[Flow]]:
    """The flows that a server is an end of, in their order, by its id."""
    found: dict[str, list[Flow]] = defaultdict(list)
    for flow in flows:
        for end in {flow.client, flow.server}:
            found[end].append(flow)
    return found


def _front(members: Sequence[str], touching: Mapping[str, Sequence[Flow]], known: Mapping[str, Server]) -> Server:
    """What a group is named after: the member that nobody in it calls; of several the first in the alphabet."""
    inside = set(members)
    called = {f.server for member in members for f in touching.get(member, ()) if {f.client, f.server} <= inside}
    return min((known[m] for m in members if m not in called or called >= inside), key=lambda s: (s.hostname, s.id))


def _free_name(base: str, taken: set[str]) -> str:
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base[:37]}-{number}"
    return name


def _renamed(name: str, base: str, front: Server) -> Finding:
    return Finding(
        code="PSE-I032",
        severity=Severity.INFO,
        subject=name,
        message=f"the workload of {front.hostname} is called {name}, because another one is called {base}",
        remedy=f"Mind which of them is meant in labels and in {_FILE}; give it an id of your own there.",
        source=_FILE,
    )


def sanitised(name: str) -> str:
    """A host name as an id: lower-case letters, digits and hyphens, at most 40."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")


def _reason(server: Server, members: Sequence[str], flows: Sequence[Flow], known: Mapping[str, Server]) -> str:
    """Why it is in its group, by the ``flows`` that it is an end of."""
    if len(members) == 1:
        return f"{server.hostname}: {_alone(server, flows, known)}"
    lines = []
    for flow in flows:
        how = f"({flow.service}, {flow.protocol}/{flow.port})"
        ago = "" if flow.seen else ", seen earlier"
        if flow.client == server.id:
            by = f" from {flow.client_process}" if flow.client_process else ""
            lines.append(f"calls {known[flow.server].hostname} {how}{by}{ago}")
        elif flow.server == server.id:
            lines.append(f"is called by {known[flow.client].hostname} {how}{ago}")
    return f"{server.hostname}: " + "; ".join(sorted(set(lines)))


def _alone(server: Server, flows: Sequence[Flow], known: Mapping[str, Server]) -> str:
    """Why it stands alone: it talks to no server, only loosely, or to one that workloads.toml puts elsewhere."""
    bound: set[str] = set()
    loose: set[str] = set()
    for flow in flows:
        other = {flow.client: flow.server, flow.server: flow.client}.get(server.id, "")
        if other in known and other != server.id:
            text = f"{known[other].hostname} ({flow.service or f'{flow.protocol}/{flow.port}'})"
            (bound if flow.binds else loose).add(text)
    talks = f"it talks to {few(sorted(loose), _SHOWN)}" if loose else ""
    if bound:
        said = f"{_FILE} puts what binds it elsewhere: {few(sorted(bound), _SHOWN)}"
    else:
        said = "nothing binds it" if loose else "nothing binds it to another server"
    return f"{said}; {talks}" if talks else said
