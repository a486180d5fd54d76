"""Evidence: what was decided, done, refused and spent, with the hashes that prove it."""

from datetime import date

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


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an evidence pack holds; the one member that is signed, and so over all others.

    Attributes:
        schema: Version of this document.
        tool: Name and version of what wrote it.
        entity: Name of the public sector entity.
        plan: Hash of the plan.
        as_of: Day that the plan's decisions hold for.
        sample: Register or prices are samples.
        signer: Public key of the workspace, for people; whoever verifies has it by another way.
        members: SHA-256 of every other member by its name.
    """

    schema: int = 1
    tool: str
    entity: str
    plan: str
    as_of: date
    sample: bool
    signer: str
    members: dict[str, str]
