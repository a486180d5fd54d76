"""Where a host is and how one logs in there."""

import msgspec

from inventory.hosts import HostEntry, load_hosts, some
from inventory.ssh.pins import read_pins
from pse.core.errors import UsageError
from pse.core.settings import Workspace


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to log in.

    Attributes:
        name: Name of the host, for messages and pins.
        address: IP address or DNS name.
        port: TCP port of sshd.
        user: Account.
        key: Secret reference of the private key.
        agent_key: Comment or ``SHA256:`` fingerprint of the one key ssh-agent may use; wins over ``key``.
        host_key: Pinned public host key, ``type base64``; empty when none is pinned, and then nobody connects.
        jump: The host to go through.
    """

    name: str
    address: str
    port: int = 22
    user: str = ""
    key: str = ""
    agent_key: str = ""
    host_key: str = ""
    jump: "Endpoint | None" = None


def endpoint_of(workspace: Workspace, host_name: str) -> Endpoint:
    """The endpoint of a host of ``hosts.toml``, with its pin and its jump hosts.

    Raises:
        UsageError: No such host.
        BadInput: ``hosts.toml`` or ``.pse/known_hosts`` cannot be used.
    """
    entries = {entry.name: entry for entry in load_hosts(workspace, ranges=True)}
    if host_name not in entries:
        hint = f"Its hosts are: {some(entries)}."
        raise UsageError(f"no host {host_name!r} in hosts.toml", where=str(workspace.path("hosts.toml")), hint=hint)
    return endpoint_from(entries, read_pins(workspace.private), host_name)


def endpoint_from(entries: dict[str, HostEntry], pins: dict[str, str], name: str) -> Endpoint:
    """The endpoint of ``name``, given all hosts and pins."""
    entry = entries[name]
    return Endpoint(
        name=name,
        address=entry.address,
        port=entry.port,
        user=entry.user,
        key=entry.key,
        agent_key=entry.agent_key,
        host_key=pins.get(name, ""),
        jump=endpoint_from(entries, pins, entry.jump) if entry.jump else None,
    )
