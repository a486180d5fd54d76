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
