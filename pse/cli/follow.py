"""Watch a campaign: every change of a workload's move, until nothing moves any more."""

import time
from collections.abc import Callable, Iterator

from pse.core.documents.campaign import Campaign, MoveState, WorkloadProgress

POLL_S = 0.5
"""Seconds between two looks; a look is one small query."""
SETTLED = frozenset({MoveState.VERIFIED, MoveState.ROLLED_BACK, MoveState.FAILED, MoveState.REMOVED})


def changes(
    look: Callable[[], Campaign | None],
    *,
    working: Callable[[], bool],
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[WorkloadProgress]:
    """Yield each workload when its move is first seen and whenever it changed; ends when nothing moves any more.

    Args:
        look: Reads the campaign; None while there is none, which ends the watch.
        working: A process works on the campaign; asked before the look, so that its last change is seen.
        pause: Waits so many seconds.
    """
    seen: dict[str, WorkloadProgress] = {}
    while True:
        goes_on = working()
        campaign = look()
        if campaign is None:
            return
        for workload in campaign.workloads:
            if seen.get(workload.workload) != workload:
                seen[workload.workload] = workload
                yield workload
        if not goes_on or all(workload.state in SETTLED for workload in campaign.workloads):
            return
        pause(POLL_S)
