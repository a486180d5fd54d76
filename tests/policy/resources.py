"""One resource of every kind and the gate that they stand before."""

from datetime import date

from policy.gate import Subject, subject_of
from policy.rulebook import load_rules
from pse.core.documents.category import Category
from pse.core.documents.gate import AllowedPlace, RefusedPlace, UnitGate
from pse.core.documents.verdicts import Refusal
from pse.core.schema import KINDS, Rests
from tests.neutral import INPUTS
from tests.policy.house import ELSEWHERE, IBEX, MARKHOR

DAY = date(2026, 7, 1)
COUNTRY = Refusal(rule="PSE-R003", clause="clause", message="It is abroad.", source="source")
GATE = UnitGate(
    unit="portal",
    workloads=("portal",),
    plan_inputs={},
    as_of=date(2026, 6, 1),
    category=Category.RESTRICTED,
    class_id="restricted",
    allowed=(AllowedPlace(place=MARKHOR, until=date(2026, 12, 31)), AllowedPlace(place=IBEX)),
    refused=(RefusedPlace(place=ELSEWHERE, refusals=(COUNTRY,)),),
    endpoints={MARKHOR: "lab:sample-markhor", IBEX: "lab:sample-ibex"},
    sample=True,
    rules=load_rules().of_gate(DAY),
)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # Pulumi's own sentinel: an unknown value may well be text
FIELDS = [
    (kind.name, field.wire, field.rule.rests)
    for kind in KINDS.values()
    for field in kind.input_fields().values()
    if field.rule.rests is not Rests.NONE
]


def inputs(kind: str, **changes: object) -> dict[str, object]:
    return {"name": "x", "workload": "portal", "place": MARKHOR} | INPUTS[kind] | changes


def subject(kind: str, given: dict[str, object], *, refers_to: str | None = MARKHOR) -> Subject:
    return subject_of(
        kind,
        given,
        urn="urn:x",
        place_of=lambda _, value: None if value == UNKNOWN else refers_to,
        unknown=lambda value: value == UNKNOWN,
    )


def rules_of(found: tuple[Refusal, ...]) -> list[str]:
    return [refusal.rule for refusal in found]
