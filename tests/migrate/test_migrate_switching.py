"""A record that may have been switched, or taken back: which side is it that users are on, and is it said."""

import pytest

from migrate.turn import TurnState
from pse.core.documents.campaign import MoveState
from pse.core.errors import PseError
from pse.core.settings import Workspace
from tests.migrate.shaky import NEW, OLD, World, ready

__all__ = ["ready"]
FAILING_AFTER = '[[migrate.hook]]\nstep = "switch"\nwhen = "after"\ncommand = "[ -e {0} ]"\n'
"""A hook that fails until this file is there."""


def test_a_switch_that_was_taken_back_without_an_answer_is_made_anew(ready: Workspace) -> None:
    """The record was switched, and the update that took it back took effect, but its answer was lost."""
    world = World(ready, record=True)
    world.settings(FAILING_AFTER.format(ready.root / "go"))
    world.broken = (f"point at {OLD}",)
    world.run()
    assert world.dns is not None
    assert (world.dns.address, world.state()) == (OLD, MoveState.SWITCHED)
    assert world.codes() == ["PSE-M002"]
    assert "not known whether the record was switched" in world.status().findings[0].message
    (ready.root / "go").touch()
    world.broken = ()
    world.run()
    assert (world.dns.address, world.state()) == (NEW, MoveState.VERIFIED)
    assert world.codes() == []


def test_without_a_name_server_whoever_was_let_in_at_the_new_side_is_brought_back(ready: Workspace) -> None:
    """People, or a hook, switch what no name server of ours knows: once they may, users may be there."""
    world = World(ready)
    world.settings(FAILING_AFTER.format(ready.root / "go"))
    world.broken = ("stop web new",)
    world.run()
    # Nobody opens the old side while the new one may be written.
    assert world.state() is MoveState.SWITCHED
    assert [one for one in world.since("thaw") if one.startswith("start")] == []
    (ready.root / "go").touch()
    world.broken = ()
    world.run()
    assert world.state() is MoveState.VERIFIED
    assert world.since("complete").count("start web new") == 1


@pytest.mark.parametrize("then", ["run", "back"])
def test_a_switch_that_a_rollback_left_alone_is_completed_or_rolled_back(ready: Workspace, then: str) -> None:
    """The process died behind the switch, and the rollback could not begin: users are at the new side."""
    world = World(ready, record=True)
    world.dies(f"point at {NEW}")
    assert world.dns is not None
    assert world.dns.address == NEW
    world.broken = ("look-back",)
    with pytest.raises(PseError, match="look-back broke"):
        world.back()
    world.broken = ()
    world.seen.clear()
    if then == "back":
        world.back()
        assert (world.dns.address, world.state()) == (OLD, MoveState.ROLLED_BACK)
        return
    world.run()
    assert (world.dns.address, world.state()) == (NEW, MoveState.VERIFIED)
    # Nothing was taken away from whom it serves.
    assert [one for one in world.seen if one.startswith("stop") or one == f"point at {OLD}"] == []


def test_what_an_interrupt_broke_waits_and_has_not_failed(ready: Workspace) -> None:
    """An interrupt reaches Pulumi's engine and hooks, too, which fail for it."""
    world = World(ready, record=True)
    world.broken = ("admit",)
    with world._floor() as made:

        def interrupt(what: str) -> None:
            if what == "lower-ttl":
                made.stop.set()

        world.watched = interrupt
        made.turns.ask([world._turn("move")])
        made.do(made.turns.take(made.worker, []))
        assert [one.state for one in made.turns.all()] == [TurnState.WAITING]
    world.broken, world.watched = (), lambda _what: None
    assert world.codes() == []
    world.run()
    assert world.state() is MoveState.VERIFIED
    assert world.seen.count("provision") == 1
