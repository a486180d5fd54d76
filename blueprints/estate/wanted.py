"""What each workload of the estate wants: sizes, volumes, needs, moves and services, before any place is chosen."""

import posixpath
from collections.abc import Iterable, Mapping
from datetime import date

from blueprints.estate.view import View
from blueprints.estate.volumes import volumes_of
from blueprints.model import Demand, Wanted
from blueprints.names import slug, unique
from blueprints.sizing.idle import idle_of
from blueprints.sizing.sizes import architecture_of, size_of
from pse.core.documents.category import Category
from pse.core.documents.plan import DnsSwitch, Move, Service
from pse.core.documents.sizing import Constraints
from pse.core.documents.snapshot import Database, ProposedWorkload, Server
from pse.core.documents.usage import Usage
from pse.core.documents.workloads import HostDeclaration, WorkloadDeclaration
from pse.core.findings import Finding, Severity
from pse.core.settings import PlanSettings
from pse.core.text import counted

WEB_PORTS = frozenset({80, 443, 8080, 8443})
POSTGRES = "postgresql"
MARIADB = "mariadb"
_INNER_INTERFACES = ("docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "lxc", "tun", "tap", "vnet", "lo")
_FILE_SERVICES = frozenset({"nfs", "smb", "ftp"})
_SHARED_SERVICES = frozenset({"dns", "kerberos", "ldap"})
_LOOPBACK = ("127.", "::1")
_CONTAINER_SOFTWARE = frozenset({"containerd", "crio", "docker-ce", "docker.io", "dockerd", "k3s", "kubelet", "podman"})
_BATCH_SOFTWARE = frozenset({"airflow", "condor_master", "hadoop", "jupyter-lab", "slurmctld", "slurmd", "spark"})
_OWN_DATABASES = frozenset({"", "postgres", "template0", "template1"})


def wanted_of(
    workload: ProposedWorkload,
    declared: WorkloadDeclaration,
    view: View,
    *,
    category: Category | None,
    class_id: str,
    settings: PlanSettings,
    usages: Mapping[str, Usage],
    as_of: date,
) -> Wanted:
    """Read what ``workload`` wants off the estate, what was measured of it, and what a person says of it."""
    members = sorted((view.servers[m] for m in workload.members if m in view.servers), key=lambda s: (s.hostname, s.id))
    names = _names(members)
    findings: list[Finding] = []
    demands = {
        s.id: _demand(
            s, names, declared, view, settings, usages.get(s.hostname), workload=workload.id, findings=findings
        )
        for s in members
    }
    ordered = _ordered(demands, workload.id, findings)
    hosts = {s.hostname: names[s.id] for s in members}
    findings += _strangers(workload.id, declared, hosts)
    moves = [move for s in members for move in _moves(workload.id, s, names[s.id], declared, view)]
    idle = (idle_of(s, view, usages.get(s.hostname), settings.idle, as_of=as_of) for s in members) if usages else ()
    return Wanted(
        id=workload.id,
        category=category,
        class_id=class_id,
        members=tuple(sorted(s.hostname for s in members)),
        servers=ordered,
        declared=declared,
        place=declared.place,
        egress_gib=declared.egress_gib,
        load_balancers=declared.load_balancers,
        moves=tuple(moves),
        services=tuple(
            Service(name=s.name, server=hosts[s.host], start=s.start, stop=s.stop, checks=s.check)
            for s in declared.service
            if s.host in hosts
        ),
        switches=tuple(
            DnsSwitch(name=record, server=hosts[host]) for record, host in sorted(declared.dns.items()) if host in hosts
        ),
        findings=tuple(findings),
        idle=tuple(one for one in idle if one is not None),
    )


def _names(members: Iterable[Server]) -> dict[str, str]:
    names: dict[str, str] = {}
    taken: set[str] = set()
    for server in members:
        names[server.id] = unique(server.hostname.split(".")[0] or server.id, taken)
        taken.add(names[server.id])
    return names


def _host(server: Server, declared: WorkloadDeclaration) -> HostDeclaration:
    return declared.host.get(server.hostname, HostDeclaration())


def _demand(
    server: Server,
    names: Mapping[str, str],
    declared: WorkloadDeclaration,
    view: View,
    settings: PlanSettings,
    usage: Usage | None,
    *,
    workload: str,
    findings: list[Finding],
) -> Demand:
    comfort = settings.comfort
    size = size_of(server, comfort=comfort, usage=usage, settings=settings.sizing)
    if size.assumed:
        findings.append(
            Finding(
                code="PSE-B004",
                severity=Severity.WARNING,
                subject=server.hostname,
                message=f"{' and '.join(size.assumed)} of the server are not known; {size.why}",
                remedy="Discover it over SSH, or import a file that has its size.",
                source=workload,
            )
        )
    host = _host(server, declared)
    name = names[server.id]
    volumes, volume_why = volumes_of(server, name, host, view, comfort=comfort)
    role = host.role or role_of(server, view)
    findings += said_of_constraints(f"{workload}/{name}", host.constraints, _cards(server, view))
    needs = {names[flow.server] for flow in view.flows_out_of(server.id) if flow.server in names}
    return Demand(
        name=name,
        role=role,
        source=server.id,
        source_host=server.hostname,
        vcpus=size.vcpus,
        memory_mib=size.memory_mib,
        architecture=architecture_of(server),
        os_family=server.os_family,
        os_version=server.os_version,
        volumes=volumes,
        iops=max(size.iops, host.constraints.iops),
        mbps=max(size.mbps, host.constraints.mbps),
        nics=max(1, host.constraints.nics),
        constraints=host.constraints,
        stars=size.stars,
        unscored=size.unscored,
        licences=host.licences,
        needs=tuple(sorted(needs)),
        packages=_packages(server, role, host, view),
        published=server.hostname in declared.dns.values() or server.id in view.reached,
        why=f"disks: {', '.join(filter(None, (volume_why, size.why_disks)))}; compute: {size.why}; "
        f"confidence: {counted(size.stars, 'star')} of 5",
    )


def _cards(server: Server, view: View) -> int:
    """Network cards that carry addresses; bridges and the like of the server's own are not cards."""
    cards = {
        nic.mac
        for nic in view.nics(server.id)
        if nic.mac and nic.addresses and not nic.name.startswith(_INNER_INTERFACES)
    }
    return len(cards)


def said_of_constraints(subject: str, constraints: Constraints, cards: int) -> Iterable[Finding]:
    """What of a server's constraints is not built (PSE-B062), and cards that its replacement will not have (PSE-B063).

    Args:
        subject: Workload and server.
        constraints: As declared.
        cards: Network cards that the server of today uses.
    """
    if constraints.zones > 1:
        yield Finding(
            code="PSE-B062",
            severity=Severity.WARNING,
            subject=subject,
            message=f"{constraints.zones} zones are wanted, and a place is one site: its servers are not spread",
            remedy="Declare a workload for each place, or accept that one site is enough.",
            source="constraints",
        )
    wanted = max(cards, constraints.nics)
    if wanted > 1:
        yield Finding(
            code="PSE-B063",
            severity=Severity.INFO,
            subject=subject,
            message=f"{wanted} network cards are {'used' if cards >= wanted else 'wanted'}, and it is built with one; "
            "its shape has room for those that are declared",
            remedy="See whether its software binds to a card of its own; add cards after `pse up`.",
            source="constraints",
        )


def role_of(server: Server, view: View) -> str:
    """What it does, by what listens there: ``server`` where nothing tells more, else as the architectures name it."""
    if view.databases(server.id):
        return "database"
    listeners = view.listeners(server.id)
    services = {x.service for x in listeners}
    if services & _FILE_SERVICES:
        return "files"
    if services & {"http", "https"} or any(x.port in WEB_PORTS for x in listeners):
        return "web"
    processes = {x.process for x in listeners} | set(server.packages)
    if processes & _CONTAINER_SOFTWARE:
        return "containers"
    # A name server that only the host itself asks stands on almost every host.
    if {x.service for x in listeners if not x.address.startswith(_LOOPBACK)} & _SHARED_SERVICES:
        return "directory"
    return "batch" if processes & _BATCH_SOFTWARE else "server"


def _packages(server: Server, role: str, host: HostDeclaration, view: View) -> tuple[str, ...]:
    engines = {d.engine for d in view.databases(server.id)}
    needed = set(host.packages)
    if MARIADB in engines and not any(package.startswith(MARIADB) for package in needed):
        needed.add(f"{MARIADB}-server")
    served = POSTGRES in engines or (role == "database" and not engines)
    if served and not any(package.startswith(POSTGRES) for package in needed):
        needed.add(POSTGRES)
    return tuple(sorted(needed))


def _ordered(demands: Mapping[str, Demand], workload: str, findings: list[Finding]) -> tuple[Demand, ...]:
    """Those that others need first; a circle is opened at its last name, because one of them has to be made first."""
    left = {demand.name: demand for demand in demands.values()}
    done: list[Demand] = []
    made: set[str] = set()
    while left:
        ready = sorted(name for name, demand in left.items() if all(n in made for n in demand.needs))
        if not ready:
            name = min(left, key=lambda n: (sum(x not in made for x in left[n].needs), n))
            cut = tuple(x for x in left[name].needs if x not in made)
            findings.append(
                Finding(
                    code="PSE-B009",
                    severity=Severity.INFO,
                    subject=f"{workload}/{name}",
                    message=f"needs {', '.join(cut)}, which needs it: it is made first and not told their addresses",
                    remedy="Use names of the name server between them, not /etc/hosts.",
                    source="flows",
                )
            )
            left[name] = _without(left[name], cut)
            ready = [name]
        for name in ready:
            done.append(left.pop(name))
            made.add(name)
    return tuple(done)


def _without(demand: Demand, cut: tuple[str, ...]) -> Demand:
    import msgspec

    return msgspec.structs.replace(demand, needs=tuple(n for n in demand.needs if n not in cut))


def _moves(workload: str, server: Server, name: str, declared: WorkloadDeclaration, view: View) -> Iterable[Move]:
    host = _host(server, declared)
    if host.paths:
        yield Move(
            id=slug(f"{workload}-{name}-files"),
            kind="files",
            source=server.hostname,
            target=name,
            paths=tuple(dict.fromkeys(posixpath.normpath(path) for path in host.paths)),
            size_mib=_files_mib(server, host, view),
        )
    for path, onto in sorted(host.blocks.items()):
        yield Move(
            id=slug(f"{workload}-{name}-blocks-{posixpath.basename(path)}"),
            kind="blocks",
            source=server.hostname,
            target=name,
            paths=(path,),
            onto=onto,
            size_mib=_disk_mib(server, path, view),
        )
    engines = {d.engine for d in view.databases(server.id)}
    theirs = {d.name: d for d in view.databases(server.id) if d.engine == MARIADB and d.name}
    # A declared name is of the server that has it; of MariaDB's where there is no other.
    others = set(host.databases) if POSTGRES not in engines and MARIADB in engines else set(theirs)
    together = tuple(sorted(others & set(host.databases) if host.databases else theirs))
    if together:
        sizes = [theirs[name].size_mib if name in theirs else None for name in together]
        yield Move(
            id=slug(f"{workload}-{name}-{MARIADB}"),
            kind=MARIADB,
            source=server.hostname,
            target=name,
            # All in one: a MariaDB server has one log, and is read-only as a whole.
            database=",".join(together),
            # One that listens at no port is asked through its socket.
            port=min((d.port for d in view.databases(server.id) if d.engine == MARIADB), default=0) or 3306,
            size_mib=None if None in sizes else sum(size or 0 for size in sizes),
        )
    found = {d.name: d for d in view.databases(server.id) if d.engine == POSTGRES}
    declared_ones = tuple(one for one in host.databases if one not in together)
    chosen = declared_ones if host.databases else tuple(sorted(set(found) - _OWN_DATABASES))
    port = min((d.port for d in found.values()), default=5432)
    for database in chosen:
        seen: Database | None = found.get(database)
        yield Move(
            id=slug(f"{workload}-{name}-{POSTGRES}-{database}"),
            kind=POSTGRES,
            source=server.hostname,
            target=name,
            database=database,
            port=seen.port if seen else port,
            size_mib=seen.size_mib if seen else None,
        )


def _files_mib(server: Server, host: HostDeclaration, view: View) -> int | None:
    """Used space of the file systems that hold the declared paths: an upper bound of what moves."""
    filesystems = view.filesystems(server.id)
    held = set()
    for path in host.paths:
        over = [fs for fs in filesystems if path == fs.mount or path.startswith(fs.mount.rstrip("/") + "/")]
        if not over:
            return None
        held.add(max(over, key=lambda fs: len(fs.mount)))
    sizes = [fs.used_mib for fs in held]
    return None if any(size is None for size in sizes) else sum(size or 0 for size in sizes)


def _disk_mib(server: Server, path: str, view: View) -> int | None:
    """Size of the disk, where discovery saw it under that name."""
    sizes = [disk.size_mib for disk in view.disks(server.id) if path in (disk.name, f"/dev/{disk.name}")]
    return sizes[0] if len(sizes) == 1 else None


def _strangers(workload: str, declared: WorkloadDeclaration, hosts: Mapping[str, str]) -> Iterable[Finding]:
    named = {*declared.host, *(s.host for s in declared.service), *declared.dns.values()}
    for host in sorted(named - set(hosts)):
        yield Finding(
            code="PSE-B006",
            severity=Severity.WARNING,
            subject=f"{workload}/{host}",
            message="workloads.toml speaks of a host that is not in the workload; what it says of it is not used",
            remedy="Correct the host name, or add it to the workload's members.",
            source="workloads.toml",
        )
