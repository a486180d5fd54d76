"""Gate file: where one unit may be, signed when the plan was made.

The plugin trusts no category that a program hands it; it trusts this file, if its signature is the workspace's.
"""

from datetime import date

import msgspec

from pse.core.documents.category import Category
from pse.core.documents.verdicts import Refusal


class AllowedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the unit may be, and until when."""

    place: str
    until: date | None = None


class RefusedPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the register where the unit may not be, and why."""

    place: str
    refusals: tuple[Refusal, ...]


class GateRule(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The words of one rule of the gate, as the rules said them when the gate was signed.

    Attributes:
        kind: What it watches, for example ``unknown`` or ``unlisted-endpoint``.
        rule: Id of the rule.
        clause: Clause or document it rests on.
        text: The rule in words.
        source: Where it was read, with its confidence and date.
    """

    kind: str
    rule: str
    clause: str
    text: str
    source: str


class UnitGate(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate knows of one unit.

    Attributes:
        schema: Version of this document.
        unit: Unit id.
        workloads: Workload ids whose resources the unit's stack may hold.
        plan_inputs: SHA-256 of rules, register, nocs and labels, by those names.
        as_of: Day the plan was made for; an earlier clock is refused.
        category: Data category of the unit.
        class_id: Verdict class.
        allowed: Sorted by place.
        refused: The other places of the register, sorted; so that a refusal names its rule and clause.
        endpoints: Service addresses of the allowed places, by place; an endpoint that is not listed is refused.
        sample: The register is the sample; a real cloud refuses it.
        rules: Words of the gate's own rules, sorted; a check whose words are missing refuses all the same.
    """

    schema: int = 1
    unit: str
    workloads: tuple[str, ...]
    plan_inputs: dict[str, str]
    as_of: date
    category: Category
    class_id: str
    allowed: tuple[AllowedPlace, ...]
    refused: tuple[RefusedPlace, ...] = ()
    endpoints: dict[str, str]
    sample: bool
    rules: tuple[GateRule, ...] = ()


class SignedGate(msgspec.Struct, frozen=True, kw_only=True):
    """A gate with the Ed25519 signature over its canonical bytes.

    Attributes:
        gate: What is signed.
        signer: Public key, 64 hexadecimal digits.
        signature: 128 hexadecimal digits.
    """

    gate: UnitGate
    signer: str
    signature: str
