"""The words that the neutral resources are declared with: what an input rests on, what its change does, what a kind is.

A field without a `Rule` stops the import.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
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


def plain(doc: str, *, replaces: bool = False) -> Rule:
    """The rule of an input that has nothing to do with residency."""
    return Rule(Rests.NONE, replaces=replaces, doc=doc)


def refers(to: str, doc: str, *, replaces: bool = True) -> Rule:
    """The rule of an input that holds the id, or ids, of resources of the kind ``to``."""
    return Rule(Rests.REFERENCE, replaces=replaces, to=to, doc=doc)


def out(doc: str) -> Rule:
    """The rule of an output."""
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

    name: Annotated[str, plain("Name at the cloud.", replaces=True)]
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

    placement: Annotated[tuple[Placement, ...], out("Where each aspect of the resource rests.")]


@dataclass(frozen=True)
class Field:
    """One input or output as the rest of the program sees it.

    Attributes:
        name: Python name.
        wire: Name on the wire.
        type: Type without its rule.
        rule: See `Rule`.
        required: The caller has to give it.
        default: What it is when the caller does not; nothing to go by where it is required.
    """

    name: str
    wire: str
    type: Any
    rule: Rule
    required: bool
    default: Any


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


class Asked(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What every function takes.

    Attributes:
        place: Place id that is asked about; the unit's gate has to allow it.
    """

    place: Annotated[str, Rule(Rests.PLACE, doc="Place id csp/region/site, as the register of CSPs writes it.")]


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a function gives back."""


@dataclass(frozen=True)
class Function:
    """A question that a program may ask; it makes nothing.

    Attributes:
        name: For example ``getImage``.
        inputs: Struct of what is asked.
        outputs: Struct of the answer.
    """

    name: str
    inputs: type[Asked]
    outputs: type[Told]

    @property
    def token(self) -> str:
        """Pulumi function token, for example ``pse:index:getImage``."""
        return f"pse:index:{self.name}"

    def input_fields(self) -> Mapping[str, Field]:
        """What is asked, by wire name."""
        return _fields(self.inputs)

    def output_fields(self) -> Mapping[str, Field]:
        """What is answered, by wire name."""
        return _fields(self.outputs)


@cache
def _fields(struct: type[msgspec.Struct]) -> Mapping[str, Field]:
    hints = get_type_hints(struct, include_extras=True)
    found: dict[str, Field] = {}
    for info in msgspec.structs.fields(struct):
        hint = hints[info.name]
        rules = [arg for arg in get_args(hint)[1:] if isinstance(arg, Rule)] if get_origin(hint) is Annotated else []
        if len(rules) != 1:
            raise TypeError(f"{struct.__name__}.{info.name} does not say what it rests on")
        found[info.encode_name] = Field(
            name=info.name,
            wire=info.encode_name,
            type=get_args(hint)[0],
            rule=rules[0],
            required=info.required,
            default=info.default,
        )
    return MappingProxyType(found)
