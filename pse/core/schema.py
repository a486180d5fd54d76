"""The neutral resources, declared once.

The gate, the SDK classes, the plugin's Check, Diff and GetSchema, and the adapters' types all come from the structs
below. Every input says in its `Rule` what it does to residency (`rests`), whether a change of it replaces the
resource, whether it is secret, and what kind of resource it refers to. A field without a `Rule` stops the import.

On the wire (Pulumi properties, JSON) names are camelCase; in Python they are snake_case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec


class Rests(StrEnum):
    """What an input has to do with where data rests or passes."""

    NONE = "none"
    PLACE = "place"
    """Names the place itself: an unknown value at preview is refused."""
    ENDPOINT = "endpoint"
    """Names an address that data passes through: unknown is refused."""
    REFERENCE = "reference"
    """The id of another resource: takes that resource's place; checked again when it is known."""
    COPY = "copy"
    """Makes a further copy somewhere (image source, snapshot, replica): its place is judged too."""


@dataclass(frozen=True)
class Rule:
    """What the declaration says of one input or output.

    Attributes:
        rests: See `Rests`.
        replaces: A change makes a new resource in place of the old one.
        secret: Never shown, logged or stored in the clear.
        to: Kind of the resource that a reference points at, for example ``"Network"``.
        grow_only: A smaller value is refused in Check, never a replacement.
        doc: One line for the schema.
    """

    rests: Rests
    replaces: bool = False
    secret: bool = False
    to: str = ""
    grow_only: bool = False
    doc: str = ""


def _plain(doc: str, *, replaces: bool = False) -> Rule:
    return Rule(Rests.NONE, replaces=replaces, doc=doc)


def _out(doc: str) -> Rule:
    return Rule(Rests.NONE, doc=doc)


WORKLOAD = Rule(Rests.NONE, replaces=True, doc="Unit that owns the resource; its gate file says where it may be.")
PLACE = Rule(Rests.PLACE, replaces=True, doc="Place id csp/region/site, as the register of CSPs writes it.")


