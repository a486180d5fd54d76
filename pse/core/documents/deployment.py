"""Deployment: what stands at a place after ``up``."""

from typing import Annotated

import msgspec
from msgspec import Meta

USER = r"^([A-Za-z_][A-Za-z0-9_.-]{0,31})?\Z"
"""Name of an account. A cloud tells it, and the owner of an image may have told the cloud."""


class BuiltServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that stands.

    What a cloud said of it stands in command lines and files of pins later, so it has to look like what it is.

    Attributes:
        name: As planned.
        id: The cloud's id.
        address: IPv4 address.
        ssh_port: TCP port of sshd.
        ssh_user: Account.
        host_key: Public host key, one line; empty when it cannot be known, and then nobody connects.
    """

    name: str
    id: str
    address: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f.:]*\Z")]
    ssh_port: Annotated[int, Meta(ge=1, le=65535)]
    ssh_user: Annotated[str, Meta(pattern=USER)]
    host_key: Annotated[str, Meta(pattern=r"^([a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\r\n]*)?)?\Z")]


class BuiltResource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource in the stack: URN, Pulumi type token and the cloud's id."""

    urn: str
    type: str
    id: str


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One stack.

    Attributes:
        schema: Version of this document.
        stack: Stack name, the unit's id.
        plan: Hash of the plan it was made from.
        unit_hash: SHA-256 of the unit's file.
        place: Place id.
        servers: By planned order.
        resources: Sorted by URN.
        outputs: Plain outputs for other stacks, such as a landing zone's network and subnet ids. No secrets.
    """

    schema: int = 1
    stack: str
    plan: str
    unit_hash: str
    place: str
    servers: tuple[BuiltServer, ...] = ()
    resources: tuple[BuiltResource, ...] = ()
    outputs: dict[str, str] = {}
