"""Watch a campaign: every change of a workload's move, until nothing moves any more."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pse.core.documents.campaign import Campaign, MoveState, WorkloadProgress

if TYPE_CHECKING:
    from migrate.ongoing import Going
    from migrate.paces import Pace

POLL_S = 0.5
"""Seconds between two looks; a look is one small query."""
SETTLED = frozenset({MoveState.VERIFIED, MoveState.ROLLED_BACK, MoveState.FAILED, MoveState.REMOVED})


def changes(
    look: Callable[[], Campaign | None],
    *,
    working: Callable[[], bool],
    going: Callable[[], "Going"] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> "Iterator[WorkloadProgress | Pace]":
    """Yield each workload when its move is first seen and whenever it changed; ends when nothing moves any more.

    Between those, how far each move is whenever that changed.

    Args:
        look: Reads the campaign; None while there is none, which ends the watch.
        working: A process works on the campaign; asked before the look, so that its last change is seen.
        going: Also how far moves are.
        pause: Waits so many seconds.
    """
    seen: dict[str, WorkloadProgress] = {}
    far: dict[str, Pace] = {}
    while True:
        goes_on = working()
        campaign = look()
        if campaign is None:
            return
        for workload in campaign.workloads:
            if seen.get(workload.workload) != workload:
                seen[workload.workload] = workload
                yield workload
        for pace in going().paces if going is not None else ():
            if far.get(pace.move) != pace:
                far[pace.move] = pace
                yield pace
        if not goes_on or all(workload.state in SETTLED for workload in campaign.workloads):
            return
        pause(POLL_S)
