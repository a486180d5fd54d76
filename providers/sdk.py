"""The neutral resources as Pulumi classes: what a program writes down. No cloud is known here.

The inputs repeat `pse.core.schema` with their types, so that an editor and mypy see them; a test holds the two equal.
Importing this module imports Pulumi, which takes half a second: import it in programs only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi

from pse.core.schema import KINDS


def _names(kind: str) -> Mapping[str, str]:
    fields = {**KINDS[kind].output_fields(), **KINDS[kind].input_fields()}
    return {field.name: wire for wire, field in fields.items()}


class Neutral(pulumi.CustomResource):
    """What all neutral resources have in common: wire names from the schema, outputs as attributes.

    Attributes:
        kind: Name of the kind in `pse.core.schema.KINDS`.
        name: Name at the cloud.
        workload: Unit that owns it.
        place: Place id.
        placement: Every aspect of it and where it rests, once it stands.
    """

    kind: ClassVar[str]
    name: pulumi.Output[str]
    workload: pulumi.Output[str]
    place: pulumi.Output[str]
    placement: pulumi.Output[Sequence[Mapping[str, str]]]

    def __init__(self, resource_name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        """Register the resource; ``inputs`` by their Python names."""
        kind = KINDS[self.kind]
        outputs = {field.name: None for field in kind.output_fields().values()}
        given = {name: value for name, value in inputs.items() if value is not None}
        secret = [wire for wire, field in kind.input_fields().items() if field.rule.secret]
        own = pulumi.ResourceOptions(additional_secret_outputs=secret) if secret else None
        super().__init__(kind.token, resource_name, {**outputs, **given}, pulumi.ResourceOptions.merge(own, opts))

    def translate_input_property(self, prop: str) -> str:
        """Python name to wire name."""
        return _names(self.kind).get(prop, prop)

    def translate_output_property(self, prop: str) -> str:
        """Wire name to Python name."""
        return {wire: name for name, wire in _names(self.kind).items()}.get(prop, prop)


class Network(Neutral):
    """A private network."""

    kind = "Network"
    cidr: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        workload: pulumi.Input[str],
        place: pulumi.Input[str],
        cidr: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """See `pse.core.schema.NetworkInputs`."""
        super().__init__(resource_name, {"name": name, "workload": workload, "place": place, "cidr": cidr}, opts)


class Subnet(Neutral):
    """A range of addresses in a network."""

    kind = "Subnet"
    network: pulumi.Output[str]
    cidr: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        workload: pulumi.Input[str],
        place: pulumi.Input[str],
        network: pulumi.Input[str],
        cidr: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """See `pse.core.schema.SubnetInputs`."""
        inputs = {"name": name, "workload": workload, "place": place, "network": network, "cidr": cidr}
        super().__init__(resource_name, inputs, opts)


class Firewall(Neutral):
    """A set of permitted flows that servers carry."""

    kind = "Firewall"
    network: pulumi.Output[str]
    rules: pulumi.Output[Sequence[Mapping[str, Any]]]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        workload: pulumi.Input[str],
        place: pulumi.Input[str],
        network: pulumi.Input[str],
        rules: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """See `pse.core.schema.FirewallInputs`; a rule is a mapping with the fields of `FirewallRule`."""
        inputs = {"name": name, "workload": workload, "place": place, "network": network, "rules": rules}
        super().__init__(resource_name, inputs, opts)


class KeyPair(Neutral):
    """A public SSH key for new servers."""

    kind = "KeyPair"
    public_key: pulumi.Output[str]
    fingerprint: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        workload: pulumi.Input[str],
        place: pulumi.Input[str],
        public_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """See `pse.core.schema.KeyPairInputs`."""
        inputs = {"name": name, "workload": workload, "place": place, "public_key": public_key}
        super().__init__(resource_name, inputs, opts)


class Volume(Neutral):
    """A block disk; a replacement loses its data and is refused unless ``allow_replace`` is true."""

    kind = "Volume"
    size_gib: pulumi.Output[int]
    storage_class: pulumi.Output[str]
    allow_replace: pulumi.Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        workload: pulumi.Input[str],
        place: pulumi.Input[str],
        size_gib: pulumi.Input[int],
        storage_class: pulumi.Input[str],
        allow_replace: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """See `pse.core.schema.VolumeInputs`."""
        inputs = {
            "name": name,
            "workload": workload,
            "place": place,
            "size_gib": size_gib,
            "storage_class": storage_class,
            "allow_replace": allow_replace,
        }
        super().__init__(resource_name, inputs, opts)


class Server(Neutral):
    """A virtual machine."""

    kind = "Server"
    shape: pulumi.Output[str]
    image: pulumi.Output[str]
    subnet: pulumi.Output[str]
    firewalls: pulumi.Output[Sequence[str]]
    key_pair: pulumi.Output[str]
    user_data: pulumi.Output[str]
    address: pulumi.Output[str]
    ssh_port: pulumi.Output[int]
    ssh_user: pulumi.Output[str]
    host_key: pulumi.Output[str]

    def __init__(  # noqa: PLR0913  one argument an input of the schema
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        workload: pulumi.Input[str],
        place: pulumi.Input[str],
        shape: pulumi.Input[str],
        image: pulumi.Input[str],
        subnet: pulumi.Input[str],
        firewalls: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        key_pair: pulumi.Input[str],
        user_data: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """See `pse.core.schema.ServerInputs`."""
        inputs = {
            "name": name,
            "workload": workload,
            "place": place,
            "shape": shape,
            "image": image,
            "subnet": subnet,
            "firewalls": firewalls,
            "key_pair": key_pair,
            "user_data": pulumi.Output.secret(user_data) if user_data is not None else None,
        }
        super().__init__(resource_name, inputs, opts)


class Attachment(Neutral):
    """A volume attached to a server and mounted there."""

    kind = "Attachment"
    server: pulumi.Output[str]
    volume: pulumi.Output[str]
    mount: pulumi.Output[str]
    device: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        workload: pulumi.Input[str],
        place: pulumi.Input[str],
        server: pulumi.Input[str],
        volume: pulumi.Input[str],
        mount: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """See `pse.core.schema.AttachmentInputs`."""
        inputs = {
            "name": name,
            "workload": workload,
            "place": place,
            "server": server,
            "volume": volume,
            "mount": mount,
        }
        super().__init__(resource_name, inputs, opts)


class Provider(pulumi.ProviderResource):
    """An explicit provider, for programs that hold resources of several units."""

    def __init__(
        self,
        resource_name: str,
        *,
        workspace: pulumi.Input[str] | None = None,
        unit: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Configure the plugin.

        Args:
            resource_name: Name in the program.
            workspace: Absolute path of the workspace; default ``PSE_WORKSPACE``, else the nearest ``pse.toml``.
            unit: Unit whose gate file holds; default the stack's name.
            opts: Pulumi's options.
        """
        given = {"workspace": workspace, "unit": unit}
        super().__init__("pse", resource_name, {name: v for name, v in given.items() if v is not None}, opts)


CLASSES: Mapping[str, type[Neutral]] = {
    cls.kind: cls for cls in (Network, Subnet, Firewall, KeyPair, Volume, Server, Attachment)
}
"""The class of each kind of the schema."""
