"""What the report says of refusals: places that the rules forbid, and attempts that were refused."""

from typing import TYPE_CHECKING

import msgspec

from pse.core.documents.verdicts import Refusal

if TYPE_CHECKING:
    from pse.core.documents.plan import Decision, Plan
    from pse.core.settings import Workspace

ANY_PLACE = "every place that was looked at"


class Forbidden(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that keeps a category of data from a place, whether or not anybody tried it.

    Attributes:
        category: Data category, or ``unclassified``.
        place: Place id.
        refusal: Rule, clause, words, source.
        workloads: The workloads of the plan that it holds for, sorted.
    """

    category: str
    place: str
    refusal: Refusal
    workloads: tuple[str, ...]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was tried and refused; it is in the ledger.

    Attributes:
        time: When it was refused first (UTC).
        gate: Which gate refused; ``up`` or ``destroy`` where the command was refused as a whole.
        unit: Stack, or all that were named.
        urn: Resource, or the unit as a whole.
        refusals: Every rule that refused it, sorted.
    """

    time: str
    gate: str
    unit: str
    urn: str
    refusals: tuple[Refusal, ...]


def forbidden_places(plan: "Plan") -> tuple[Forbidden, ...]:
    """One row a category, place and rule, with the workloads that it holds for; sorted."""
    rows: dict[tuple[str, str, Refusal], set[str]] = {}
    for decision in plan.decisions:
        category = decision.category.value if decision.category else "unclassified"
        for place, refusal in _refusals(decision):
            rows.setdefault((category, place, refusal), set()).add(decision.workload)
    return tuple(
        Forbidden(
            category=category, place=place, refusal=refusal, workloads=tuple(sorted(rows[category, place, refusal]))
        )
        for category, place, refusal in sorted(rows)
    )


def _refusals(decision: "Decision") -> list[tuple[str, Refusal]]:
    by_place = [(option.place, refusal) for option in decision.options for refusal in option.refusals]
    said = {refusal for _, refusal in by_place}
    return by_place + [(ANY_PLACE, refusal) for refusal in decision.refusals if refusal not in said]


def refused_attempts(workspace: "Workspace") -> tuple[Attempt, ...]:
    """Refused attempts of the ledger in their order; an attempt that several rules refused is one."""
    from policy.deeds import REFUSED
    from policy.ledger import Ledger

    found: dict[tuple[str, ...], tuple[str, set[Refusal]]] = {}
    entries = Ledger(workspace).entries()
    judged = {entry.data["plan"] for entry in entries if entry.kind == "refusal"} - {""}
    for entry in entries:
        if entry.kind == "refusal":
            data = {key: str(value) for key, value in entry.data.items()}
            key = tuple(data.get(name, "") for name in ("plan", "gate", "unit", "urn"))
            refusal = Refusal(**{name: data.get(name, "") for name in Refusal.__struct_fields__})
        elif entry.kind == REFUSED and entry.data.get("plan", "") not in judged:
            # Of a plan that a gate refused, the gate's own entries say more.
            units = ", ".join(map(str, entry.data.get("units", ())))
            key = ("", str(entry.data["verb"]), units, str(entry.data["where"]))
            refusal = Refusal(rule="", clause="", message=str(entry.data["why"]), source="")
        else:
            continue
        found.setdefault(key, (entry.at.strftime("%Y-%m-%d %H:%M:%S"), set()))[1].add(refusal)
    return tuple(
        Attempt(time=time, gate=gate, unit=unit, urn=urn, refusals=tuple(sorted(refusals)))
        for (_, gate, unit, urn), (time, refusals) in found.items()
    )
