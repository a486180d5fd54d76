"""A graph as a picture: clients left of what they use, a box for each node, an arrow for each pair."""

from collections import defaultdict
from html import escape
from typing import TYPE_CHECKING

from pse.core.errors import BadInput
from pse.core.text import printable

if TYPE_CHECKING:
    from inventory.graph import Edge, Graph, Node

MOST = 150
"""Nodes that a person can still look at in one picture."""
_WIDTH, _GAP_X, _GAP_Y, _HEAD, _LINE = 200, 190, 26, 26, 15
_SHOWN = 6
"""Names of servers in a box."""
_LONGEST = 27
"""Characters of a line in a box."""
_STYLE = (
    "text{font:12px sans-serif;fill:#1b2733}.t{font-weight:bold}.m{fill:#44525f}.l{font-size:11px;fill:#44525f}"
    "rect{fill:#eef3f8;stroke:#51708f;rx:5}.o rect{fill:#f4f4f4;stroke:#8a8a8a;stroke-dasharray:4 3}"
    "path{fill:none;stroke:#51708f;stroke-width:1.5}.d{stroke-dasharray:5 4;stroke-width:1}"
)


def svg(graph: "Graph") -> bytes:
    """``graph`` as SVG, by itself: no script, no font and no address in it.

    Raises:
        BadInput: It has more nodes than `MOST`.
    """
    if len(graph.nodes) > MOST:
        raise BadInput(
            f"{len(graph.nodes):,} boxes are more than a picture shows ({MOST})",
            hint="Take --workload for one of them and what it talks with, or .dot or .graphml for a tool of graphs.",
        )
    at = _placed(graph)
    width = max((x + _WIDTH for x, _ in at.values()), default=0) + 20
    height = max((at[n.id][1] + _height(n) for n in graph.nodes), default=0) + 20
    boxes = [_box(node, *at[node.id]) for node in graph.nodes]
    by_id = {node.id: node for node in graph.nodes}
    arrows = [_arrow(edge, at, by_id) for edge in graph.edges]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="Who depends on whom">\n<style>{_STYLE}</style>\n'
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" style="fill:#51708f;stroke:none"/></marker></defs>\n'
        f'<rect x="0" y="0" width="{width}" height="{height}" style="fill:#fff;stroke:none"/>\n'
        + "\n".join((*arrows, *boxes))
        + "\n</svg>\n"
    ).encode()


def _placed(graph: "Graph") -> dict[str, tuple[int, int]]:
    """Left upper corners: columns by the longest way from a node that nobody calls, circles in one column."""
    import networkx as nx

    made: nx.DiGraph[str] = nx.DiGraph()
    made.add_nodes_from(node.id for node in graph.nodes)
    made.add_edges_from((edge.source, edge.target) for edge in graph.edges)
    circles = nx.condensation(made)
    columns: dict[int, list[str]] = defaultdict(list)
    for number, generation in enumerate(nx.topological_generations(circles)):
        columns[number] = sorted(name for circle in generation for name in circles.nodes[circle]["members"])
    by_id = {node.id: node for node in graph.nodes}
    placed: dict[str, tuple[int, int]] = {}
    for number, names in sorted(columns.items()):
        # Beside what calls it, so that arrows cross less.
        names.sort(key=lambda name: (_middle(name, made, placed), name))
        y = 20
        for name in names:
            placed[name] = 20 + number * (_WIDTH + _GAP_X), y
            y += _height(by_id[name]) + _GAP_Y
    return placed


def _middle(name: str, made: object, placed: dict[str, tuple[int, int]]) -> float:
    callers = [placed[one][1] for one in made.predecessors(name) if one in placed]  # type: ignore[attr-defined]
    return sum(callers) / len(callers) if callers else float("inf")


def _lines(node: "Node") -> list[str]:
    names = [name for name in node.members if name != node.label]
    more = len(names) - _SHOWN
    return [*(names if more <= 0 else names[: _SHOWN - 1]), *([f"and {more + 1} more"] if more > 0 else [])]


def _height(node: "Node") -> int:
    return _HEAD + _LINE * len(_lines(node))


def _short(text: str) -> str:
    text = printable(text)
    return escape(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _box(node: "Node", x: int, y: int) -> str:
    lines = [
        f'<text class="m" x="{x + 10}" y="{y + _HEAD + 8 + _LINE * number}">{_short(name)}</text>'
        for number, name in enumerate(_lines(node))
    ]
    title = "&#10;".join(escape(printable(text), quote=False) for text in (node.label, *node.members))
    return (
        f'<g class="{"o" if node.kind == "outside" else "n"}"><title>{title}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_height(node)}"/>'
        f'<text class="t" x="{x + 10}" y="{y + 17}">{_short(node.label)}</text>{"".join(lines)}</g>'
    )


def _arrow(edge: "Edge", at: dict[str, tuple[int, int]], nodes: "dict[str, Node]") -> str:
    (x1, y1), (x2, y2) = at[edge.source], at[edge.target]
    y1 += _height(nodes[edge.source]) // 2
    y2 += _height(nodes[edge.target]) // 2
    if x1 < x2:
        x1 += _WIDTH
        way = f"M{x1} {y1}C{x1 + 70} {y1} {x2 - 70} {y2} {x2} {y2}"
        label = (x1 + x2) // 2, (y1 + y2) // 2 - 4
    else:  # back, or within a circle: around the right side of both
        x1, x2 = x1 + _WIDTH, x2 + _WIDTH
        out = max(x1, x2) + 60
        way = f"M{x1} {y1}C{out} {y1} {out} {y2} {x2} {y2}"
        label = out - 10, (y1 + y2) // 2 - 4
    names = [service.partition(" (")[0] for service in edge.services]
    words = ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
    told = "; ".join((*edge.services, *(f"from {process}" for process in edge.processes)))
    look = "" if edge.binds else ' class="d"'
    return (
        f"<g><title>{escape(printable(told), quote=False)}</title>"
        f'<path{look} d="{way}" marker-end="url(#a)"/>'
        f'<text class="l" text-anchor="middle" x="{label[0]}" y="{label[1]}">{_short(words)}</text></g>'
    )