class Inputs(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What every resource takes.

    Attributes:
        name: Name at the cloud: lower-case letters, digits and hyphens, at most 40.
        workload: Id of the unit that owns it.
        place: Place id where it is to be.
    """

    name: Annotated[str, _plain("Name at the cloud.", replaces=True)]
    workload: Annotated[str, WORKLOAD]
    place: Annotated[str, PLACE]


class Placement(msgspec.Struct, frozen=True, rename="camel"):
    """Where one aspect of a live resource rests, as the adapter found it.

    Attributes:
        what: Aspect: ``resource``, ``disk``, ``key``, ``replica``, ``log`` …
        where: Place id, or the cloud's own word when it maps to no place.
        source: ``set`` by us, ``default`` of the cloud, or ``unknown``.
    """

    what: str
    where: str
    source: str


class Outputs(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every resource gives back besides its id and its inputs.

    Attributes:
        placement: Every aspect of the resource and where it rests.
    """

    placement: Annotated[tuple[Placement, ...], _out("Where each aspect of the resource rests.")]


class NetworkInputs(Inputs, frozen=True, kw_only=True):
    """A private network."""

    cidr: Annotated[str, _plain("IPv4 range of the network.", replaces=True)]


class NetworkOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class SubnetInputs(Inputs, frozen=True, kw_only=True):
    """A range of addresses in a network."""

    network: Annotated[str, Rule(Rests.REFERENCE, replaces=True, to="Network", doc="Id of the network.")]
    cidr: Annotated[str, _plain("IPv4 range, inside the network's.", replaces=True)]


class SubnetOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


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

    network: Annotated[str, Rule(Rests.REFERENCE, replaces=True, to="Network", doc="Id of the network.")]
    rules: Annotated[tuple[FirewallRule, ...], _plain("Permitted flows; updated in place.")]


class FirewallOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class KeyPairInputs(Inputs, frozen=True, kw_only=True):
    """A public SSH key for new servers."""

    public_key: Annotated[str, _plain("One line in OpenSSH format.", replaces=True)]


class KeyPairOutputs(Outputs, frozen=True, kw_only=True):
    """The key's fingerprint."""

    fingerprint: Annotated[str, _out("SHA256:… of the public key.")]


class VolumeInputs(Inputs, frozen=True, kw_only=True):
    """A block disk."""

    size_gib: Annotated[int, Rule(Rests.NONE, grow_only=True, doc="Size in GiB; can only grow.")]
    storage_class: Annotated[str, _plain("Class of the price book, for example ``ssd``.", replaces=True)]
    allow_replace: Annotated[bool, _plain("Permit a replacement, which loses the data.")] = False


class VolumeOutputs(Outputs, frozen=True, kw_only=True):
    """Nothing besides the common outputs."""


class ServerInputs(Inputs, frozen=True, kw_only=True):
    """A virtual machine."""

    shape: Annotated[str, _plain("Name of a compute offer at the place; changed in place.")]
    image: Annotated[str, Rule(Rests.COPY, replaces=True, doc="OS image, by the place's own name.")]
    subnet: Annotated[str, Rule(Rests.REFERENCE, replaces=True, to="Subnet", doc="Id of the subnet.")]
    firewalls: Annotated[tuple[str, ...], Rule(Rests.REFERENCE, to="Firewall", doc="Ids of firewalls.")] = ()
    key_pair: Annotated[str, Rule(Rests.REFERENCE, replaces=True, to="KeyPair", doc="Id of the key pair.")]
    user_data: Annotated[str, Rule(Rests.NONE, replaces=True, secret=True, doc="Shell script for the first boot.")] = ""


class ServerOutputs(Outputs, frozen=True, kw_only=True):
    """How to reach the server and how to know that it is the right one."""

    address: Annotated[str, _out("IPv4 address.")]
    ssh_port: Annotated[int, _out("TCP port of sshd.")]
    ssh_user: Annotated[str, _out("Account that the key pair opens.")]
    host_key: Annotated[str, _out("Public host key, one line in OpenSSH format; empty when it cannot be known.")]


class AttachmentInputs(Inputs, frozen=True, kw_only=True):
    """A volume attached to a server and mounted there."""

    server: Annotated[str, Rule(Rests.REFERENCE, replaces=True, to="Server", doc="Id of the server.")]
    volume: Annotated[str, Rule(Rests.REFERENCE, replaces=True, to="Volume", doc="Id of the volume.")]
    mount: Annotated[str, _plain("Absolute path where the server mounts it.", replaces=True)]


class AttachmentOutputs(Outputs, frozen=True, kw_only=True):
    """The device's name at the server."""

    device: Annotated[str, _out("Device or lab path of the volume at the server.")]


@dataclass(frozen=True)
class Field:
    """One input or output as the rest of the program sees it.

    Attributes:
        name: Python name.
        wire: Name on the wire.
        type: Type without its rule.
        rule: See `Rule`.
        required: The caller has to give it.
    """

    name: str
    wire: str
    type: Any
    rule: Rule
    required: bool


@dataclass(frozen=True)
class Kind:
    """One kind of neutral resource.

    Attributes:
        name: For example ``Server``.
        inputs: Struct of its inputs.
        outputs: Struct of its outputs.
        holds_data: A replacement loses data, so it is refused unless the input ``allowReplace`` is true.
        exclusive: Old and new cannot exist side by side, so a replacement deletes first.
    """

    name: str
    inputs: type[Inputs]
    outputs: type[Outputs]
    holds_data: bool = False
    exclusive: bool = False

    @property
    def token(self) -> str:
        """Pulumi type token, for example ``pse:index:Server``."""
        return f"pse:index:{self.name}"

    def input_fields(self) -> Mapping[str, Field]:
        """The inputs by wire name."""
        return _fields(self.inputs)

    def output_fields(self) -> Mapping[str, Field]:
        """The outputs by wire name, without the inputs that are repeated beside them."""
        return _fields(self.outputs)


def _fields(struct: type[msgspec.Struct]) -> Mapping[str, Field]:
    hints = get_type_hints(struct, include_extras=True)
    found: dict[str, Field] = {}
    for info in msgspec.structs.fields(struct):
        hint = hints[info.name]
        rules = [arg for arg in get_args(hint)[1:] if isinstance(arg, Rule)] if get_origin(hint) is Annotated else []
        if len(rules) != 1:
            raise TypeError(f"{struct.__name__}.{info.name} does not say what it rests on")
        found[info.encode_name] = Field(
            name=info.name, wire=info.encode_name, type=get_args(hint)[0], rule=rules[0], required=info.required
        )
    return MappingProxyType(found)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("Network", NetworkInputs, NetworkOutputs),
            Kind("Subnet", SubnetInputs, SubnetOutputs),
            Kind("Firewall", FirewallInputs, FirewallOutputs),
            Kind("KeyPair", KeyPairInputs, KeyPairOutputs),
            Kind("Volume", VolumeInputs, VolumeOutputs, holds_data=True),
            Kind("Server", ServerInputs, ServerOutputs),
            Kind("Attachment", AttachmentInputs, AttachmentOutputs, exclusive=True),
        )
    }
)
"""Every neutral resource by name."""

for _kind in KINDS.values():
    _kind.input_fields(), _kind.output_fields()
