"""An estate by server: each table grouped once, so that planning a workload does not walk the whole estate."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TypeVar

import msgspec

from blueprints.estate.peers import is_public
from inventory.estate import Estate
from pse.core.documents.snapshot import Database, Disk, Filesystem, Flow, Listener, Nic, ProposedWorkload, Server

T = TypeVar("T", bound=msgspec.Struct)


class View:
    """Look-ups over an estate; rows come in the order of their keys, whatever the order of the tables.

    Flows do not: there are millions of them, and whoever walks them collects what it finds and sorts that.

    Attributes:
        servers: By server id; templates left out.
        workloads: By workload id.
        reached: Ids of servers that are reached from the internet.
        any_flows: Whether connections were seen at all; without, that none was seen of a server says nothing.
    """

    def __init__(self, estate: Estate) -> None:
        """Group the tables of ``estate``."""
        self.servers: dict[str, Server] = {
            s.id: s for s in sorted(estate.servers, key=attrgetter("id")) if not s.is_template
        }
        self.workloads: dict[str, ProposedWorkload] = {w.id: w for w in sorted(estate.workloads, key=attrgetter("id"))}
        self.reached = {flow.server for flow in estate.flows if is_public(flow.client)}
        self.any_flows = bool(estate.flows)
        by_server = attrgetter("server")
        self._disks = _grouped(estate.disks, by_server, attrgetter("name"))
        self._filesystems = _grouped(estate.filesystems, by_server, attrgetter("mount"))
        self._nics = _grouped(estate.nics, by_server, attrgetter("name"))
        self._listeners = _grouped(estate.listeners, by_server, attrgetter("protocol", "port", "address"))
        self._databases = _grouped(estate.databases, by_server, attrgetter("engine", "port", "name"))
        between = [flow for flow in estate.flows if flow.client != flow.server]
        self._into = _grouped(between, by_server)
        self._out_of = _grouped(between, attrgetter("client"))

    def disks(self, server: str) -> list[Disk]:
        """Disks of a server."""
        return self._disks.get(server, [])

    def filesystems(self, server: str) -> list[Filesystem]:
        """Mounted file systems of a server."""
        return self._filesystems.get(server, [])

    def nics(self, server: str) -> list[Nic]:
        """Network interfaces of a server."""
        return self._nics.get(server, [])

    def listeners(self, server: str) -> list[Listener]:
        """Listening sockets of a server."""
        return self._listeners.get(server, [])

    def databases(self, server: str) -> list[Database]:
        """Databases of a server."""
        return self._databases.get(server, [])

    def flows_into(self, server: str) -> list[Flow]:
        """Flows to a server from elsewhere, in no order."""
        return self._into.get(server, [])

    def flows_out_of(self, server: str) -> list[Flow]:
        """Flows from a server to elsewhere, in no order."""
        return self._out_of.get(server, [])


def _grouped(
    rows: Iterable[T], group: Callable[[T], str], order: Callable[[T], object] | None = None
) -> dict[str, list[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for row in rows:
        found[group(row)].append(row)
    for some in found.values() if order else ():
        if len(some) > 1:
            some.sort(key=order)  # type: ignore[arg-type]  # the keys are strings and numbers of one column each
    return dict(found)
