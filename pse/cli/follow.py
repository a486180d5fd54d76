"""Watch a campaign: every change of a workload's move, until nothing moves any more."""

import time
from collections.abc import Callable, Iterator

from pse.core.documents.campaign import Campaign, MoveState, WorkloadProgress

POLL_S = 0.5
"""Seconds between two looks; a look is one small query."""
SETTLED = frozenset({MoveState.VERIFIED, MoveState.ROLLED_BACK, MoveState.FAILED, MoveState.REMOVED})


def changes(
    look: Callable[[], Campaign | None], *, pause: Callable[[float], None] = time.sleep
) -> Iterator[WorkloadProgress]:
    """Yield each workload when its move is first seen and whenever it changed; ends when all are settled.

    Args:
        look: Reads the campaign; None while there is none, which ends the watch.
        pause: Waits so many seconds.
    """
    seen: dict[str, WorkloadProgress] = {}
    while (campaign := look()) is not None:
        for workload in campaign.workloads:
            if seen.get(workload.workload) != workload:
                seen[workload.workload] = workload
                yield workload
        if all(workload.state in SETTLED for workload in campaign.workloads):
            return
        pause(POLL_S)
