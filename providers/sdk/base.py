"""What all neutral resources have in common as Pulumi classes."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypedDict

import pulumi

from pse.core.schema import KINDS


class Args(TypedDict):
    """What every resource takes; see `pse.core.schema.Inputs`."""

    name: pulumi.Input[str]
    workload: pulumi.Input[str]
    place: pulumi.Input[str]


def _names(kind: str) -> Mapping[str, str]:
    fields = {**KINDS[kind].output_fields(), **KINDS[kind].input_fields()}
    return {field.name: wire for wire, field in fields.items()}


class Neutral(pulumi.CustomResource):
    """Wire names from the schema, outputs as attributes, secrets wrapped.

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
        secret = {field.name: wire for wire, field in kind.input_fields().items() if field.rule.secret}
        wrapped = {name: pulumi.Output.secret(given[name]) for name in secret if name in given}
        own = pulumi.ResourceOptions(additional_secret_outputs=list(secret.values())) if secret else None
        merged = pulumi.ResourceOptions.merge(own, opts)
        super().__init__(kind.token, resource_name, {**outputs, **given, **wrapped}, merged)

    def translate_input_property(self, prop: str) -> str:
        """Python name to wire name."""
        return _names(self.kind).get(prop, prop)

    def translate_output_property(self, prop: str) -> str:
        """Wire name to Python name."""
        return {wire: name for name, wire in _names(self.kind).items()}.get(prop, prop)
