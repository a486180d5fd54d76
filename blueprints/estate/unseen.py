"""What the inventory has not seen and the plan must not guess: such a workload has no category, and is refused."""

from collections.abc import Iterable, Mapping

from inventory.estate import Estate
from inventory.hosts import HostEntry
from pse.core.documents.category import Category
from pse.core.documents.workloads import Workloads
from pse.core.findings import Finding, Severity


def withheld(
    estate: Estate, declared: Workloads, hosts: Iterable[HostEntry], categories: Mapping[str, Category | None]
) -> tuple[dict[str, Category | None], tuple[Finding, ...]]:
    """Take the category from workloads of which a server is missing, for its data may be stricter than what was seen.

    A server is missing when ``workloads.toml`` declares its host for the workload and it is not a member, or when a
    member talks to the address of a host of ``hosts.toml`` that no discovery reached.

    Args:
        estate: What was seen.
        declared: What people say of workloads.
        hosts: Hosts of ``hosts.toml``.
        categories: By workload.

    Returns:
        The categories, None for those workloads, and the findings.
    """
    names = {server.id: server.hostname for server in estate.servers}
    seen = {source.removeprefix("ssh:") for server in estate.servers for source in server.sources} | set(names.values())
    # Before the first discovery there is nothing to be judged by what is missing: environments alone are planned.
    unseen = {entry.address: entry.name for entry in hosts if entry.name not in seen} if names else {}
    calls: dict[str, set[str]] = {}
    for flow in estate.flows if unseen else ():
        calls.setdefault(flow.client, set()).add(flow.server.removeprefix("external:"))
    found = dict(categories)
    findings = [_never_seen(name) for name in unseen.values()]
    for workload in estate.workloads:
        said = declared.workload.get(workload.id)
        members = {names.get(member, "") for member in workload.members}
        lacking = {host for host in said.host if host not in members} if said else set()
        lacking |= {unseen[peer] for member in workload.members for peer in calls.get(member, ()) if peer in unseen}
        if lacking and workload.id in found:
            found[workload.id] = None
            findings += [_withheld(workload.id, host) for host in sorted(lacking)]
    return found, tuple(sorted(findings))


def _never_seen(host: str) -> Finding:
    return Finding(
        code="PSE-B018",
        severity=Severity.ERROR,
        subject=host,
        message="no discovery ever reached this host of hosts.toml: what it holds, and who needs it, is not known",
        remedy="Discover it, or take it out of hosts.toml.",
        source="hosts.toml",
    )


def _withheld(workload: str, host: str) -> Finding:
    return Finding(
        code="PSE-B019",
        severity=Severity.ERROR,
        subject=f"{workload}/{host}",
        message="belongs to the workload and was not seen as a part of it: the workload has no category without it",
        remedy="Discover the host, name the members in workloads.toml, or take the host out of the declaration.",
        source="workloads.toml, hosts.toml",
    )
