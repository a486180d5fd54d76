"""One workload's share of the plan, and everything a process holds while it moves it."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from inventory.ssh import Endpoint, endpoint_of
from migrate.dns import Dns
from migrate.guard import Guard, Guards
from migrate.hosts import Host
from migrate.limits import Touching
from migrate.replicators import Replication, load
from migrate.replicators.ports import CLOSING, Task, job_name
from migrate.store import Store
from pse.core import canonical
from pse.core.canonical import digest
from pse.core.documents.deployment import BuiltServer, Deployment
from pse.core.documents.plan import DnsSwitch, Move, PlannedServer, Service, Unit
from pse.core.errors import PseError, RemoteError, UsageError
from pse.core.journal import Journal
from pse.core.progress import Progress
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


@dataclass(frozen=True)
class Work:
    """One workload's share of the plan.

    Attributes:
        workload: Its id.
        units: Its stacks, in order.
    """

    workload: str
    units: tuple[Unit, ...]

    @property
    def moves(self) -> tuple[Move, ...]:
        """Data moves."""
        return tuple(move for unit in self.units for move in unit.moves)

    @property
    def services(self) -> tuple[Service, ...]:
        """Services in the order they start."""
        return tuple(service for unit in self.units for service in unit.services)

    @property
    def switches(self) -> tuple[DnsSwitch, ...]:
        """DNS records."""
        return tuple(switch for unit in self.units for switch in unit.switches)

    @cached_property
    def servers(self) -> dict[str, PlannedServer]:
        """Planned servers by name."""
        return {server.name: server for unit in self.units for server in unit.servers}


def works(bundle: "Bundle") -> dict[str, Work]:
    """What the plan moves, by workload: landing zones and new environments have nothing to move."""
    found: dict[str, list[Unit]] = {}
    for unit in (bundle.units[name] for name in sorted(bundle.units)):
        if not unit.landing and unit.wave > 0:
            found.setdefault(unit.workload, []).append(unit)
    return {name: Work(workload=name, units=tuple(units)) for name, units in found.items()}


def chosen(bundle: "Bundle", waves: Iterable[int], workloads: Iterable[str]) -> list[tuple[int, list[Work]]]:
    """The chosen workloads by wave, waves in order.

    Raises:
        UsageError: An unknown wave or workload, or one that does not move.
    """
    waves, workloads, known = set(waves), set(workloads), works(bundle)
    numbers = {wave.number for wave in bundle.plan.waves}
    if unknown := sorted(waves - numbers):
        raise UsageError(f"the plan has no wave {unknown[0]}", hint=f"It has {_list(map(str, sorted(numbers)))}.")
    if missing := sorted(workloads - known.keys()):
        raise UsageError(f"the plan does not move {missing[0]}", hint=f"It moves {_list(sorted(known))}.")
    result = []
    for wave in bundle.plan.waves:
        if waves and wave.number not in waves:
            continue
        members = [known[name] for name in wave.workloads if name in known and (not workloads or name in workloads)]
        if members:
            result.append((wave.number, members))
    return result


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


@dataclass(eq=False)
class Runtime:
    """What a process holds while it runs a campaign; nothing of it is durable.

    Attributes:
        workspace: The workspace.
        bundle: The plan and its parts.
        store: Progress.
        journal: Effects.
        progress: Takes events.
        stop: Set when the user wants to stop.
        may_go: Called with the workload before each of its steps, and whether the step ends a freeze; raises
            `migrate.durable.Stopped` where this process may not go on.
    """

    workspace: Workspace
    bundle: "Bundle"
    store: Store
    journal: Journal
    progress: Progress
    stop: threading.Event = field(default_factory=threading.Event)
    may_go: "Callable[[str, bool], None]" = lambda _workload, _always: None
    _hosts: dict[str, Host] = field(default_factory=dict)
    _tasks: dict[str, Task] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def dns(self) -> Dns:
        """The zone of the cut-over."""
        return Dns(self.workspace)

    @cached_property
    def touching(self) -> Touching:
        """Lines that moves go over, and their rates."""
        return Touching(self.workspace)

    @property
    def plan(self) -> str:
        """Hash of the plan."""
        return self.bundle.plan.hash

    def source(self, name: str) -> Host:
        """A host of ``hosts.toml``."""
        return self._host(f"source {name}", lambda: endpoint_of(self.workspace, name))

    def target(self, work: Work, server: str) -> Host:
        """A server that was built."""

        def where() -> Endpoint:
            built = self.built(work, server)
            return Endpoint(
                name=built.name,
                address=built.address,
                port=built.ssh_port,
                user=built.ssh_user,
                key=self.workspace.settings.ssh_key,
                host_key=built.host_key,
            )

        return self._host(f"target {server} {self.built(work, server).address}", where)

    def built(self, work: Work, server: str) -> BuiltServer:
        """What stands for a planned server.

        Raises:
            RemoteError: Nothing stands yet.
        """
        for unit in work.units:
            path = self.workspace.private / "deployments" / f"{unit.id}.json"
            if not path.exists():
                continue
            for built in canonical.read(path, Deployment).servers:
                if built.name == server:
                    return built
        raise RemoteError(f"server {server} is not built", where=work.workload, hint="Run `pse migrate` or `pse up`.")

    def provision(self, unit: Unit) -> int:
        """Build a stack, or see that it stands as planned; returns how many resources it has."""
        from blueprints.building import provision

        return len(provision.ensure(self.workspace, self.bundle, unit.id, self.progress).resources)

    def stands(self, work: Work, server: str) -> bool:
        """Something stands for a planned server; not when it was destroyed, or never built."""
        try:
            self.built(work, server)
        except RemoteError:
            return False
        return True

    def old_host(self, work: Work, server: str) -> Host:
        """The host that a planned server replaces."""
        return self.source(work.servers[server].source_host)

    def task(self, work: Work, move: Move, key: str, *, without_target: bool = False) -> Task:
        """The task of a move; the same object for the same key, because it holds the way in.

        One that closes a move does so also when the target was destroyed, as does one that gives the source back
        (``without_target``).
        """
        with self._lock:
            known = self._tasks.get(f"{key} {move.id}")
        if known is None:
            rate = self.touching.rate(work, move)
            gone = (without_target or key == CLOSING) and not self.stands(work, move.target)
            known = Task(
                move=move,
                job=job_name(self.plan, move),
                source=self.source(move.source),
                target=self._nowhere(move.target) if gone else self.target(work, move.target),
                journal=self.journal,
                key=f"{self.plan[:16]}/{move.id}/{key}",
                progress=self.progress,
                stop=self.stop,
                gone=gone,
                rate=rate.mib_s,
                steady_s=rate.steady_s,
            )
            with self._lock:
                known = self._tasks.setdefault(f"{key} {move.id}", known)
        return known

    def replicator(self, move: Move) -> Replication:
        """Who carries it."""
        return load(move.kind)

    def close(self) -> None:
        """End all connections."""
        for host in self._hosts.values():
            with suppress(PseError, OSError):
                host.close()

    def give_back_ttls(self, work: Work) -> None:
        """Let records be kept for as long as before this plan touched them; quiet where somebody else changed one.

        Raises:
            RemoteError: The name server does not answer, or refuses.
        """
        for switch in work.switches if self.dns.used else ():
            before = self.journal.find(f"{self.plan[:16]}/dns/{switch.name}")
            if before is not None and before.result is not None:
                self.dns.give_back_ttl(switch.name, before.result["ttl"])
                self.dns.withdraw(switch.name)

    def _nowhere(self, name: str) -> Host:
        return Host(Endpoint(name=name, address="", port=0, user="", key=""), base=self.workspace.root)

    def _host(self, name: str, where: "_Where") -> Host:
        with self._lock:
            if name not in self._hosts:
                self._hosts[name] = Host(
                    where(), base=self.workspace.root, connect_s=self.workspace.settings.discovery.connect_s
                )
            return self._hosts[name]


def guards_of(runtime: Runtime, work: Work, key: str) -> Guards:
    """The guards of a workload's freeze in attempt ``key``: one on each host that something is stopped on."""
    hosts = [runtime.source(move.source) for move in work.moves]
    hosts += [runtime.old_host(work, service.server) for service in work.services]
    job = f"pse-{digest(f'{runtime.plan}/{work.workload}/guard'.encode())[:12]}"
    return Guards([Guard(host, job, key) for host in {host.name: host for host in hosts}.values()])


if TYPE_CHECKING:
    from collections.abc import Callable

    _Where = Callable[[], Endpoint]
