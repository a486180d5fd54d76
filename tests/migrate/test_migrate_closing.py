"""What `pse close` leaves alone: what was not begun, what is asked for still, and what was not given back."""

import pytest

from migrate.closing import cleanup
from migrate.turn import Turn, TurnState
from migrate.turns import Turns
from policy.ledger import Ledger
from pse.cli.render_moves import closed_view
from pse.core.database import open_database
from pse.core.errors import Refused
from pse.core.findings import Finding
from pse.core.settings import Workspace
from tests.migrate.shaky import World, ready

__all__ = ["ready"]


@pytest.fixture
def world(ready: Workspace) -> World:
    """Nothing is moved yet."""
    return World(ready)


def close(world: World, *workloads: str) -> tuple[Finding, ...]:
    return cleanup(world.workspace, world.bundle, workloads=workloads, opener=world.opener)


def turns_of(world: World) -> dict[str, str]:
    database = open_database(world.workspace)
    try:
        return {one.workload: f"{one.kind} {one.state.value}" for one in Turns(database, {}).all()}
    finally:
        database.dispose()


@pytest.mark.parametrize("state", [TurnState.WAITING, TurnState.PARKED, TurnState.HELD])
def test_a_move_that_is_asked_for_is_neither_ended_nor_hidden(world: World, state: TurnState) -> None:
    world.run()
    database = open_database(world.workspace)
    turns = Turns(database, {})
    me = turns.join()
    asked = Turn(plan=world.bundle.plan.hash, workload="w0001", kind="move", run="r", wave=1)
    turns.ask([asked])
    if state is not TurnState.WAITING:
        assert turns.take(me, []) is not None
        turns.end(me, asked, state, said="2 of 3 approvals", in_s=3600)
    database.dispose()
    (said,) = close(world)
    assert (said.code, said.subject, said.severity.value) == ("PSE-M028", "w0001", "warning")
    assert state.value in said.message
    assert "of the moves that were closed" in str(closed_view(world.bundle, (said,)).blocks[0])
    with pytest.raises(Refused, match="asked for and has not ended"):
        close(world, "w0001")
    assert turns_of(world) == {"w0000": "close done", "w0001": f"move {state.value}"}
    # The other one was closed all the same.
    assert [e.data["workload"] for e in Ledger(world.workspace).entries() if e.kind == "close"] == ["w0000"]
    database = open_database(world.workspace)
    # One that is asked for while it is closed: whoever comes first.
    turns = Turns(database, {})
    with pytest.raises(Refused, match="asked for and has not ended"):
        turns.seize(turns.join(), Turn(plan=asked.plan, workload="w0001", kind="close", run="close"))
    database.dispose()


def test_what_was_never_begun_is_left_alone(world: World) -> None:
    world.run()
    assert close(world) == ()
    assert turns_of(world) == {"w0000": "close done"}
    assert close(world, "w0001") == ()
    world.run(workloads=("w0001",))
    assert {one.state.value for one in world.status().workloads} == {"verified"}


def test_a_source_that_was_not_given_back_is_not_closed(world: World) -> None:
    """What would start it again is what a close takes away."""
    world.broken = ("start web new", "start db old")
    world.run()
    for names in ((), ("w0000",)):
        with pytest.raises(Refused, match="has not been given back"):
            close(world, *names)
    world.broken = ()
    world.back()
    assert close(world) == ()
