"""Evidence: what was decided, done, refused and spent, with the hashes that prove it."""

import msgspec

from pse.core.documents.campaign import Campaign
from pse.core.documents.deployment import Deployment
from pse.core.documents.plan import Plan


class LedgerHead(msgspec.Struct, frozen=True, kw_only=True):
    """Last entry of the ledger: number of entries and hash of the last."""

    entries: int
    hash: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report is made of.

    Attributes:
        schema: Version of this document.
        plan: The plan.
        deployments: Sorted by stack.
        campaign: None before the first move.
        ledger: Where the ledger stood.
        files: SHA-256 of every file that the evidence rests on, by path in the workspace.
    """

    schema: int = 1
    plan: Plan
    deployments: tuple[Deployment, ...]
    campaign: Campaign | None
    ledger: LedgerHead
    files: dict[str, str]
