"""Views of the inventory: the list, one server, runs and differences."""

from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pse.cli.view import Grid, View, grid
from pse.core.text import counted

if TYPE_CHECKING:
    from inventory.estate import Estate
    from inventory.graph import Graph
    from inventory.history import Difference, Run
    from inventory.listing import Whole
    from pse.core.documents.snapshot import Flow

SHOWN = 200
"""Rows of a table that a person is shown; ``--json`` has all."""


def list_view(estate: "Estate", pattern: str, readiness: str | None) -> View:
    """Servers whose host name is like ``pattern`` and that are in the state ``readiness``."""
    from inventory.listing import listed

    found = [
        one
        for one in listed(estate)
        if fnmatchcase(one.hostname.lower(), pattern.lower()) and readiness in (None, one.readiness.value)
    ]
    states = Counter(one.readiness.value for one in found if not one.is_template)
    rows = (
        (
            one.hostname,
            one.os or "unknown",
            one.vcpus,
            one.memory_mib,
            sum(disk.size_mib for disk in one.disks) if one.disks else None,
            "template" if one.is_template else one.power_state,
            one.workload,
            one.readiness.value,
            "; ".join(one.why),
        )
        for one in found[:SHOWN]
    )
    templates = sum(one.is_template for one in found)
    known = f"{counted(len(found) - templates, 'server')}, {counted(templates, 'template')}"
    return View(
        {"snapshot": estate.manifest.hash, "items": found, "readiness": dict(sorted(states.items()))},
        (
            grid("Servers", "host|system|>vCPUs|>memory MiB|>disks MiB|power|workload|readiness|why", rows),
            *_more(len(found)),
            ": ".join((known, ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none")),
        ),
    )


_MEASURED = {
    "cpu": "CPU, percent",
    "memory": "memory, percent",
    "iops": "IOPS",
    "disk_mbps": "disks, MB/s",
    "network_mbps": "network, MB/s",
}


def whole_view(found: "Whole") -> View:
    """Everything known of one server."""
    one, server = found.listed, found.server
    facts = (
        ("id", one.id),
        ("operating system", one.os or "unknown"),
        ("kernel", server.kernel or "unknown"),
        ("runs on", server.virtual or "unknown"),
        ("addresses", ", ".join(one.addresses)),
        ("vCPUs", one.vcpus),
        ("memory MiB", one.memory_mib),
        ("power", "template" if one.is_template else one.power_state),
        ("workload", one.workload or "none"),
        ("readiness", one.readiness.value),
        ("seen by", ", ".join(one.sources)),
        ("tags", ", ".join(server.tags)),
    )
    tables = (
        grid(
            "One server because",
            "seen by|agrees with|in|>weight",
            ((v.one, v.two, ", ".join(v.agree), v.weight) for v in found.votes),
        ),
        grid("Use over time", "what|>p50|>p95|>peak", _use(found)),
        grid("Disks", "disk|>MiB|>used MiB|kind", ((d.name, d.size_mib, d.used_mib, d.kind) for d in found.disks)),
        grid(
            "File systems",
            "mount|type|>MiB|>used MiB",
            ((f.mount, f.fstype, f.size_mib, f.used_mib) for f in found.filesystems),
        ),
        grid("Network", "interface|MAC|addresses", ((n.name, n.mac, ", ".join(n.addresses)) for n in found.nics)),
        grid(
            "Listens",
            "on|process|service",
            ((f"{x.protocol}/{x.port} at {x.address}", x.process, x.service) for x in found.listeners),
        ),
        grid(
            "Databases",
            "engine|version|>port|name|>MiB",
            ((d.engine, d.version, d.port, d.name, d.size_mib) for d in found.databases),
        ),
        grid("Set up with", "kind|name|as", ((c.kind, c.name, c.value) for c in found.configuration[:SHOWN])),
        grid("Called by", "client|service|seen", _talks(found, found.flows_in, client=True)),
        grid("Calls", "server|service|seen", _talks(found, found.flows_out, client=False)),
    )
    return View(
        {"server": one, "items": [found]},
        (grid(one.hostname, "fact|value", facts), *(table for table in tables if table.rows)),
        found.findings,
    )


def _use(found: "Whole") -> Iterable[tuple[str, object, object, object]]:
    """What was measured, with its window, the share of its points that are there, and who measured."""
    usage = found.usage
    if usage is None:
        return
    for name, words in _MEASURED.items():
        p50, p95, peak = (getattr(usage, f"{name}_{kind}") for kind in ("p50", "p95", "peak"))
        if (p50, p95, peak) != (None, None, None):
            yield words, p50, p95, peak
    yield f"{usage.window}, {usage.coverage} % of it, {usage.source or 'source unknown'}", "", "", ""


def _talks(found: "Whole", flows: "Iterable[Flow]", *, client: bool) -> Iterable[tuple[str, str, str]]:
    for flow in flows:
        end = flow.client if client else flow.server
        name = found.names.get(end, end.removeprefix("external:"))
        seen = counted(flow.seen, "time") if flow.seen else "earlier"
        yield name, f"{flow.service or 'unknown'} ({flow.protocol}/{flow.port})", seen


def history_view(runs: "tuple[Run, ...]") -> View:
    """Discoveries and imports, the newest last."""
    rows = ((run.number, run.recorded[:19].replace("T", " "), run.snapshot[:12]) for run in runs[-SHOWN:])
    return View({"items": runs}, (grid("Runs", ">number|when, UTC|snapshot", rows), *_more(len(runs))))


def diff_view(found: "Difference") -> View:
    """What is new, gone or another."""
    servers = [(name, "new") for name in found.added] + [(name, "gone") for name in found.gone]
    changes = ((c.hostname, c.fact, c.before, c.after) for c in found.changes[:SHOWN])
    flows = [(words, "new") for words in found.flows_added] + [(words, "gone") for words in found.flows_gone]
    tables: tuple[Grid, ...] = (
        grid("Servers", "server|is", servers[:SHOWN]),
        grid("Changes", "server|fact|before|after", changes),
        grid("Conversations", "conversation|is", flows[:SHOWN]),
    )
    shown = [table for table in tables if table.rows]
    most = max(len(servers), len(found.changes), len(flows))
    return View(
        {"items": found.changes, "difference": found},
        (
            *(shown or ("nothing that is compared differs",)),
            *_more(most),
            f"snapshot {found.old[:12]} and then {found.new[:12]}",
        ),
    )


def export_view(file: Path, rows: int) -> View:
    """What was written where."""
    return View({"file": str(file), "rows": rows}, (f"{counted(rows, 'row')} in {file}",))


def graph_view(graph: "Graph", file: Path | None) -> View:
    """The graph as a table, and the file that it was written to."""
    names = {node.id: node.label for node in graph.nodes}
    rows = (
        (names[e.source], names[e.target], ", ".join(e.services), e.seen or "earlier", "together" if e.binds else "")
        for e in graph.edges[:SHOWN]
    )
    written = (f"written to {file}",) if file is not None else ()
    hidden = f"{counted(graph.left_out, 'pair')} with shared services only; --shared shows them"
    return View(
        {"graph": graph, "items": graph.edges},
        (
            grid("Who uses whom", "client|server|services|>seen|moves", rows),
            *_more(len(graph.edges)),
            *((f"left out: {hidden}",) if graph.left_out else ()),
            *written,
        ),
    )


def _more(rows: int) -> tuple[str, ...]:
    return (f"the first {SHOWN} are shown; --json has all",) if rows > SHOWN else ()
