"""Flows seen before: they stay, because nobody having talked just now is no proof that nobody talks.

A group that fell apart in a quiet moment would let the application be labelled without its database, and go where the
two of them together may not. So only people take a group apart, in ``workloads.toml``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from pse.core.documents.snapshot import Flow, Server
from pse.core.findings import Finding, Severity
from pse.core.text import printable

_OUTSIDE = "external:"
_Key = tuple[str, str, str, int]


def keep_flows(
    fresh: Sequence[Flow], earlier: Iterable[Flow], was: Sequence[Server], servers: Sequence[Server]
) -> tuple[Flow, ...]:
    """``fresh`` and those of ``earlier`` whose ends are still there, sorted by their key.

    A flow that is in both is the fresh one, and binds if either does. One that was only seen earlier has ``seen`` 0.
    An end whose server got another id follows the server; an external address that is one server's now becomes it.

    Args:
        fresh: Flows of the sightings as they are now.
        earlier: Flows of the snapshot before.
        was: Servers of the snapshot before.
        servers: Servers now.
    """
    found = {_key(flow): flow for flow in fresh}
    ends = _Ends(was, servers)
    for flow in sorted(earlier, key=_key):
        for client in ends.now(flow.client):
            for server in ends.now(flow.server):
                if client != server and not (client.startswith(_OUTSIDE) and server.startswith(_OUTSIDE)):
                    moved = msgspec.structs.replace(flow, client=client, server=server, seen=0)
                    there = found.get(_key(moved))
                    found[_key(moved)] = moved if there is None else _both(there, moved)
    return tuple(found[key] for key in sorted(found))


def quiet_findings(flows: Iterable[Flow], servers: Iterable[Server]) -> list[Finding]:
    """One for each flow that binds and was not seen this time."""
    names = {server.id: server.hostname for server in servers}
    return [
        Finding(
            code="PSE-I130",
            severity=Severity.INFO,
            subject=printable(names.get(flow.client, flow.client)),
            message=f"it was not seen to call {printable(names.get(flow.server, flow.server))} "
            f"({flow.service}, {flow.protocol}/{flow.port}) this time; it did earlier, so they stay bound",
            remedy="Nothing if it still does; if that is over, give each its own workload in workloads.toml.",
            source="flows",
        )
        for flow in flows
        if flow.binds and not flow.seen
    ]


class _Ends:
    """What the end of an earlier flow is now."""

    def __init__(self, was: Sequence[Server], servers: Sequence[Server]) -> None:
        self._was = {server.id: server for server in was}
        self._ids = {server.id for server in servers}
        self._by_source = _grouped((source, server.id) for server in servers for source in server.sources)
        self._by_address = _grouped((address, server.id) for server in servers for address in server.addresses)

    def now(self, end: str) -> tuple[str, ...]:
        """Ids of servers, or the external end as it is; empty when the server is no more."""
        if end.startswith(_OUTSIDE):
            owners = self._by_address.get(end.removeprefix(_OUTSIDE), set())
            return tuple(owners) if len(owners) == 1 else (end,)
        sources = self._was[end].sources if end in self._was else ()
        # Flows come from hosts that were asked, so a flow follows the host, whoever has its id now.
        asked = self._holders(s for s in sources if s.startswith("ssh:"))
        if asked:
            return asked
        return (end,) if end in self._ids else self._holders(sources)

    def _holders(self, sources: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted({server for source in sources for server in self._by_source.get(source, ())}))


def _grouped(pairs: Iterator[tuple[str, str]]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return found


def _both(one: Flow, two: Flow) -> Flow:
    """``one``, with what only ``two`` knows."""
    return msgspec.structs.replace(
        one,
        service=one.service or two.service,
        client_process=one.client_process or two.client_process,
        server_process=one.server_process or two.server_process,
        binds=one.binds or two.binds,
    )


def _key(flow: Flow) -> _Key:
    return (flow.client, flow.server, flow.protocol, flow.port)
