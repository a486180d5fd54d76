"""Firewall rules with least privilege: what was observed or declared, and the way in for the move; nothing else."""

import hashlib
import ipaddress
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import msgspec

from blueprints.model import Demand, Wanted
from blueprints.view import View
from pse.core.documents.plan import PlannedServer
from pse.core.documents.snapshot import Flow
from pse.core.schema import FirewallRule

ANYWHERE = "0.0.0.0/0"
EXTERNAL = "external:"
WEB_SERVICES = frozenset({"http", "https"})
WEB_PORTS = frozenset({80, 443, 8080, 8443})


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


def landing_range(place: str) -> str:
    """Range of the landing zone at ``place``: a /16 of 10.64.0.0/10 and up, by the place's id alone.

    A place that comes into the register must not renumber a zone that stands. Two places may share a range: zones are
    not joined with each other.
    """
    return f"10.{64 + int.from_bytes(hashlib.sha256(place.encode()).digest()[:4]) % 128}.0.0/16"


def subnet_range(network: str) -> str:
    """Range of the one subnet of a landing zone: its network's first quarter, so that others can be added."""
    return str(next(ipaddress.IPv4Network(network).subnets(prefixlen_diff=2)))


def is_public(peer: str) -> bool:
    """``peer`` of a flow is an address of the internet."""
    address = _address(peer)
    return address is not None and address.is_global


def ruled(
    server: PlannedServer,
    demand: Demand,
    wanted: Wanted,
    view: View,
    *,
    sites: Mapping[str, Site],
    site: Site,
    ssh_port: int,
    controllers: Collection[str],
) -> PlannedServer:
    """``server`` with its rules.

    Args:
        server: As planned at its place.
        demand: What it was planned from.
        wanted: Its workload.
        view: The estate.
        sites: By id of a server of today, where its workload will be.
        site: Where this workload will be.
        ssh_port: TCP port of sshd at the place.
        controllers: IPv4 ranges that this tool works from.
    """
    inward = [
        *_published(server, wanted, view, controllers),
        *(FirewallRule("in", "tcp", port, site.cidr, f"{wanted.id} wants it open") for port in demand.ports),
        *_ssh(demand, wanted, view, ssh_port, controllers),
    ]
    for flow in view.flows_into(server.source) if server.source else ():
        inward += [
            FirewallRule("in", flow.protocol, flow.port, peer, why)
            for peer, why in _peers(flow.client, flow, view, sites, site, inward=True)
        ]
    outward = [
        *_fetching(server),
        *_replicating(server, wanted, view),
    ]
    for flow in view.flows_out_of(server.source) if server.source else ():
        outward += [
            FirewallRule("out", flow.protocol, flow.port, peer, why)
            for peer, why in _peers(flow.server, flow, view, sites, site, inward=False)
        ]
    if wanted.new and server.needs:
        outward.append(FirewallRule("out", "tcp", 5432, site.cidr, "its database"))
        # The other end of it, which no flow could show.
    if wanted.new and any(server.name in other.needs for other in wanted.servers):
        inward.append(FirewallRule("in", "tcp", 5432, site.cidr, "servers that need this database"))
    return msgspec.structs.replace(server, inbound=_distinct(inward), outbound=_distinct(outward))


def _peers(
    peer: str, flow: Flow, view: View, sites: Mapping[str, Site], site: Site, *, inward: bool
) -> Iterable[tuple[str, str]]:
    """Ranges of the other end of a flow: where it is today while it may still be there, and where it will be."""
    what = flow.service or f"port {flow.port}"
    if peer.startswith(EXTERNAL):
        address = _address(peer)
        web = flow.service in WEB_SERVICES or flow.port in WEB_PORTS
        if inward and web and is_public(peer):
            yield ANYWHERE, f"{what} used from the internet"
        elif isinstance(address, ipaddress.IPv4Address):
            yield f"{address}/32", f"{what} {'used from' if inward else 'at'} {address}"
        return
    other = view.servers.get(peer)
    there = sites.get(peer)
    if other is None or (there is not None and there.goes and inward):
        return
    same = there is not None and there.workload == site.workload
    why = f"{what} {'used by' if inward else 'at'} {other.hostname}"
    if there is not None and there.place:
        yield there.cidr, why if same else f"{why}, after its move"
    if not same:
        for peer_today in _ranges(other.addresses):
            yield peer_today, f"{why}, where it is today"


def _published(
    server: PlannedServer, wanted: Wanted, view: View, controllers: Collection[str]
) -> Iterable[FirewallRule]:
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
        yield FirewallRule("in", "tcp", port, ANYWHERE, f"published as {', '.join(records)}")
    for port in sorted(asked - open_to_all):
        for peer in controllers:
            yield FirewallRule("in", "tcp", port, peer, "this tool: checks after the cut-over")


def _ssh(demand: Demand, wanted: Wanted, view: View, port: int, controllers: Iterable[str]) -> Iterable[FirewallRule]:
    source = view.servers.get(demand.source)
    if source is not None and any(move.target == demand.name for move in wanted.moves):
        for peer in _ranges(source.addresses):
            yield FirewallRule("in", "tcp", port, peer, f"copies come straight from {source.hostname}")
    for peer in controllers:
        yield FirewallRule("in", "tcp", port, peer, "this tool: set-up, checks and cut-over")


def _fetching(server: PlannedServer) -> Iterable[FirewallRule]:
    if server.packages:
        yield FirewallRule("out", "tcp", 80, ANYWHERE, "packages of the image's distribution, when it is first set up")
        yield FirewallRule("out", "tcp", 443, ANYWHERE, "packages of the image's distribution, when it is first set up")
        yield FirewallRule("out", "udp", 53, ANYWHERE, "names of the package servers")


def _replicating(server: PlannedServer, wanted: Wanted, view: View) -> Iterable[FirewallRule]:
    source = view.servers.get(server.source)
    for move in wanted.moves:
        if source is not None and move.target == server.name and move.port:
            for peer in _ranges(source.addresses):
                yield FirewallRule(
                    "out", "tcp", move.port, peer, f"replication of {move.database} from {source.hostname}"
                )


def _distinct(rules: Iterable[FirewallRule]) -> tuple[FirewallRule, ...]:
    """One rule a flow, sorted, with all its reasons."""
    reasons: dict[tuple[str, str, int, str], list[str]] = {}
    for rule in rules:
        found = reasons.setdefault((rule.direction, rule.protocol, rule.port, rule.peer), [])
        if rule.why not in found:
            found.append(rule.why)
    return tuple(
        FirewallRule(direction, protocol, port, peer, "; ".join(sorted(why)))
        for (direction, protocol, port, peer), why in sorted(reasons.items())
    )


@lru_cache(maxsize=1 << 18)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.removeprefix(EXTERNAL))
    except ValueError:
        return None


@lru_cache(maxsize=1 << 18)
def _ranges(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The IPv4 addresses among ``texts``, as ranges of one address each."""
    found = (_address(text) for text in texts)
    return tuple(f"{one}/32" for one in sorted({one for one in found if isinstance(one, ipaddress.IPv4Address)}))
