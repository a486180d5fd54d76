"""Networks, what may pass in them, and the ways in and out."""

from typing import Annotated

import msgspec

from pse.core.schema.declaring import Inputs, Outputs, Rests, Rule, out, plain, refers


class NetworkInputs(Inputs, frozen=True, kw_only=True):
    """A private network."""

    cidr: Annotated[str, plain("IPv4 range of the network.", replaces=True)]


class NetworkOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class SubnetInputs(Inputs, frozen=True, kw_only=True):
    """A range of addresses in a network."""

    network: Annotated[str, refers("Network", "Id of the network.")]
    cidr: Annotated[str, plain("IPv4 range, inside the network's.", replaces=True)]


class SubnetOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class RouterInputs(Inputs, frozen=True, kw_only=True):
    """A network's way to the outside: servers reach out through it, and public addresses reach in."""

    network: Annotated[str, refers("Network", "Id of the network.")]
    subnets: Annotated[tuple[str, ...], refers("Subnet", "Ids of subnets that it serves.", replaces=False)]


class RouterOutputs(Outputs, frozen=True, kw_only=True):
    """The address that servers without one of their own are seen from."""

    address: Annotated[str, out("Public IPv4 address of outgoing connections; empty where the cloud tells none.")]


class AddressInputs(Inputs, frozen=True, kw_only=True):
    """A public IPv4 address, kept until it is deleted."""

    router: Annotated[str, refers("Router", "Id of the router that leads to it.")]
    server: Annotated[str, refers("Server", "Id of the server that answers there; empty for none.", replaces=False)] = (
        ""
    )


class AddressOutputs(Outputs, frozen=True, kw_only=True):
    """The address."""

    address: Annotated[str, out("IPv4 address.")]


class FirewallRule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, order=True):
    """One permitted flow; what no rule permits is denied.

    Attributes:
        direction: ``in`` or ``out``.
        protocol: ``tcp``, ``udp`` or ``icmp``.
        port: Destination port; 0 for icmp.
        peer: IPv4 range of the other side.
        why: The observed flow or the need behind the rule.
    """

    direction: str
    protocol: str
    port: int
    peer: str
    why: str = ""


class FirewallInputs(Inputs, frozen=True, kw_only=True):
    """A set of permitted flows that servers carry."""

    network: Annotated[str, refers("Network", "Id of the network.")]
    rules: Annotated[tuple[FirewallRule, ...], plain("Permitted flows; updated in place.")]


class FirewallOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class Listener(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, order=True):
    """One port that a load balancer answers on.

    Attributes:
        protocol: ``tcp``, ``http`` or ``https``; https needs the load balancer's certificate.
        port: TCP port of the load balancer.
        member_port: TCP port of the servers, which speak the same without TLS.
        health_path: Path that a healthy server answers with 2xx; empty: an accepted connection is enough.
    """

    protocol: str
    port: int
    member_port: int
    health_path: str = ""


class LoadBalancerInputs(Inputs, frozen=True, kw_only=True):
    """One address in front of several servers."""

    subnets: Annotated[tuple[str, ...], refers("Subnet", "Ids of the subnets where it stands.")]
    firewalls: Annotated[tuple[str, ...], refers("Firewall", "Ids of firewalls.", replaces=False)] = ()
    servers: Annotated[tuple[str, ...], refers("Server", "Ids of the servers behind it.", replaces=False)] = ()
    listeners: Annotated[tuple[Listener, ...], plain("Ports; updated in place.")]
    public: Annotated[bool, plain("Reached from outside its network.", replaces=True)] = False
    certificate: Annotated[str, Rule(Rests.NONE, secret=True, doc="Certificate chain and key as PEM, for https.")] = ""


class LoadBalancerOutputs(Outputs, frozen=True, kw_only=True):
    """Where it answers."""

    address: Annotated[str, out("IPv4 address; empty where the cloud gives a host name only.")]
    host_name: Annotated[str, out("Host name; empty where the cloud gives an address only.")]
