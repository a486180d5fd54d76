"""Flows between servers, from sockets that were seen at both ends."""

import ipaddress
from collections.abc import Mapping, Sequence

from inventory.services import BINDING, PORTS, service_of
from pse.core.documents.snapshot import Flow, Listener, Sighting

_WILD = {"0.0.0.0", "::"}  # noqa: S104 - compared with, nothing is bound
_End = tuple[str, str, int, str, int]


def find_flows(seen: Mapping[str, Sequence[Sighting]]) -> tuple[Flow, ...]:
    """Conversations, sorted by their key.

    An edge between two servers needs the same connection at both ends, mirrored, each end held by a process that is
    visible on its host: hosts that share a network namespace list each other's sockets, too. A peer that is no known
    server becomes ``external:ADDRESS``.

    Args:
        seen: Sightings by id of server.
    """
    ends = _ends(seen)
    listeners = {server: tuple(item for s in sightings for item in s.listeners) for server, sightings in seen.items()}
    owned = {address for sightings in seen.values() for s in sightings for address in s.server.addresses}
    found: dict[tuple[str, str, str, int], Flow] = {}
    for end, holders in sorted(ends.items()):
        protocol, local, local_port, remote, remote_port = end
        peers = ends.get((protocol, remote, remote_port, local, local_port), {})
        for server, process in sorted(holders.items()):
            for peer, peer_process in sorted(peers.items()):
                if _is_edge((server, process), (peer, peer_process)) and _serves(
                    listeners[peer], protocol, remote, remote_port, local_port
                ):
                    flow = _flow(server, peer, (protocol, remote_port), (process, peer_process))
                    found.setdefault((flow.client, flow.server, flow.protocol, flow.port), flow)
            if not peers and remote not in owned and _outside(remote):
                flow = _external(server, process, end, listeners[server])
                found.setdefault((flow.client, flow.server, flow.protocol, flow.port), flow)
    return tuple(found[key] for key in sorted(found))


def _ends(seen: Mapping[str, Sequence[Sighting]]) -> dict[_End, dict[str, str]]:
    ends: dict[_End, dict[str, str]] = {}
    for server in sorted(seen):
        for sighting in seen[server]:
            for protocol, local, local_port, remote, remote_port, process in sighting.sockets:
                if process:
                    ends.setdefault((protocol, local, local_port, remote, remote_port), {})[server] = process
    return ends


def _is_edge(client: tuple[str, str], server: tuple[str, str]) -> bool:
    """Not to itself, and not from sshd to sshd: that is a jump host passing on somebody's session, for one ours."""
    return client[0] != server[0] and (client[1], server[1]) != ("sshd", "sshd")


def _listens(listeners: Sequence[Listener], protocol: str, address: str, port: int) -> bool:
    return any(
        item.protocol == protocol and item.port == port and (item.address in _WILD or item.address == address)
        for item in listeners
    )


def _serves(listeners: Sequence[Listener], protocol: str, address: str, port: int, client_port: int) -> bool:
    """The side that listens on its port serves; where the listener's owner is not visible, the well-known port does."""
    return _listens(listeners, protocol, address, port) or (port in PORTS and client_port not in PORTS)


def _outside(address: str) -> bool:
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _flow(client: str, server: str, port: tuple[str, int], processes: tuple[str, str]) -> Flow:
    service = service_of(processes[1], port[1])
    return Flow(
        client=client,
        server=server,
        protocol=port[0],
        port=port[1],
        service=service,
        client_process=processes[0],
        server_process=processes[1],
        binds=service in BINDING,
    )


def _external(server: str, process: str, end: _End, listeners: Sequence[Listener]) -> Flow:
    protocol, local, local_port, remote, remote_port = end
    if _listens(listeners, protocol, local, local_port):
        return _flow(f"external:{remote}", server, (protocol, local_port), ("", process))
    return _flow(server, f"external:{remote}", (protocol, remote_port), (process, ""))
