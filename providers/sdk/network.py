"""Networks, what may pass in them, and the ways in and out."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, Unpack

import pulumi

from providers.sdk.base import Args, Neutral


class NetworkArgs(Args):
    """See `pse.core.schema.NetworkInputs`."""

    cidr: pulumi.Input[str]


class Network(Neutral):
    """A private network."""

    kind = "Network"
    cidr: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[NetworkArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class SubnetArgs(Args):
    """See `pse.core.schema.SubnetInputs`."""

    network: pulumi.Input[str]
    cidr: pulumi.Input[str]


class Subnet(Neutral):
    """A range of addresses in a network."""

    kind = "Subnet"
    network: pulumi.Output[str]
    cidr: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[SubnetArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class RouterArgs(Args):
    """See `pse.core.schema.RouterInputs`."""

    network: pulumi.Input[str]
    subnets: pulumi.Input[Sequence[pulumi.Input[str]]]


class Router(Neutral):
    """A network's way to the outside: servers reach out through it, and public addresses reach in."""

    kind = "Router"
    network: pulumi.Output[str]
    subnets: pulumi.Output[Sequence[str]]
    address: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[RouterArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class FirewallArgs(Args):
    """See `pse.core.schema.FirewallInputs`."""

    network: pulumi.Input[str]
    rules: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]


class Firewall(Neutral):
    """A set of permitted flows that servers carry."""

    kind = "Firewall"
    network: pulumi.Output[str]
    rules: pulumi.Output[Sequence[Mapping[str, Any]]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[FirewallArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class AddressArgs(Args):
    """See `pse.core.schema.AddressInputs`."""

    router: pulumi.Input[str]
    server: NotRequired[pulumi.Input[str] | None]


class Address(Neutral):
    """A public IPv4 address, kept until it is deleted."""

    kind = "Address"
    router: pulumi.Output[str]
    server: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[AddressArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)


class LoadBalancerArgs(Args):
    """See `pse.core.schema.LoadBalancerInputs`."""

    subnets: pulumi.Input[Sequence[pulumi.Input[str]]]
    firewalls: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    servers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]] | None]
    listeners: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]
    public: NotRequired[pulumi.Input[bool] | None]
    certificate: NotRequired[pulumi.Input[str] | None]


class LoadBalancer(Neutral):
    """One address in front of several servers."""

    kind = "LoadBalancer"
    subnets: pulumi.Output[Sequence[str]]
    firewalls: pulumi.Output[Sequence[str]]
    servers: pulumi.Output[Sequence[str]]
    listeners: pulumi.Output[Sequence[Mapping[str, Any]]]
    public: pulumi.Output[bool]
    certificate: pulumi.Output[str]
    address: pulumi.Output[str]
    host_name: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[LoadBalancerArgs]
    ) -> None:
        """Register it."""
        super().__init__(resource_name, inputs, opts)
