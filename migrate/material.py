"""The members of an evidence pack, read as documents: by whoever writes a pack, and by whoever verifies one."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from policy.chain import Entry, verify_export
from policy.nocs import Noc
from policy.rulebook import Rule
from pse.core import canonical
from pse.core.documents.audit import Audit
from pse.core.documents.evidence import Evidence
from pse.core.documents.plan import Plan
from pse.core.documents.verdicts import Verdicts

EVIDENCE = "evidence.json"
LAW = "law.json"
PLAN = "plan/plan.json"
PLAN_SIGNATURE = f"{PLAN}.sig"
VERDICTS = "plan/verdicts.json"
LEDGER = "ledger.jsonl"
LEDGER_HEAD = "ledger.head"
AUDIT = "audit.json"
CATALOG = "oscal/catalog.json"
RESULTS = "oscal/assessment-results.json"


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """What the law said on the day that the evidence was gathered for.

    Attributes:
        schema: Version of this document.
        as_of: That day: the plan's.
        inputs: SHA-256 of labels, nocs, register and rules as they stood when the evidence was gathered.
        rules: All rules, without the cases beside them, so that their hash can be worked out again.
        nocs: All NOCs, whether they hold or not.
    """

    schema: int = 1
    as_of: date
    inputs: dict[str, str]
    rules: tuple[Rule, ...]
    nocs: tuple[Noc, ...] = ()


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What the OSCAL documents are made of.

    Attributes:
        plan: The plan.
        verdicts: Every class at every place.
        law: Rules and NOCs.
        entries: Of the ledger.
        audit: The last one of the plan; None when there was none.
        evidence: What the report is made of.
    """

    plan: Plan
    verdicts: Verdicts
    law: Law
    entries: tuple[Entry, ...]
    audit: Audit | None
    evidence: Evidence

    @classmethod
    def of(cls, members: Mapping[str, bytes], *, signer: str) -> "Material":
        """Read the members of a pack.

        Args:
            members: Content by name.
            signer: Public key that has to have signed the ledger's head.

        Raises:
            KeyError: A member is not there.
            BadInput: A member is not what its name says.
            Refused: The ledger was altered.
        """
        audit = members.get(AUDIT)
        return cls(
            plan=canonical.decode(members[PLAN], Plan, where=PLAN),
            verdicts=canonical.decode(members[VERDICTS], Verdicts, where=VERDICTS),
            law=canonical.decode(members[LAW], Law, where=LAW),
            entries=verify_export(members[LEDGER], members[LEDGER_HEAD], signer=signer, path=Path(LEDGER)),
            audit=None if audit is None else canonical.decode(audit, Audit, where=AUDIT),
            evidence=canonical.decode(members[EVIDENCE], Evidence, where=EVIDENCE),
        )


def audited_in(entries: tuple[Entry, ...], audit: bytes) -> bool:
    """Whether the ledger tells of this very audit."""
    digest = canonical.digest(audit)
    return any(entry.kind == "audit" and entry.data.get("document") == digest for entry in entries)
