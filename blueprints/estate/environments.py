"""New environments: ``environments/*.toml``, workloads with no server behind them."""

from posixpath import normpath

import msgspec

from blueprints.estate.volumes import is_mountable
from blueprints.estate.wanted import said_of_constraints
from blueprints.model import Demand, Wanted, WantedVolume
from blueprints.names import slug
from pse.core.documents.environment import Environment, WantedServer
from pse.core.errors import BadInput
from pse.core.settings import Workspace, load_toml
from pse.core.text import counted, printable

MOST_SERVERS = 1000
"""Servers of one role in one environment; above it a slip of the keyboard is likelier than a wish."""


def load_environments(workspace: Workspace) -> tuple[Environment, ...]:
    """Read the environments of a workspace, sorted by id.

    Raises:
        BadInput: A file is not TOML, has an unknown key or a wrong type, a number that cannot be, or an id that is
            not a name or is there twice; the message names the file.
    """
    found: dict[str, Environment] = {}
    for path in sorted(workspace.path("environments").glob("*.toml")):
        read = load_toml(path, Environment)
        environment = msgspec.structs.replace(read, id=read.id or path.stem)
        if slug(environment.id) != environment.id:
            raise BadInput(
                f"{environment.id!r} cannot be the id of a workload",
                where=str(path),
                hint="Use lower-case letters, digits and hyphens, at most 40.",
            )
        if environment.id in found:
            raise BadInput(f"the id {environment.id!r} is there twice", where=str(path))
        if environment.blueprint == "landing":
            raise BadInput(
                "the blueprint 'landing' is the landing zone of a place, and no workload's",
                where=f"{path}, $.blueprint",
                hint="Leave it out, so that planning takes the one that fits.",
            )
        for server in environment.servers:
            _check(server, str(path))
        found[environment.id] = environment
    return tuple(found[key] for key in sorted(found))


def _check(server: WantedServer, where: str) -> None:
    if not server.role or slug(server.role) != server.role:
        raise BadInput(f"{server.role!r} cannot be a role", where=where, hint="Use lower-case letters and hyphens.")
    if not 1 <= server.count <= MOST_SERVERS:
        raise BadInput(f"count of role {server.role} has to be 1 to {MOST_SERVERS}", where=where)
    if server.vcpus < 1 or server.memory_mib < 1 or server.data_gib < 0:
        raise BadInput(f"role {server.role}: vcpus, memory_mib and data_gib cannot be negative or 0", where=where)
    if not server.mount.startswith("/"):
        raise BadInput(f"role {server.role}: mount has to be an absolute path", where=where)
    if not is_mountable(normpath(server.mount)):
        raise BadInput(
            f"role {server.role}: mount {printable(server.mount)} is the system's own folder",
            where=f"{where}, $.servers.mount",
            hint="Choose a folder of the application's, such as /srv or /var/lib/NAME.",
        )
    if any(not 1 <= port <= 65535 for port in server.ports):
        raise BadInput(f"role {server.role}: a port has to be 1 to 65535", where=where)


def wanted_environment(environment: Environment, *, class_id: str) -> Wanted:
    """``environment`` as planning sees a workload: web servers need the databases that stand beside them."""
    names: dict[int, list[str]] = {
        number: [
            slug(f"{environment.id}-{server.role}" + (f"-{index + 1}" if server.count > 1 else ""))
            for index in range(server.count)
        ]
        for number, server in enumerate(environment.servers)
    }
    databases = sorted(
        name for number, server in enumerate(environment.servers) if server.role == "database" for name in names[number]
    )
    demands = [
        _demand(server, name, environment, tuple(databases) if server.role == "web" else ())
        for number, server in enumerate(environment.servers)
        for name in names[number]
    ]
    return Wanted(
        id=environment.id,
        category=environment.category,
        class_id=class_id,
        servers=tuple(sorted(demands, key=lambda d: (bool(d.needs), d.name))),
        new=True,
        findings=tuple(
            finding
            for server in environment.servers
            for finding in said_of_constraints(f"{environment.id}/{server.role}", server.constraints, 0)
        ),
        blueprint=environment.blueprint,
        place=environment.place,
        egress_gib=environment.egress_gib,
        load_balancers=environment.load_balancers,
    )


def _demand(server: WantedServer, name: str, environment: Environment, needs: tuple[str, ...]) -> Demand:
    volumes: tuple[WantedVolume, ...] = ()
    if server.data_gib:
        volumes = (WantedVolume(name=slug(f"{name}-data"), size_gib=server.data_gib, mount=server.mount),)
    return Demand(
        name=name,
        role=server.role,
        vcpus=server.vcpus,
        memory_mib=server.memory_mib,
        os_family=environment.os_family,
        volumes=volumes,
        iops=server.constraints.iops,
        mbps=server.constraints.mbps,
        nics=max(1, server.constraints.nics),
        constraints=server.constraints,
        licences=server.licences,
        needs=needs,
        packages=("postgresql",) if server.role == "database" else (),
        ports=server.ports,
        why=f"{counted(server.vcpus, 'vCPU')} and {server.memory_mib} MiB as wanted",
    )
