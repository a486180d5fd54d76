"""Views of the estate: discovery, imports, labels."""

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

from pse.cli.view import Grid, View, grid
from pse.core.findings import Severity
from pse.core.text import counted, few

SHOWN_SYSTEMS = 8
"""Systems named in the line of systems."""
SHOWN_CHANGES = 40
"""Workloads and servers named whose category would change."""

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inventory import Discovery, Estate, Import
    from inventory.importers import Totals
    from policy import Classification
    from policy.classified import Downgrade
    from policy.proposals import Proposal
    from pse.cli.labels import Difference
    from pse.core.findings import Finding


def discovery_view(found: "Discovery") -> View:
    """Each host's outcome, and the estate as it is known now."""
    rows = ((h.host, h.status, f"{h.seconds:.1f}", h.message or "; ".join(h.failed)) for h in found.hosts)
    empty = (f"nobody answered at {counted(found.empty, 'address', 'addresses')} of ranges",) if found.empty else ()
    return View(
        {
            "items": found.hosts,
            "empty": found.empty,
            "snapshot": found.estate.manifest.hash,
            "estate": counts(found.estate),
        },
        (grid("Hosts", "host|outcome|>seconds|what", rows), *empty, *estate_blocks(found.estate)),
        found.findings,
    )


def usage_view(counts: tuple[int, int]) -> View:
    """How many hosts have a row of ``usage.csv`` from repeated visits, and how many were not seen often enough."""
    written, short = counts
    lines = [f"usage.csv: {counted(written, 'row')} from repeated visits"]
    if short:
        lines.append(
            f"{counted(short, 'host')} without one yet: it takes 20 visits within an hour of each other, over 3 days"
        )
    return View({"rows": written, "too_few_visits": short}, tuple(lines))


def commands_view() -> View:
    """What a discovery runs and reads on a host."""
    from inventory.facts import published

    sections = published()
    rows = ((s.fact, ", ".join(s.runs), ", ".join(s.reads), s.doc) for s in sections)
    return View({"items": sections}, (grid("On each host", "fact|runs|reads|for", rows),))


def import_view(found: "Import") -> View:
    """What the file gave and what was left out."""
    taken = f"{counted(found.servers, 'server')}, {counted(found.templates, 'template')}"
    line = f"{counted(found.rows, 'row')}: {taken}, {found.skipped} left out"
    files = few(found.files, 6)
    wrong = any(f.severity is Severity.ERROR for f in found.findings)
    done = ("the import is done; each error below is about one row or machine",) if wrong else ()
    data = {"rows": found.rows, "servers": found.servers, "templates": found.templates, "skipped": found.skipped}
    kind = {"format": found.importer, "title": found.title, "files": found.files}
    return View(
        {
            **kind,
            **data,
            "totals": found.totals,
            "snapshot": found.estate.manifest.hash,
            "estate": counts(found.estate),
        },
        (
            f"recognised as: {found.title}",
            *((f"read: {files}",) if len(found.files) > 1 else ()),
            f"in this file: {line}",
            *_totals(found.totals),
            *done,
            *estate_blocks(found.estate),
        ),
        found.findings,
    )


def _totals(totals: "Totals") -> tuple[str, ...]:
    """Sums of a file in two lines, what it does not give left out."""
    gib = (
        (totals.memory_mib, "memory"),
        (totals.provisioned_mib, "provisioned"),
        (totals.in_use_mib, "in use"),
        (totals.disk_mib, "on its disks"),
    )
    sums = [f"{totals.vcpus:,g} vCPU"] if totals.vcpus else []
    sums += [f"{value / 1024:,.2f} GiB {what}" for value, what in gib if value]
    sums += [counted(round(totals.disks), "disk")] if totals.disks else []
    power = ((totals.on, "on"), (totals.off, "off"), (totals.suspended, "suspended"))
    states = [f"{value:,.0f} {what}" for value, what in power if value]
    return tuple(f"{name}: {', '.join(words)}" for name, words in (("totals", sums), ("power", states)) if words)


