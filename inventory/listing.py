"""The estate as a list of servers: what `pse inventory list` shows, and how ready each is to move."""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from inventory.estate import Estate, load_estate
from inventory.evidence import Vote, votes
from pse.core.documents.snapshot import ConfigItem, Database, Disk, Filesystem, Flow, Listener, Nic, Server
from pse.core.documents.usage import Usage, load_usage
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace
from pse.core.text import printable


class Readiness(StrEnum):
    """How ready a server is to move. The four states are those of Azure Migrate's assessments."""

    READY = "ready"
    CONDITIONS = "ready-with-conditions"
    NOT_READY = "not-ready"
    UNKNOWN = "unknown"


class ListedDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk of a listed server; sizes in MiB."""

    name: str
    size_mib: int
    used_mib: int | None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One server or template of the list.

    Attributes:
        id: As in a snapshot.
        hostname: As in a snapshot.
        addresses: As in a snapshot.
        os: Name of its operating system; empty when unknown.
        vcpus: Virtual CPUs; None when unknown.
        memory_mib: MiB of memory; None when unknown.
        disks: By name.
        power_state: As in a snapshot.
        is_template: A template, not a server.
        sources: Where it was seen.
        workload: The workload that it is in; empty for templates.
        readiness: See `readiness_of`.
        why: What stands in its way or has to be looked at, with the code of each finding.
    """

    id: str
    hostname: str
    addresses: tuple[str, ...]
    os: str
    vcpus: int | None
    memory_mib: int | None
    disks: tuple[ListedDisk, ...]
    power_state: str
    is_template: bool
    sources: tuple[str, ...]
    workload: str
    readiness: Readiness
    why: tuple[str, ...]


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of one server.

    Attributes:
        listed: Its line of the list.
        server: As in the snapshot.
        disks: Disks.
        filesystems: File systems.
        nics: Network interfaces.
        listeners: Listening sockets.
        databases: Databases.
        configuration: What it is set up with.
        flows_in: Conversations with its services.
        flows_out: Its conversations with services of others.
        findings: What was found out about it.
        names: Host names of the servers that its flows name by id.
        votes: What joined its sightings.
        usage: What was measured of it over time.
    """

    listed: Listed
    server: Server
    disks: tuple[Disk, ...]
    filesystems: tuple[Filesystem, ...]
    nics: tuple[Nic, ...]
    listeners: tuple[Listener, ...]
    databases: tuple[Database, ...]
    configuration: tuple[ConfigItem, ...]
    flows_in: tuple[Flow, ...]
    flows_out: tuple[Flow, ...]
    findings: tuple[Finding, ...]
    names: dict[str, str]
    votes: tuple[Vote, ...] = ()
    usage: Usage | None = None


def listed(estate: Estate) -> tuple[Listed, ...]:
    """Every server and template of ``estate``, by host name."""
    disks: dict[str, list[ListedDisk]] = defaultdict(list)
    for disk in estate.disks:
        disks[disk.server].append(ListedDisk(name=disk.name, size_mib=disk.size_mib, used_mib=disk.used_mib))
    said = _said(estate)
    home = {member: workload.id for workload in estate.workloads for member in workload.members}
    found = []
    for server in estate.servers:
        findings = said.get(printable(server.hostname), [])
        found.append(
            Listed(
                id=server.id,
                hostname=server.hostname,
                addresses=server.addresses,
                os=server.os_name or f"{server.os_family} {server.os_version}".strip(),
                vcpus=server.vcpus,
                memory_mib=server.memory_mib,
                disks=tuple(disks[server.id]),
                power_state=server.power_state,
                is_template=server.is_template,
                sources=server.sources,
                workload=home.get(server.id, ""),
                readiness=readiness_of(server, findings),
                why=tuple(f"{f.code} {f.message}" for f in findings if f.code.startswith("PSE-I1")),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.hostname, one.id)))


def readiness_of(server: Server, findings: Iterable[Finding]) -> Readiness:
    """How ready ``server`` is to move.

    What blocks a move makes it not ready. Without that it is unknown while no source tells its operating system, CPUs
    or memory; a finding that is no error makes it ready with conditions.

    Args:
        server: The server.
        findings: Those about it; only the rules of readiness count (``PSE-I1xx``).
    """
    severities = {f.severity for f in findings if f.code.startswith("PSE-I1")}
    if server.blockers or Severity.ERROR in severities:
        return Readiness.NOT_READY
    if not server.os_family or server.vcpus is None or server.memory_mib is None:
        return Readiness.UNKNOWN
    return Readiness.CONDITIONS if Severity.WARNING in severities else Readiness.READY


def whole(estate: Estate, name: str) -> Whole:
    """Everything known of the server whose host name or id is ``name``.

    Raises:
        BadInput: There is none, or several have the host name.
    """
    named = [s for s in estate.servers if name in (s.id, s.hostname)]
    if not named:
        near = sorted(s.hostname for s in estate.servers if name.lower() in s.hostname.lower())[:5]
        hint = f"There is {', '.join(near)}." if near else "`pse inventory list` shows all that are known."
        raise BadInput("no such server is known", where=name, hint=printable(hint))
    if len(named) > 1:
        ids = ", ".join(s.id for s in named)
        raise BadInput("several servers have this host name", where=name, hint=f"Name one by its id: {ids}.")
    (server,) = named
    flows_in = tuple(f for f in estate.flows if f.server == server.id)
    flows_out = tuple(f for f in estate.flows if f.client == server.id)
    ends = {end for f in (*flows_in, *flows_out) for end in (f.client, f.server)}
    return Whole(
        listed=next(one for one in listed(estate) if one.id == server.id),
        server=server,
        disks=tuple(row for row in estate.disks if row.server == server.id),
        filesystems=tuple(row for row in estate.filesystems if row.server == server.id),
        nics=tuple(row for row in estate.nics if row.server == server.id),
        listeners=tuple(row for row in estate.listeners if row.server == server.id),
        databases=tuple(row for row in estate.databases if row.server == server.id),
        configuration=tuple(row for row in estate.configuration if row.server == server.id),
        flows_in=flows_in,
        flows_out=flows_out,
        findings=tuple(_said(estate).get(printable(server.hostname), ())),
        names={s.id: s.hostname for s in estate.servers if s.id in ends},
    )


def whole_of(workspace: Workspace, name: str) -> Whole:
    """Everything known of the server ``name`` in the workspace, with what joined its sightings.

    Raises:
        BadInput: See `whole` and `inventory.estate.load_estate`; also for a database that cannot be used.
    """
    from inventory.store import sightings_of

    found = whole(load_estate(workspace), name)
    seen = sightings_of(workspace, found.server.sources)
    usage = load_usage(workspace).of.get(found.server.hostname)
    return msgspec.structs.replace(found, votes=votes(seen), usage=usage)


def _said(estate: Estate) -> dict[str, list[Finding]]:
    said: dict[str, list[Finding]] = defaultdict(list)
    for finding in estate.manifest.findings:
        said[finding.subject].append(finding)
    return said
