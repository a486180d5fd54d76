"""What changed between the inputs in the state and the program's, and what that takes."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from providers.plugin.wire import is_unknown
from pse.core.schema import Kind


class Difference(NamedTuple):
    """One changed input.

    Attributes:
        property: Wire name.
        what: ``ADD``, ``DELETE`` or ``UPDATE``.
        replaces: The change makes a new resource.
    """

    property: str
    what: str
    replaces: bool


def differences(
    kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any], ignore: Iterable[str] = ()
) -> tuple[Difference, ...]:
    """Compare plain inputs; an unknown new value of a force-new input counts as a replacement, so preview warns.

    Args:
        kind: Kind of the resource.
        old: Plain inputs in the state.
        new: Plain inputs of the program.
        ignore: Property paths of ``ignoreChanges``; only their first part counts, as our inputs are flat.
    """
    ignored = {path.partition(".")[0].partition("[")[0] for path in ignore}
    found = []
    for wire, field in kind.input_fields().items():
        before, after = old.get(wire), new.get(wire)
        if wire in ignored or (before == after and not is_unknown(after)):
            continue
        what = "ADD" if before is None else "DELETE" if after is None else "UPDATE"
        # What no cloud tells is not in the state after an import: it is taken from the program, and replaces nothing.
        untold = before is None and field.rule.secret
        if untold and after == "":
            continue
        found.append(Difference(wire, what, field.rule.replaces and not untold))
    return tuple(found)


def loses_data(kind: Kind, found: Iterable[Difference], new: Mapping[str, Any]) -> bool:
    """Whether the change would replace a resource that holds data, without the program's word that it may."""
    return kind.holds_data and any(change.replaces for change in found) and new.get("allowReplace") is not True
