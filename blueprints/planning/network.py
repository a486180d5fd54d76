"""Firewall rules with least privilege: what was observed or declared, and the way in for the move; nothing else."""

import hashlib
import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from blueprints.estate.peers import EXTERNAL, address_of, is_public, ranges
from blueprints.estate.view import View
from blueprints.model import Demand, Wanted
from pse.core.documents.plan import PlannedServer
from pse.core.documents.snapshot import Flow, Server
from pse.core.schema import FirewallRule

ANYWHERE = "0.0.0.0/0"
WEB_SERVICES = frozenset({"http", "https"})
WEB_PORTS = frozenset({80, 443, 8080, 8443})


Permit: TypeAlias = tuple[str, int, str, str]
"""What a rule permits: protocol, port, range of the other side, and why."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where a workload will be.

    Attributes:
        workload: Workload id.
        place: Place id; empty when it stays or goes.
        cidr: Range of the subnet there.
        goes: It is retired or replaced by a service, so nothing of it connects any more.
    """

    workload: str
    place: str = ""
    cidr: str = ""
    goes: bool = False


_NOWHERE = Site(workload="")
"""Of servers that no workload holds."""


def landing_range(place: str) -> str:
    """Range of the landing zone at ``place``: a /16 of 10.64.0.0/10 and up, by the place's id alone.

    A place that comes into the register must not renumber a zone that stands. Two places may share a range: zones are
    not joined with each other.
    """
    return f"10.{64 + int.from_bytes(hashlib.sha256(place.encode()).digest()[:4]) % 128}.0.0/16"


def subnet_range(network: str) -> str:
    """Range of the one subnet of a landing zone: its network's first quarter, so that others can be added."""
    return str(next(ipaddress.IPv4Network(network).subnets(prefixlen_diff=2)))


class Network:
    """Everybody's place in the network, today and after the moves, looked up once: rules come of walking flows by it.

    A whole estate has millions of flows, and both ends of each get a rule.
    """

    def __init__(self, view: View, sites: Mapping[str, Site], controllers: Collection[str]) -> None:
        """Look up the ends.

        Args:
            view: The estate.
            sites: By id of a server of today, where its workload will be.
            controllers: IPv4 ranges that this tool works from.
        """
        self._view = view
        self._controllers = controllers
        self._ends = {name: _end(server, sites.get(name, _NOWHERE)) for name, server in view.servers.items()}

    def ruled(
        self, server: PlannedServer, demand: Demand, wanted: Wanted, *, site: Site, ssh_port: int
    ) -> PlannedServer:
        """``server`` with its rules.

        Args:
            server: As planned at its place.
            demand: What it was planned from.
            wanted: Its workload.
            site: Where this workload will be.
            ssh_port: TCP port of sshd at the place.
        """
        inward, outward = _Rules("in"), _Rules("out")
        inward.add(_published(server, wanted, self._view, self._controllers))
        inward.add(("tcp", port, site.cidr, f"{wanted.id} wants it open") for port in demand.ports)
        inward.add(_ssh(demand, wanted, self._view, ssh_port, self._controllers))
        outward.add(_fetching(server))
        outward.add(_replicating(server, wanted, self._view))
        if wanted.new and server.needs:
            outward.add([("tcp", 5432, site.cidr, "its database")])
        # The other end of it, which no flow could show.
        if wanted.new and any(server.name in other.needs for other in wanted.servers):
            inward.add([("tcp", 5432, site.cidr, "servers that need this database")])
        if server.source:
            inward.add_flows(self._view.flows_into(server.source), self._ends, site)
            outward.add_flows(self._view.flows_out_of(server.source), self._ends, site)
        return msgspec.structs.replace(server, inbound=inward.all(), outbound=outward.all())


class _End(NamedTuple):
    """One server of today: its name, where its workload will be, its addresses as ranges, and it in words."""

    hostname: str
    site: Site
    today: tuple[str, ...]
    here: str
    moved: str


def _end(server: Server, site: Site) -> _End:
    name = server.hostname
    return _End(name, site, ranges(server.addresses), f"{name}, where it is today", f"{name}, after its move")


