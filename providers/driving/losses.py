"""What a program would take away from a stack that stands: servers, and whatever holds data.

Worked out from the state and an evaluation of the program, before anything starts; no document of an earlier run is
asked, because a run that failed, was killed or was another machine's left none.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from providers.driving.events import Change
from providers.driving.recorder import Recorded
from providers.driving.state import State
from pse.core.documents.plan import Unit
from pse.core.errors import Refused
from pse.core.schema import KINDS, Kind

DATA_ROLES = frozenset({"database", "files"})
"""Roles of servers whose data is on the system disk when they have no volume of their own."""
PLANNED = "planned:"
"""Begins a reference to what will stand in a landing zone that does not stand yet."""
_BY_TOKEN = {kind.token: kind for kind in KINDS.values()}


class Loss(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A server, or a resource that holds data, that would be deleted or replaced.

    Attributes:
        urn: Pulumi URN.
        kind: For example ``Volume``.
        name: Name in the program.
        op: ``delete`` or ``replace``.
        place: Where it stands.
        why: Inputs that differ, by wire name; empty for ``delete``.
        data: Data would be lost that nobody gave up by ``allowReplace``.
    """

    urn: str
    kind: str
    name: str
    op: str
    place: str
    why: tuple[str, ...] = ()
    data: bool

    @property
    def words(self) -> str:
        """For people."""
        inputs = f" ({', '.join(self.why)})" if self.why else ""
        return f"{self.op} {self.kind} {self.name}{inputs}" + (" with the data on it" if self.data else "")


def losses(state: State, recorded: Iterable[Recorded], unit: Unit) -> tuple[Loss, ...]:
    """What ``recorded`` leaves out of ``state`` or replaces in it, sorted by URN.

    Args:
        state: What stands.
        recorded: Resources of the program.
        unit: What the program builds; tells the roles of servers that the state does not.
    """
    wanted = {resource.urn: resource for resource in recorded}
    keepers = system_disks(state, unit)
    found = []
    for entry in state.live_entries():
        kind = _BY_TOKEN.get(entry["type"])
        if kind is None or not (kind.holds_data or kind.name == "Server"):
            continue
        urn, before = str(entry["urn"]), dict(entry.get("inputs") or {})
        after = wanted[urn].inputs if urn in wanted else None
        why = () if after is None else replacing(kind, before, after)
        if after is not None and not why:
            continue
        given_up = (before if after is None else after).get("allowReplace") is True
        found.append(
            Loss(
                urn=urn,
                kind=kind.name,
                name=urn.rpartition("::")[2],
                op="delete" if after is None else "replace",
                place=str(before.get("place") or ""),
                why=why,
                data=urn in keepers or (kind.holds_data and not given_up),
            )
        )
    return tuple(sorted(found))


def holding(state: State, unit: Unit) -> bool:
    """Whether anything in the stack holds data, so that a program has to be looked at before it runs."""
    kinds = (_BY_TOKEN.get(entry["type"]) for entry in state.live_entries())
    return any(kind is not None and kind.holds_data for kind in kinds) or bool(system_disks(state, unit))


def replaced(changes: Iterable[Change], state: State, unit: Unit) -> tuple[Loss, ...]:
    """Servers with data on their system disk that the engine itself says it would replace or delete."""
    disks = system_disks(state, unit)
    return tuple(
        Loss(urn=c.urn, kind="Server", name=c.name, op=c.op, place=unit.place, why=("its first boot",), data=True)
        for c in changes
        if c.urn in disks and c.op in {"replace", "delete"}
    )


def system_disks(state: State, unit: Unit) -> frozenset[str]:
    """URNs of servers that hold data on their system disk: by their role, and no volume is theirs."""
    planned = {server.name: server.role for server in unit.servers}
    roles = {**planned, **state.roles()}
    entries = state.live_entries()
    attached = {(entry.get("inputs") or {}).get("server") for entry in entries if entry["type"].endswith(":Attachment")}
    return frozenset(
        str(entry["urn"])
        for entry in entries
        if entry["type"].endswith(":Server")
        and entry.get("id") not in attached
        and not (entry.get("inputs") or {}).get("bootVolume")
        and roles.get(str(entry["urn"]).rpartition("::")[2]) in DATA_ROLES
    )


def refuse_losses(found: Iterable[Loss], unit: Unit) -> None:
    """Refuse those of ``found`` that lose data.

    Raises:
        Refused: There is such a one.
    """
    lost = [loss for loss in found if loss.data]
    if not lost:
        return
    moved = sorted({loss.place for loss in lost if loss.place and loss.place != unit.place and _is_moved(loss)})
    away = f"move it from {', '.join(moved)} to {unit.place} and " if moved else ""
    replaced = [f"{loss.name} ({', '.join(loss.why)})" for loss in lost if loss.op == "replace" and not _is_moved(loss)]
    deleted = [loss.name for loss in lost if loss.op == "delete" or _is_moved(loss)]
    acts = [f"delete {', '.join(deleted)}"] * bool(deleted) + [f"replace {', '.join(replaced)}"] * bool(replaced)
    again = (
        f'Declare `place = "{moved[0]}"` for it' if moved else "Plan it under the same name and with the same inputs"
    )
    raise Refused(
        f"the plan would {away}{' and '.join(acts)} with the data on it",
        where=unit.id,
        hint=f"{again}, or take the stack down by `pse destroy --unit {unit.id}` first.",
    )


def _is_moved(loss: Loss) -> bool:
    return "place" in loss.why or loss.op == "delete"


def replacing(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Inputs that differ and cannot be changed in place; secrets and what is not known yet say nothing."""
    return tuple(
        wire
        for wire, field in kind.input_fields().items()
        if field.rule.replaces
        and not field.rule.secret
        and wire in before
        and wire in after
        and before[wire] != after[wire]
        and not str(after[wire]).startswith(PLANNED)
    )
