"""The verbs of a campaign: run, roll back, ask, clean up."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pse.core.documents.campaign import Campaign
from pse.core.findings import Finding
from pse.core.progress import Progress, silent
from pse.core.settings import Workspace

if TYPE_CHECKING:
    from blueprints import Bundle


def run(
    workspace: Workspace,
    bundle: "Bundle",
    *,
    waves: Sequence[int] = (),
    workloads: Sequence[str] = (),
    progress: Progress = silent,
) -> Campaign:
    """Move what the plan moves, wave by wave; run again after a crash, it goes on where it was.

    Args:
        workspace: The workspace.
        bundle: The plan and its parts.
        waves: Wave numbers; empty means all.
        workloads: Workload ids; empty means all.
        progress: Takes events.

    Returns:
        Where every workload of the plan stands. One that failed has state ``failed`` and its reason in the last step
        and in ``findings``; it never stops the others of its wave, but the next wave is not begun.

    Raises:
        Refused: Another process runs a campaign of this workspace.
        UsageError: An unknown workload or wave.
    """
    raise NotImplementedError


def rollback(workspace: Workspace, bundle: "Bundle", workload: str, *, progress: Progress = silent) -> Campaign:
    """Give a workload back to its source, with everything that was written at the target since the cut-over.

    Raises:
        Refused: There is nothing to roll back, the way back is lost, or another process runs a campaign.
        UsageError: Unknown workload.
        RemoteError: A host or service failed; run again to go on.
    """
    raise NotImplementedError


def status(workspace: Workspace, bundle: "Bundle | None" = None) -> Campaign | None:
    """Where the campaign of ``bundle``, or else the newest one, stands; None before the first move."""
    raise NotImplementedError


def cleanup(
    workspace: Workspace, bundle: "Bundle", *, workloads: Sequence[str] = (), progress: Progress = silent
) -> tuple[Finding, ...]:
    """Remove what moves leave on hosts (keys, forwarders, slots, publications, subscriptions) and prove it by listing.

    After this a rollback can no longer keep what is written at the target.

    Returns:
        What is still there, each with code ``PSE-M006``; empty when all is gone.
    """
    raise NotImplementedError