class _Rules:
    """Rules of one direction: one for each protocol, port and peer, with all its reasons."""

    def __init__(self, direction: str) -> None:
        self._direction = direction
        self._whys: dict[tuple[str, int, str], list[str]] = {}

    def add(self, permits: Iterable[Permit]) -> None:
        for protocol, port, peer, why in permits:
            self._whys.setdefault((protocol, port, peer), []).append(why)

    def add_flows(self, flows: Iterable[Flow], ends: Mapping[str, _End], site: Site) -> None:
        """Add ranges of the other end of each flow: where it is today, while it may be there, and where it will be.

        A million flows come by here twice, so that this is one loop that makes nothing which it does not keep.
        """
        inward, whys = self._direction == "in", self._whys
        does = "used by" if inward else "at"
        for flow in flows:
            peer = flow.client if inward else flow.server
            protocol, port = flow.protocol, flow.port
            what = flow.service or f"port {port}"
            end = ends.get(peer)
            if end is None:
                if peer.startswith(EXTERNAL):
                    self.add(_outside(peer, flow, what, inward=inward))
                continue
            there = end.site
            if there.workload == site.workload:
                if there.place and not (there.goes and inward):
                    whys.setdefault((protocol, port, there.cidr), []).append(f"{what} {does} {end.hostname}")
            elif not (there.goes and inward):
                for address in end.today:
                    whys.setdefault((protocol, port, address), []).append(f"{what} {does} {end.here}")
                if there.place:
                    whys.setdefault((protocol, port, there.cidr), []).append(f"{what} {does} {end.moved}")

    def all(self) -> tuple[FirewallRule, ...]:
        direction = self._direction
        return tuple(
            [
                FirewallRule(direction, *key, why[0] if len(why) == 1 else "; ".join(sorted(set(why))))
                for key, why in sorted(self._whys.items())
            ]
        )


def _outside(peer: str, flow: Flow, what: str, *, inward: bool) -> Sequence[Permit]:
    address = address_of(peer)
    web = flow.service in WEB_SERVICES or flow.port in WEB_PORTS
    if inward and web and is_public(peer):
        return ((flow.protocol, flow.port, ANYWHERE, f"{what} used from the internet"),)
    if isinstance(address, ipaddress.IPv4Address):
        words = f"{what} {'used from' if inward else 'at'} {address}"
        return ((flow.protocol, flow.port, f"{address}/32", words),)
    return ()


def _published(server: PlannedServer, wanted: Wanted, view: View, controllers: Collection[str]) -> Iterable[Permit]:
    """A server with a DNS record serves the web to everyone; other ports that checks ask are for this tool only."""
    asked = {
        int(check.http.partition("/")[0])
        for service in wanted.services
        if service.server == server.name
        for check in service.checks
        if check.http.partition("/")[0].isdecimal()
    }
    records = sorted(s.name for s in wanted.switches if s.server == server.name)
    # 127.0.0.1 and ::1 are nobody else's; other loopback addresses are hosts of their own in the lab.
    serving = {
        listener.port
        for listener in view.listeners(server.source)
        if listener.service in WEB_SERVICES and listener.address not in ("127.0.0.1", "::1")
    }
    open_to_all = (asked | serving) & WEB_PORTS if records else set()
    for port in sorted(open_to_all):
        yield ("tcp", port, ANYWHERE, f"published as {', '.join(records)}")
    for port in sorted(asked - open_to_all):
        for peer in controllers:
            yield ("tcp", port, peer, "this tool: checks after the cut-over")


def _ssh(demand: Demand, wanted: Wanted, view: View, port: int, controllers: Iterable[str]) -> Iterable[Permit]:
    source = view.servers.get(demand.source)
    if source is not None and any(move.target == demand.name for move in wanted.moves):
        for peer in ranges(source.addresses):
            yield ("tcp", port, peer, f"copies come straight from {source.hostname}")
    for peer in controllers:
        yield ("tcp", port, peer, "this tool: set-up, checks and cut-over")


def _fetching(server: PlannedServer) -> Iterable[Permit]:
    if server.packages:
        yield ("tcp", 80, ANYWHERE, "packages of the image's distribution, when it is first set up")
        yield ("tcp", 443, ANYWHERE, "packages of the image's distribution, when it is first set up")
        yield ("udp", 53, ANYWHERE, "names of the package servers")


def _replicating(server: PlannedServer, wanted: Wanted, view: View) -> Iterable[Permit]:
    source = view.servers.get(server.source)
    for move in wanted.moves:
        if source is not None and move.target == server.name and move.port:
            for peer in ranges(source.addresses):
                yield ("tcp", move.port, peer, f"replication of {move.database} from {source.hostname}")
