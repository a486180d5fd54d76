"""Verdicts: verdict classes × places, allowed or refused with rule and clause.

A workload names its class; workloads with the same category and the same deviations share one, so 100,000 workloads
need a handful of rows.
"""

from datetime import date

import msgspec

from pse.core.documents.category import Category


class VerdictClass(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What makes two workloads equal before the rules.

    Attributes:
        id: For example ``restricted`` or ``restricted+NOC-2026-004``.
        category: None is unclassified, which every place refuses.
        jurisdiction: Register that accredits: ``federal`` or a province's id.
        nocs: References of the NOCs that cover the workload.
    """

    id: str
    category: Category | None
    jurisdiction: str = "federal"
    nocs: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Why a place, or a field of a resource, is not allowed.

    Attributes:
        rule: Id of the rule, for example ``PSE-R003``.
        clause: Clause or document it rests on.
        message: In words.
        source: Where the rule was read, with its confidence.
    """

    rule: str
    clause: str
    message: str
    source: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One class at one place.

    Attributes:
        class_id: Id of the class.
        place: Place id.
        allowed: No rule refuses it.
        refusals: All rules that do, sorted; empty when allowed.
        warnings: Rules that do not hold and only warn, sorted.
        until: Last day on which the answer holds (accreditation or NOC expires); None when nothing expires.
        nocs: NOCs that made it allowed.
    """

    class_id: str
    place: str
    allowed: bool
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Refusal, ...] = ()
    until: date | None = None
    nocs: tuple[str, ...] = ()


class Verdicts(msgspec.Struct, frozen=True, kw_only=True):
    """All answers of one day.

    Attributes:
        schema: Version of this document.
        as_of: Day the rules, register and NOCs were read for.
        inputs: SHA-256 of rules, register, nocs and labels, by those names.
        sample: The register is the sample.
        classes: Sorted by id.
        assignments: Workload id to class id.
        verdicts: Sorted by class and place.
    """

    schema: int = 1
    as_of: date
    inputs: dict[str, str]
    sample: bool
    classes: tuple[VerdictClass, ...]
    assignments: dict[str, str]
    verdicts: tuple[Verdict, ...]
