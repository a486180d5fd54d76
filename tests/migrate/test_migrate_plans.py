"""Two plans that move the same workload: what one did is never undone, or copied over, by a turn of the other."""

import pytest

from pse.core.documents.campaign import MoveState
from pse.core.errors import Refused, Waiting
from pse.core.settings import Workspace
from tests.migrate.shaky import World, ready

__all__ = ["ready"]


def test_a_turn_of_days_ago_does_not_move_what_another_plan_moved(ready: Workspace) -> None:
    """Its old side is stale: carried over, it would take the place of what users wrote since."""
    one, other = World(ready), World(ready, plan=2)
    other.run()
    with pytest.raises(Refused, match=f"moved already, by plan {other.bundle.plan.hash[:12]}"):
        one.run()
    assert one.seen == []
    assert one.state() is MoveState.WAITING
    # Nor is it started by taking back what never began.
    with pytest.raises(Refused, match="moved already"):
        one.back()
    assert "start db old" not in one.seen
    other.back()
    one.run()
    assert one.state() is MoveState.VERIFIED


def test_what_another_plan_has_in_hand_is_not_begun(ready: Workspace) -> None:
    one, other = World(ready), World(ready, plan=2)
    one.settings("[[migrate.cut_over]]\napprovals = 1\n")
    with pytest.raises(Waiting):
        one.run()
    with pytest.raises(Refused, match="a move of it is under way, by plan"):
        other.run()
    assert other.seen == []


def test_what_another_plan_stopped_and_did_not_give_back_is_not_begun(ready: Workspace) -> None:
    """What it notes of the old side would be that it is stopped."""
    one, other = World(ready), World(ready, plan=2)
    one.broken = ("start web new", "start db old")
    one.run()
    with pytest.raises(Refused, match="stopped for a cut-over and not given back, by plan"):
        other.run()
    one.broken = ()
    one.back()
    other.run()
    assert other.state() is MoveState.VERIFIED


def test_moved_by_another_plan_while_it_waited_it_stops_and_starts_nothing(ready: Workspace) -> None:
    one, other = World(ready), World(ready, plan=2)

    def moved(what: str) -> None:
        # As if both had begun at the same moment, and neither had seen the other.
        if what == "clearance":
            other.mark(MoveState.VERIFIED)

    one.watched = moved
    one.run()
    assert one.state() is MoveState.FAILED
    assert not [did for did in one.seen if did.startswith(("start", "stop"))]
    assert "tidy" in one.seen
