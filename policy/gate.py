"""The gate: one function that says whether a resource may be where it is to be. Five callers, one answer.

`judge` touches nothing: no clock, no file, no network. What is not known is refused, and so is what the gate file does
not list. Gate files are made by `gate_for` and signed by `sign_gate` when the plan is made; `read_gate` believes
nothing else.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from policy.gatefiles import (
    changed_law,
    effective_day,
    gate_today,
    narrowed,
    open_gate,
    read_gate,
    refusal_of,
    sign_gate,
    signed_gate,
    write_gate,
)
from policy.subject import Subject, Value, placements_of, subject_of
from pse.core.documents.category import Category
from pse.core.documents.gate import AllowedPlace, GateRule, RefusedPlace, UnitGate
from pse.core.documents.verdicts import Refusal, Verdicts
from pse.core.errors import Refused
from pse.core.schema import FUNCTIONS, KINDS, Rests
from pse.core.text import printable

if TYPE_CHECKING:
    from policy.load import Policy

__all__ = [
    "Subject",
    "Value",
    "changed_law",
    "effective_day",
    "gate_for",
    "gate_today",
    "judge",
    "narrowed",
    "open_gate",
    "placements_of",
    "read_gate",
    "refusal_of",
    "sign_gate",
    "signed_gate",
    "subject_of",
    "write_gate",
]


def judge(gate: UnitGate, subject: Subject, *, today: date) -> tuple[Refusal, ...]:
    """Why ``subject`` may not be; empty when it may. Touches nothing: same arguments, same answer.

    Args:
        gate: The unit's gate, its signature verified by the caller (`read_gate`).
        subject: The resource, by `subject_of`.
        today: Day to judge by, by `effective_day`.

    Returns:
        Every refusal, sorted. A place that a rule of the register refuses names that rule.
    """
    bench = _Bench(gate, subject, today)
    if today < gate.as_of:
        bench.refuse("clock", f"the day is {today}, and the plan was made for {gate.as_of}")
    if subject.workload not in gate.workloads:
        bench.refuse("foreign-workload", f"workload {_show(subject.workload)} is not in the gate of unit {gate.unit}")
    declared = KINDS.get(subject.kind) or FUNCTIONS.get(subject.kind)
    if declared is None:
        bench.refuse("unknown-kind", f"{_show(subject.kind)} is not a kind whose places are known")
        return bench.answer()
    fields = declared.input_fields()
    for wire, needed in fields.items():
        if needed.rule.rests is not Rests.NONE and needed.required and not _among(wire, subject.values):
            bench.unknown(wire, needed.rule.rests)
    for value in subject.values:
        field = fields.get(value.field.partition("[")[0])
        bench.value(value, field.rule.rests if field else value.rests)
    return bench.answer()


def gate_for(
    policy: "Policy",
    verdicts: Verdicts,
    unit_id: str,
    workloads: Iterable[str],
    class_id: str,
    category: Category,
    *,
    as_of: date,
) -> UnitGate:
    """The gate of one unit, from the verdicts of its class. Not signed yet.

    Args:
        policy: What the verdicts were made from.
        verdicts: See `policy.decide`.
        unit_id: Stack id.
        workloads: Workload ids whose resources the stack may hold.
        class_id: Verdict class of the unit; for a landing zone that of its strictest workload.
        category: Category of the unit; it has to be the class's.
        as_of: Day of the plan; it has to be the verdicts'.

    Raises:
        Refused: The class is not in the verdicts or is of another category, or verdicts and policy are not of the same
            rules, register, NOCs and labels.
    """
    known = next((known for known in verdicts.classes if known.id == class_id), None)
    if known is None or known.category is not category:
        raise Refused(f"class {class_id} is not a class of category {category.value}", where=f"unit {unit_id}")
    if verdicts.as_of != as_of or verdicts.inputs != policy.inputs:
        raise Refused("the verdicts were made from something else", where=f"unit {unit_id}", hint="Plan again.")
    mine = [verdict for verdict in verdicts.verdicts if verdict.class_id == class_id]
    allowed = tuple(AllowedPlace(place=v.place, until=v.until) for v in mine if v.allowed)
    endpoints = {place.id: place.endpoint for place in policy.register.places}
    return UnitGate(
        unit=unit_id,
        workloads=tuple(sorted(set(workloads))),
        plan_inputs=dict(policy.inputs),
        as_of=as_of,
        category=category,
        class_id=class_id,
        allowed=allowed,
        refused=tuple(RefusedPlace(place=v.place, refusals=v.refusals) for v in mine if not v.allowed),
        endpoints={place.place: endpoints[place.place] for place in allowed},
        sample=policy.sample,
        rules=policy.gate_rules(as_of),
    )


class _Bench:
    """One judgement: collects refusals in the gate's own words."""

    def __init__(self, gate: UnitGate, subject: Subject, today: date) -> None:
        self._gate = gate
        self._kind = subject.kind
        self._today = today
        self._allowed = {place.place: place for place in gate.allowed}
        self._refused = {place.place: place for place in gate.refused}
        self._rules = {rule.kind: rule for rule in gate.rules}
        self._own = next((v.text for v in subject.values if v.field == "place" and v.text in self._allowed), None)
        self._found: set[Refusal] = set()

    def answer(self) -> tuple[Refusal, ...]:
        return tuple(sorted(self._found))

    def refuse(self, kind: str, message: str) -> None:
        # Words may be missing, for example in a gate of an older release; the refusal may not.
        rule = self._rules.get(kind, GateRule(kind=kind, rule="PSE-G000", **_FLOOR))
        self._found.add(Refusal(rule=rule.rule, clause=rule.clause, message=message, source=rule.source))

    def unknown(self, field: str, rests: Rests) -> None:
        self.refuse("unknown", f"{rests.value} in {self._kind}.{_plain(field)} is not known")

    def value(self, value: Value, rests: Rests) -> None:
        if rests is Rests.NONE:
            return
        if value.text is None:
            self.unknown(value.field, rests)
        elif rests is Rests.ENDPOINT:
            self._endpoint(value.field, value.text)
        else:
            self._place(value.field, value.text, "foreign-copy" if rests is Rests.COPY else "unlisted-place")

    def _place(self, field: str, text: str, kind: str) -> None:
        allowed = self._allowed.get(text)
        where = f"{self._kind}.{_plain(field)} is {_show(text)}"
        if allowed is None:
            for refusal in self._refused[text].refusals if text in self._refused else ():
                self._found.add(msgspec.structs.replace(refusal, message=f"{where}: {refusal.message}"))
            if text not in self._refused or not self._refused[text].refusals:
                self.refuse(kind, f"{where}, which is no place of the register that this gate knows")
            return
        if allowed.until is not None and self._today > allowed.until:
            self.refuse("expired", f"{where}, which was allowed until {allowed.until}")
        endpoint = self._gate.endpoints.get(text)
        if endpoint is None:
            self.refuse("unlisted-endpoint", f"{where}, whose service address this gate does not list")
        elif self._gate.sample and not is_local(endpoint):
            self.refuse("sample", f"{where}, a real cloud, and the register is a sample")

    def _endpoint(self, field: str, text: str) -> None:
        # Beside a place it has to be that place's own address: another allowed place's is another place.
        listed = self._gate.endpoints
        fits = {listed.get(self._own)} if self._own is not None else {listed.get(place) for place in self._allowed}
        if text not in fits:
            self.refuse("unlisted-endpoint", f"{self._kind}.{_plain(field)} is {_show(text)}, which is not listed")


_FLOOR = {
    "clause": "Our own rule: what the gate does not know is refused",
    "text": "What the gate does not know is refused.",
    "source": "design of the gate; confidence C; not legal advice",
}


def is_local(endpoint: str) -> bool:
    """Whether a service address is this machine: a lab's name, or a URL whose host is a loopback address."""
    if _LAB.fullmatch(endpoint):
        return True
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    try:
        host = urlsplit(endpoint).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_LAB = re.compile(r"lab:[a-z0-9-]+", re.ASCII)


def _among(wire: str, values: Iterable[Value]) -> bool:
    return any(value.field.partition("[")[0] == wire for value in values)


def _show(text: str) -> str:
    return repr(printable(text[:200]))


def _plain(text: str) -> str:
    return printable(text[:200])
