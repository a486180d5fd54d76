"""A freeze that was to be ended and was not: nobody waits longer than he must, and it is said."""

import pytest

from benchmarks.campaign.simulated import Simulated
from migrate.replicators.ports import Moved, Task
from pse.core.documents.campaign import MoveState
from pse.core.errors import RemoteError
from pse.core.settings import Workspace
from tests.migrate.shaky import NEW, OLD, World, ready

__all__ = ["ready"]


def test_one_service_that_does_not_start_keeps_no_other_down_and_goes_first_next_time(ready: Workspace) -> None:
    world = World(ready)
    world.broken = ("start web new", "start db old")
    world.run()
    # The second was started although the first did not come up.
    assert world.since("thaw")[:3] == ["stop web new", "stop db new", "start db old"]
    assert "start web old" in world.since("thaw")
    assert world.state() is MoveState.FAILED
    (said,) = [one for one in world.status().findings if one.subject == "w0000"]
    assert said.code == "PSE-M005"
    for part in ("start db old broke", "users may be on neither side", "start web new broke"):
        assert part in said.message
    assert "pse rollback w0000" in said.remedy
    # Nothing is carried while it is stopped: what the last attempt left is given back first, or nothing is done.
    world.seen.clear()
    world.run()
    assert world.seen[0] == "thaw-earlier"
    assert "provision" not in world.seen
    assert world.codes() == ["PSE-M005"]
    world.seen.clear()
    world.broken = ()
    assert world.run().workloads[0].state is MoveState.VERIFIED
    assert world.seen.index("start db old") < world.seen.index("provision")
    assert world.seen.count("start db old") == 1
    assert world.codes() == []


def test_a_rollback_gives_back_what_any_attempt_left_stopped(ready: Workspace) -> None:
    world = World(ready)
    world.broken = ("start web new", "start db old")
    world.run()
    world.run()
    world.seen.clear()
    world.broken = ("start web old",)
    with pytest.raises(RemoteError, match="start web old broke"):
        world.back()
    assert world.state() is not MoveState.ROLLED_BACK
    assert world.codes() == ["PSE-M005"]
    world.seen.clear()
    world.broken = ()
    world.back()
    assert world.state() is MoveState.ROLLED_BACK
    assert [one for one in world.seen if one.startswith("start")] == ["start db old", "start web old"]
    assert world.codes() == []
    # Moved again, nothing of that is left to do.
    world.seen.clear()
    world.run()
    assert world.seen[0] == "provision"


def test_a_rollback_of_an_attempt_whose_thaw_failed_starts_its_services(ready: Workspace) -> None:
    world = World(ready)
    world.broken = ("start web new", "start db old")
    world.run()
    world.seen.clear()
    world.broken = ()
    world.back()
    assert [one for one in world.seen if one.startswith("start")] == ["start db old", "start web old"]


@pytest.mark.parametrize("at", ["stop db new", "catch up"])
def test_a_thaw_that_was_killed_brings_back_what_was_written_at_the_new_side(
    ready: Workspace, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The record was switched, its answer was lost, users wrote there, and the process died while it took it back."""
    world = World(ready, record=True)
    dns = world.dns
    assert dns is not None

    def catch_up(_self: Simulated, _task: Task) -> Moved:
        world.did("catch up")
        return Moved()

    monkeypatch.setattr(Simulated, "catch_up", catch_up)
    world.broken = (f"point at {NEW}",)
    world.dies(at)
    assert dns.address == OLD
    world.broken = ()
    world.run()
    assert "catch up" in world.seen
    assert world.seen.index("catch up") < world.seen.index("start db old")
    assert world.state() is MoveState.FAILED


def test_what_is_stopped_is_given_back_where_the_new_server_is_gone(ready: Workspace) -> None:
    """Destroyed after an attempt whose source did not come back."""
    world = World(ready)
    world.broken = ("start web new", "start db old")
    world.run()
    world.gone = True
    world.seen.clear()
    world.broken = ()
    world.back()
    assert [one for one in world.seen if one.startswith("start")] == ["start db old", "start web old"]
    assert world.state() is MoveState.ROLLED_BACK


def test_a_rollback_that_cannot_go_on_starts_all_of_the_new_side(
    ready: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(ready)
    world.run()

    def catch_up(_self: Simulated, _task: Task) -> Moved:
        world.did("catch up")
        return Moved()

    monkeypatch.setattr(Simulated, "catch_up", catch_up)
    world.broken = ("catch up", "start db new")
    with pytest.raises(RemoteError, match="start db new broke"):
        world.back()
    assert world.since("thaw-target") == ["start db new", "start web new"]
    assert world.codes() == ["PSE-M008"]
    # The way back has everything and a service of the source does not come up: the other one does.
    world.broken = ("start db old",)
    with pytest.raises(RemoteError, match="start db old broke"):
        world.back()
    assert world.since("start-source") == ["start db old", "start web old"]
    assert world.codes() == ["PSE-M008"]
    world.broken = ()
    world.back()
    assert (world.state(), world.codes()) == (MoveState.ROLLED_BACK, [])
