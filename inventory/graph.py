"""Who depends on whom: the estate as a graph of its workloads or servers, and as files that other tools read."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from inventory.estate import Estate
from inventory.services import SHARED
from pse.core import canonical
from pse.core.documents.snapshot import Flow
from pse.core.errors import BadInput
from pse.core.text import counted, json_safe, printable

OUTSIDE = "outside"
_EXTERNAL = "external:"


class Node(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A workload, a server, or what is outside the estate.

    Attributes:
        id: Unique in the graph.
        label: Name for people.
        kind: ``workload``, ``server`` or ``outside``.
        workload: The workload that a server is in; the node's own id for a workload; empty outside.
        members: Host names of a workload's servers, or addresses outside; sorted.
    """

    id: str
    label: str
    kind: str
    workload: str = ""
    members: tuple[str, ...] = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """All conversations from one node to another.

    Attributes:
        source: Id of the node that connects.
        target: Id of the node that listens.
        services: What is used, as ``postgresql (tcp/5432)``, sorted.
        processes: Processes that connect, where they were seen; sorted.
        seen: Times seen, all together; 0 when only an earlier discovery saw it.
        binds: The two ends should move together.
        shared: Nothing but services that nearly everybody uses; see `inventory.services.SHARED`.
    """

    source: str
    target: str
    services: tuple[str, ...]
    processes: tuple[str, ...] = ()
    seen: int = 0
    binds: bool = False
    shared: bool = False


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes and edges, sorted.

    Attributes:
        snapshot: Hash of the snapshot that it shows.
        level: ``workloads`` or ``servers``.
        nodes: Those with an edge, and all workloads or servers of what was asked for.
        edges: Without those inside one node.
        left_out: Edges of shared services that are not shown.
    """

    snapshot: str
    level: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int = 0


def graph_of(estate: Estate, *, level: str = "workloads", around: str = "", shared: bool = False) -> Graph:
    """The conversations of ``estate``.

    Args:
        estate: What was seen.
        level: What the nodes are; ``workloads`` or ``servers``. Of workloads, all addresses outside that one workload
            talks with in one direction are one node.
        around: A workload: only it and what it talks with.
        shared: Show also what is nothing but shared services.

    Raises:
        BadInput: There is no such workload.
    """
    if around and around not in {workload.id for workload in estate.workloads}:
        raise BadInput("no such workload", where=around, hint="`pse inventory list` shows the workload of each server.")
    nodes = _nodes(estate, level)
    homes = {s.id: s.id for s in estate.servers if not s.is_template}
    if level == "workloads":
        homes = {member: w.id for w in estate.workloads for member in w.members}
    found: dict[tuple[str, str], list[Flow]] = defaultdict(list)
    for flow in estate.flows:
        client, server = homes.get(flow.client, ""), homes.get(flow.server, "")
        ends = client or _outside(flow.client, server, level), server or _outside(flow.server, client, level, out=True)
        if (client or server) and ends[0] != ends[1]:
            found[ends].append(flow)
    edges = [_edge(*ends, flows) for ends, flows in found.items()]
    if around:
        inside = {node.id for node in nodes.values() if node.workload == around}
        edges = [edge for edge in edges if {edge.source, edge.target} & inside]
    shown = [edge for edge in edges if shared or not edge.shared]
    ends_shown = {end for edge in shown for end in (edge.source, edge.target)}
    asked = {name for name, node in nodes.items() if not around or node.workload == around}
    for edge in shown:
        for end, outer in ((edge.source, "client"), (edge.target, "server")):
            if end not in nodes:
                flows = found[edge.source, edge.target]
                nodes[end] = _outer(end, sorted({getattr(f, outer).removeprefix(_EXTERNAL) for f in flows}))
    return Graph(
        snapshot=estate.manifest.hash,
        level=level,
        nodes=tuple(sorted(nodes[name] for name in asked | ends_shown)),
        edges=tuple(sorted(shown)),
        left_out=len(edges) - len(shown),
    )


def _nodes(estate: Estate, level: str) -> dict[str, Node]:
    names = {server.id: server.hostname for server in estate.servers}
    homes = {member: workload.id for workload in estate.workloads for member in workload.members}
    if level == "workloads":
        return {
            w.id: Node(
                id=w.id,
                label=w.id,
                kind="workload",
                workload=w.id,
                members=tuple(sorted(names.get(member, member) for member in w.members)),
            )
            for w in estate.workloads
        }
    return {
        s.id: Node(id=s.id, label=s.hostname, kind="server", workload=homes.get(s.id, ""))
        for s in estate.servers
        if not s.is_template
    }


def _outside(end: str, inner: str, level: str, *, out: bool = False) -> str:
    """Id of the node for ``end`` outside; of workloads one for each direction."""
    if level == "servers":
        return f"{OUTSIDE}:{end.removeprefix(_EXTERNAL)}"
    return f"{OUTSIDE}:{'of' if out else 'to'}:{inner}"


def _outer(name: str, addresses: list[str]) -> Node:
    label = addresses[0] if len(addresses) == 1 else counted(len(addresses), "address", "addresses") + " outside"
    return Node(id=name, label=label, kind=OUTSIDE, members=tuple(addresses))


def _edge(source: str, target: str, flows: Iterable[Flow]) -> Edge:
    flows = list(flows)
    return Edge(
        source=source,
        target=target,
        services=tuple(sorted({f"{f.service or 'unknown'} ({f.protocol}/{f.port})" for f in flows})),
        processes=tuple(sorted({f.client_process for f in flows} - {""})),
        seen=sum(flow.seen for flow in flows),
        binds=any(flow.binds for flow in flows),
        shared=all(flow.service in SHARED for flow in flows),
    )


def encoded(graph: Graph, ending: str) -> bytes:
    """``graph`` as a file whose name ends in ``ending``: ``.json``, ``.dot``, ``.graphml`` or ``.svg``.

    Raises:
        BadInput: Another ending, or too many nodes for a picture.
    """
    from inventory.drawing import svg

    ways: Mapping[str, Callable[[Graph], bytes]] = {
        ".json": lambda one: json_safe(canonical.encode(one).decode()).encode(),
        ".dot": _dot,
        ".graphml": _graphml,
        ".svg": svg,
    }
    way = ways.get(ending.lower())
    if way is None:
        raise BadInput("the ending of the file names no form", where=ending, hint=f"One of {', '.join(ways)}.")
    return way(graph)


def _dot(graph: Graph) -> bytes:
    """The language of Graphviz. Source: its documentation of the DOT language, quoted strings."""

    def quoted(text: str) -> str:
        escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    lines = ["digraph estate {", "  rankdir=LR;", "  node [shape=box, fontname=sans];"]
    for node in graph.nodes:
        look = ", style=dashed" if node.kind == OUTSIDE else ""
        lines.append(f"  {quoted(node.id)} [label={quoted(node.label)}{look}];")
    for edge in graph.edges:
        look = "" if edge.binds else ", style=dashed"
        lines.append(
            f"  {quoted(edge.source)} -> {quoted(edge.target)} [label={quoted(', '.join(edge.services))}{look}];"
        )
    return ("\n".join((*lines, "}")) + "\n").encode()


def _graphml(graph: Graph) -> bytes:
    import networkx as nx

    made: nx.DiGraph[str] = nx.DiGraph()
    for node in graph.nodes:
        told = {"label": node.label, "kind": node.kind, "workload": node.workload, "members": "; ".join(node.members)}
        made.add_node(printable(node.id), **{name: printable(text) for name, text in told.items()})
    for edge in graph.edges:
        made.add_edge(
            printable(edge.source),
            printable(edge.target),
            services=printable("; ".join(edge.services)),
            processes=printable("; ".join(edge.processes)),
            seen=edge.seen,
            binds=edge.binds,
            shared=edge.shared,
        )
    data = io.BytesIO()
    nx.write_graphml_xml(made, data)
    return data.getvalue()
