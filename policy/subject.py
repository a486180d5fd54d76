"""What the gate judges: one resource, reduced to the values that decide where its data rests or passes."""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from pse.core.schema import FUNCTIONS, KINDS, Field, Placement, Rests

_OWN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_QUALIFIED = re.compile(r"([a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+)(:[A-Za-z0-9][A-Za-z0-9._+-]*)?", re.ASCII)


class Value(msgspec.Struct, frozen=True):
    """One residency-bearing value.

    Attributes:
        field: Name on the wire; an element of a list as ``firewalls[0]``, an aspect of a live resource as
            ``placement.disk``.
        rests: What it has to do with residency. For a field of the schema, the schema's word counts.
        text: Place id or address; None when it is not known.
    """

    field: str
    rests: Rests
    text: str | None


class Subject(msgspec.Struct, frozen=True):
    """One resource before the gate.

    Attributes:
        urn: URN, or what else names it.
        kind: Kind of the schema, for example ``Server``, or function that is asked.
        workload: Workload that it says it belongs to; empty when it does not say.
        values: Everything about it that decides where data rests or passes.
    """

    urn: str
    kind: str
    workload: str
    values: tuple[Value, ...]


def subject_of(
    kind: str,
    inputs: Mapping[str, object],
    *,
    urn: str,
    place_of: Callable[[str, object], str | None],
    unknown: Callable[[object], bool],
) -> Subject:
    """Reduce a resource's inputs to what the gate looks at, by the schema's declaration.

    Args:
        kind: Kind or function of the schema; another gives a subject that is refused.
        inputs: By wire name, plain values.
        urn: Names the resource in refusals.
        place_of: For a reference: wire name and value to the place id of what it points at; None when that is not
            known. For a list it is asked element by element; for an unknown list, once, with the unknown value.
        unknown: Whether a value is not known yet, as at preview.

    Returns:
        The subject. An image or other copy by the place's own name takes the resource's place; one that names a place
        (``csp/region/site:name``) takes that; anything else is handed on as it is, and no gate lists it.
    """
    declared = KINDS.get(kind) or FUNCTIONS.get(kind)
    fields = declared.input_fields() if declared else {}
    workload = inputs.get("workload")
    values = [value for field in fields.values() for value in _values(field, inputs, place_of, unknown)]
    return Subject(
        urn=urn,
        kind=kind,
        workload=workload if isinstance(workload, str) and not unknown(workload) else "",
        values=tuple(values),
    )


def placements_of(placements: Iterable[Placement]) -> tuple[Value, ...]:
    """What an adapter reports of a live resource, as values for the gate.

    Where the cloud chose by itself, or nobody knows, the place counts as not known.
    """
    return tuple(
        Value(f"placement.{found.what}", Rests.PLACE, found.where if found.source == "set" else None)
        for found in placements
    )


def _values(
    field: Field,
    inputs: Mapping[str, object],
    place_of: Callable[[str, object], str | None],
    unknown: Callable[[object], bool],
) -> list[Value]:
    rests = field.rule.rests
    if rests is Rests.NONE:
        return []
    given = inputs.get(field.wire)
    if given is None or (given == "" and not field.required):
        # An optional field that is left out, or empty, makes nothing; a required one is not known.
        return [Value(field.wire, rests, None)] if field.required else []
    if unknown(given):
        return [Value(field.wire, rests, place_of(field.wire, given) if rests is Rests.REFERENCE else None)]
    if isinstance(given, list | tuple):
        return [
            Value(f"{field.wire}[{number}]", rests, _text(field, item, inputs, place_of, unknown))
            for number, item in enumerate(given)
        ]
    return [Value(field.wire, rests, _text(field, given, inputs, place_of, unknown))]


def _text(
    field: Field,
    given: object,
    inputs: Mapping[str, object],
    place_of: Callable[[str, object], str | None],
    unknown: Callable[[object], bool],
) -> str | None:
    if field.rule.rests is Rests.REFERENCE:
        return place_of(field.wire, given)
    if unknown(given) or not isinstance(given, str):
        return None
    if field.rule.rests is not Rests.COPY:
        return given
    if _OWN_NAME.fullmatch(given):
        place = inputs.get("place")
        return place if isinstance(place, str) and not unknown(place) else None
    qualified = _QUALIFIED.fullmatch(given)
    return qualified[1] if qualified else given
