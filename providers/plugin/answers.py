"""Answers to the engine: what goes into the state, in which form, and what is promised at preview."""

from typing import Any

import msgspec
from pulumi.runtime.proto import provider_pb2

from providers.identity import Urn, parse_urn
from providers.plugin import check, diff
from providers.plugin.wire import UNKNOWN_TEXT, has_secret, plain, secret
from providers.ports import Made
from pse.core.errors import BadInput
from pse.core.schema import KINDS, Field, Kind


def named(text: str) -> tuple[Kind, Urn]:
    """Kind and URN of a resource.

    Raises:
        BadInput: Not one of ours.
    """
    urn = parse_urn(text)
    prefix, _, name = urn.type.rpartition(":")
    if prefix != "pse:index" or name not in KINDS:
        raise BadInput(f"there is no resource type {urn.type}", where=text)
    return KINDS[name], urn


def diff_response(kind: Kind, found: tuple[diff.Difference, ...]) -> provider_pb2.DiffResponse:
    """The differences as the engine takes them, with the detail of each property."""
    replaces = [change.property for change in found if change.replaces]
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=[change.property for change in found],
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and kind.exclusive,
        hasDetailedDiff=True,
        detailedDiff={
            change.property: provider_pb2.PropertyDiff(
                kind=provider_pb2.PropertyDiff.Kind.Value(change.what + ("_REPLACE" if change.replaces else "")),
                inputDiff=True,
            )
            for change in found
        },
    )


def foreseen(kind: Kind, raw: dict[str, Any]) -> dict[str, Any]:
    """Inputs, and every output as a value that is not known yet."""
    unknown = {
        wire: secret(UNKNOWN_TEXT) if field.rule.secret else UNKNOWN_TEXT
        for wire, field in kind.output_fields().items()
    }
    return {**raw, **unknown}


def outputs_only(kind: Kind, state: dict[str, Any]) -> dict[str, Any]:
    """The outputs in the state, without the inputs beside them."""
    return {wire: state[wire] for wire in kind.output_fields() if wire in state}


def properties_of(kind: Kind, raw: dict[str, Any], made: Made) -> dict[str, Any]:
    """What the state holds: inputs in their own form, and the outputs."""
    outputs = msgspec.to_builtins(made.outputs)
    fields = kind.output_fields()
    return {**raw, **{k: secret(v) if k in fields and fields[k].rule.secret else v for k, v in outputs.items()}}


def live_inputs(kind: Kind, raw: dict[str, Any], made: Made) -> dict[str, Any]:
    """Live inputs in the form that Check gives: none that nobody set, secrets wrapped as they were."""
    live = msgspec.to_builtins(made.inputs)
    if raw:
        fields = kind.input_fields()
        return {
            wire: raw[wire]
            if wire not in live or _is_the_same(fields[wire], plain(raw[wire]), live[wire])
            else _wrapped(kind, wire, live, raw)
            for wire in raw
        }
    # On import a secret that no cloud tells is left out: "none" would be a guess, and the program's a replacement.
    untold = {wire for wire, field in kind.input_fields().items() if field.rule.secret and not live.get(wire)}
    return {wire: value for wire, value in check.checked(kind, live).items() if wire not in untold}


def _is_the_same(field: Field, given: Any, live: Any) -> bool:
    """Whether a value that a program gave is the live one: it may leave out what has a default, in a rule too."""
    if given == live:
        return True
    try:
        return bool(msgspec.to_builtins(msgspec.convert(given, field.type)) == live)
    except msgspec.ValidationError:
        return False


def _wrapped(kind: Kind, wire: str, live: dict[str, Any], raw: dict[str, Any]) -> Any:
    """What differs from a program's secret is one too: a list may differ in one item, and hold the others."""
    kept = kind.input_fields()[wire].rule.secret or has_secret(raw[wire])
    return secret(live[wire]) if kept else live[wire]
