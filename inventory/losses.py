"""What a new snapshot takes away: servers that are no more, and data that would count as less sensitive than before."""

from collections.abc import Iterable

from inventory.estate import Estate
from policy.labels import Labels, classify_by
from pse.core.documents.category import Category, strictest
from pse.core.documents.snapshot import Server
from pse.core.findings import Finding, Severity
from pse.core.text import printable

TOLD = frozenset({"PSE-I011", "PSE-I012", "PSE-I013"})
"""Codes that say that the estate lost something; shown after the run that found it, and in every plan of it."""
LEFT_OUT = frozenset({"PSE-I020", "PSE-I021"})
"""Codes of what an import left out; they stay until the file is imported again."""


def losses(before: Estate, after: Estate, labels: Labels) -> tuple[Finding, ...]:
    """What ``after`` lacks that ``before`` had, by today's labels.

    Servers are known by their id or, because a file that is exported again gives new ones, by their host name.

    Args:
        before: The snapshot before.
        after: The new one.
        labels: By which both are looked at.
    """
    old, new = _Sorted(before, labels), _Sorted(after, labels)
    found = [_gone(old.servers[name]) for name in sorted(old.servers.keys() - new.servers.keys())]
    for name, server in sorted(old.servers.items()):
        was, becomes = old.category(name), new.category(name)
        if name in new.servers and was is not None and becomes is not None and becomes.rank < was.rank:
            found.append(_looser(server, was, becomes))
    return tuple(found)


def left_out(before: Estate | None, fresh: Iterable[Finding], *, replaces: str) -> tuple[Finding, ...]:
    """What imports left out: of this one, and of earlier ones of other files.

    Args:
        before: The snapshot before.
        fresh: Findings of this import.
        replaces: What the sources of the imported file start with; empty when nothing was imported.
    """
    earlier = before.manifest.findings if before is not None else ()
    kept = [f for f in earlier if f.code in LEFT_OUT and not (replaces and f.source.startswith(printable(replaces)))]
    return (*kept, *(f for f in fresh if f.code in LEFT_OUT))


class _Sorted:
    """An estate by host name, with the category of the workload that each host is in."""

    def __init__(self, estate: Estate, labels: Labels) -> None:
        self.servers = {server.hostname: server for server in estate.servers if not server.is_template}
        names = {server.id: server.hostname for server in estate.servers}
        said = classify_by(labels, estate.servers, estate.workloads).by_workload
        self._found: dict[str, list[Category | None]] = {}
        for workload in estate.workloads:
            for member in workload.members:
                self._found.setdefault(names.get(member, member), []).append(said[workload.id])

    def category(self, hostname: str) -> Category | None:
        return strictest(self._found.get(hostname, ()))


def _gone(server: Server) -> Finding:
    return Finding(
        code="PSE-I012",
        severity=Severity.WARNING,
        subject=printable(server.hostname),
        message="the server was known before and is no longer: nothing is planned for it, and no bill has it",
        remedy="Nothing if it was retired; else discover it, or correct the file that leaves it out.",
        source=printable(", ".join(server.sources)),
    )


def _looser(server: Server, was: Category, becomes: Category) -> Finding:
    return Finding(
        code="PSE-I013",
        severity=Severity.WARNING,
        subject=printable(server.hostname),
        message=f"looser than before: what was found makes its workload {becomes.value}, and it was {was.value}",
        remedy="See what changed: a tag, a host name, or a server that is no longer of its workload. Label it by hand.",
        source=printable(", ".join(server.sources)),
    )
