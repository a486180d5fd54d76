"""The graph of an estate: what is shown, what is left out, and files that other programs read."""

import io
import json
import xml.etree.ElementTree as ET

import networkx as nx
import pytest

from inventory.estate import Estate, make_estate
from inventory.graph import encoded, graph_of
from pse.core.documents.snapshot import Flow, ProposedWorkload, Server
from pse.core.errors import BadInput

EVIL = 'db"]; <script>alert(1)</script>\n\x1b[31m&\u202e'


def flow(client: str, server: str, port: int, service: str = "", *, binds: bool = False, seen: int = 1) -> Flow:
    return Flow(client=client, server=server, protocol="tcp", port=port, service=service, binds=binds, seen=seen)


@pytest.fixture
def estate() -> Estate:
    servers = [Server(id=f"srv-{name}", hostname=name) for name in ("web", "app", "mail", "dns")]
    servers += [Server(id="srv-db", hostname=EVIL), Server(id="srv-t", hostname="golden", is_template=True)]
    groups = {"portal": ("srv-app", "srv-db", "srv-web"), "post": ("srv-mail",), "names": ("srv-dns",)}
    workloads = [ProposedWorkload(id=name, members=ids, reasons=("x",) * len(ids)) for name, ids in groups.items()]
    flows = [
        flow("srv-web", "srv-app", 9000),
        flow("srv-app", "srv-db", 5432, "postgresql", binds=True),
        flow("srv-app", "srv-mail", 8025, "http", seen=3),
        flow("srv-web", "srv-mail", 25, "smtp", seen=2),
        flow("srv-web", "srv-dns", 53, "dns"),
        flow("srv-mail", "srv-dns", 53, "dns"),
        flow("external:198.51.100.7", "srv-web", 443, "https"),
        flow("external:198.51.100.8", "srv-web", 443, "https"),
        flow("srv-mail", "external:203.0.113.9", 8443, "https", seen=0),
    ]
    return make_estate({"servers": servers, "flows": flows, "workloads": workloads}, ())


def pairs(edges: object) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in edges}  # type: ignore[attr-defined]


def test_workloads_are_joined_by_what_is_no_shared_service(estate: Estate) -> None:
    graph = graph_of(estate)
    assert pairs(graph.edges) == {
        ("portal", "post"),
        ("outside:to:portal", "portal"),
        ("post", "outside:of:post"),
    }
    assert graph.left_out == 2  # both use the name server, and for nothing else
    (post,) = [edge for edge in graph.edges if edge.target == "post"]
    assert (post.services, post.seen) == (("http (tcp/8025)", "smtp (tcp/25)"), 5)
    labels = {node.id: node.label for node in graph.nodes}
    assert labels["outside:to:portal"] == "2 addresses outside"
    assert labels["outside:of:post"] == "203.0.113.9"
    assert "names" in labels


def test_shared_services_are_shown_when_asked(estate: Estate) -> None:
    graph = graph_of(estate, shared=True)
    assert {("portal", "names"), ("post", "names")} <= pairs(graph.edges)
    assert graph.left_out == 0


def test_servers_have_their_own_graph_without_templates(estate: Estate) -> None:
    graph = graph_of(estate, level="servers")
    assert ("srv-app", "srv-db") in pairs(graph.edges)
    assert ("outside:198.51.100.7", "srv-web") in pairs(graph.edges)
    assert "srv-t" not in {node.id for node in graph.nodes}


def test_one_workload_and_its_neighbours(estate: Estate) -> None:
    graph = graph_of(estate, around="post")
    assert {node.id for node in graph.nodes} == {"post", "portal", "outside:of:post"}
    with pytest.raises(BadInput, match="no such workload"):
        graph_of(estate, around="nobody")


def test_every_form_is_read_by_others_and_no_name_breaks_out(estate: Estate) -> None:
    graph = graph_of(estate, level="servers", shared=True)
    read = nx.read_graphml(io.BytesIO(encoded(graph, ".graphml")))
    assert (len(read.nodes), len(read.edges)) == (len(graph.nodes), len(graph.edges))
    assert len(json.loads(encoded(graph, ".json"))["edges"]) == len(graph.edges)
    drawing = encoded(graph, ".SVG")
    root = ET.fromstring(drawing)
    assert not [one for one in root.iter() if one.tag.endswith("script")]
    texts = {one.text for one in root.iter() if one.tag.endswith("text")}
    assert {"web", "app", "mail", "dns"} <= texts
    dot = encoded(graph, ".dot").decode()
    assert '\\"]; <script>' in dot
    for data in (drawing, dot.encode(), encoded(graph, ".json"), encoded(graph, ".graphml")):
        assert b"\x1b" not in data
        assert "\u202e".encode() not in data  # which would turn the rest of the line round
    with pytest.raises(BadInput, match="ending"):
        encoded(graph, ".png")


def test_boxes_never_lie_on_each_other_and_a_circle_is_drawn() -> None:
    names = [f"n{number}" for number in range(12)]
    servers = [Server(id=f"srv-{name}", hostname=name) for name in names]
    ring = [flow(f"srv-n{n}", f"srv-n{(n + 1) % 4}", 9000) for n in range(4)]
    tree = [flow(f"srv-n{n}", f"srv-n{n % 4}", 9000) for n in range(4, 12)]
    drawing = encoded(graph_of(make_estate({"servers": servers, "flows": ring + tree}, ()), level="servers"), ".svg")
    rects = [
        tuple(float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        for one in ET.fromstring(drawing).iter()
        if one.tag.endswith("rect")
    ][1:]
    assert len(rects) == 12
    for number, (x, y, w, h) in enumerate(rects):
        for x2, y2, w2, h2 in rects[number + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_too_many_boxes_are_refused_with_a_way_out() -> None:
    servers = [Server(id=f"srv-{n}", hostname=f"n{n}") for n in range(151)]
    with pytest.raises(BadInput, match="151 boxes") as caught:
        encoded(graph_of(make_estate({"servers": servers}, ()), level="servers"), ".svg")
    assert "--workload" in caught.value.hint