def labels_view(estate: "Estate", labels: "Classification") -> View:
    """The category of each workload, and how many servers have which."""
    from inventory.groups import SAID

    items = [
        {"workload": w.id, "category": labels.by_workload.get(w.id), "servers": len(w.members)}
        for w in estate.workloads
    ]
    said = (finding for finding in estate.manifest.findings if finding.code in SAID)
    rows = ((i["workload"], i["category"] or "none: will be refused", i["servers"]) for i in items)
    blocks = (grid("Categories", "workload|category|>servers", rows),)
    return View({"items": items}, blocks, (*labels.findings, *said), first=frozenset({"PSE-R104"}))


def proposals_view(proposals: "Sequence[Proposal]", findings: "tuple[Finding, ...]") -> View:
    """What each workload without a category seems to hold, and who has signed."""
    rows = (
        (p.workload, p.proposed.value, p.confidence.value, p.owner or "nobody", "; ".join(p.reasons)) for p in proposals
    )
    lines = (
        grid("Proposed, not decided", "workload|category|confidence|signed by|why", rows),
        "they are in policy/proposals.toml: who owns the data signs there; then run `pse label --accept`"
        if proposals
        else "nothing to sign: every workload has a label, or no name that was found says what it holds",
    )
    return View({"items": proposals}, lines, findings)


def labels_intent(found: "Difference") -> View:
    """What taking new labels changes."""
    rows = (
        (sign, label.category.value, label.words, label.owner)
        for sign, labels in (("appears", found.appear), ("vanishes", found.vanish))
        for label in labels
    )
    changes = tuple((c.kind, c.name, c.was, c.becomes) for c in found.changes)
    more = len(changes) - SHOWN_CHANGES
    return View(
        {
            "appear": found.appear,
            "vanish": found.vanish,
            "items": [dataclasses.asdict(c) for c in found.changes],
            "lowered": found.lowered,
        },
        (
            grid("Labels that change", "label|category|names|owner", rows),
            grid("Categories that change", "what|name|was|becomes", changes[:SHOWN_CHANGES]),
            *((_lowered(found.lowered),) if found.lowered else ()),
            *((f"and {counted(more, 'more change')}; --json has all",) if more > 0 else ()),
        ),
    )


def _lowered(lowered: "Sequence[Downgrade]") -> Grid:
    rows = ((d.server, d.was.value, d.becomes.value, d.label.owner, d.label.agreed_by, d.label.reason) for d in lowered)
    return grid("Less strict than planned before", "server|was|becomes|owner|agreed by|reason", rows)


def counts(estate: "Estate") -> dict[str, int]:
    """Rows of each table of the estate."""
    return {name: table.rows for name, table in estate.manifest.tables.items()}


def estate_blocks(estate: "Estate") -> tuple[str | Grid, ...]:
    """The estate in a few lines: counts, systems, proposed workloads when they are few enough to read."""
    systems = Counter(f"{s.os_family or 'unknown'} {s.os_version}".strip() for s in estate.servers if not s.is_template)
    names = {s.id: s.hostname for s in estate.servers}
    rows = ((w.id, " ".join(names.get(m, m) for m in w.members), "; ".join(w.reasons)) for w in estate.workloads)
    shown = (grid("Workloads", "workload|servers|why", rows),) if len(estate.workloads) <= 40 else ()
    known = {"server": systems.total(), "template": len(estate.servers) - systems.total()} | {
        table.removesuffix("s"): count for table, count in counts(estate).items() if table != "servers"
    }
    return (
        "known now: " + ", ".join(counted(count, noun) for noun, count in known.items() if count or noun != "template"),
        *_systems(systems),
        *shown,
        f"snapshot {estate.manifest.hash[:12]}",
    )


def _systems(systems: Counter[str]) -> tuple[str, ...]:
    """The most frequent systems and how many servers have another one; no line when there is no server."""
    first = sorted(systems.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_SYSTEMS]
    if not first:
        return ()
    kinds, servers = len(systems) - len(first), systems.total() - sum(count for _, count in first)
    more = f", and {kinds} more on {counted(servers, 'server')}" if kinds else ""
    return ("systems: " + ", ".join(f"{count} × {name}" for name, count in first) + more,)
