"""Whose turn it is, on both stores: limits, waves, priorities, pauses, and what a process that died leaves."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest
from sqlalchemy import Engine, delete, update

from migrate.limits import Rate, limits_of
from migrate.store import Store
from migrate.turn import Turn, TurnState
from migrate.turns import LEASE_S, Turns
from pse.core.database import WORKERS, open_database
from pse.core.documents.campaign import MoveState
from pse.core.errors import Refused, RemoteError
from pse.core.moving import CutOver, Hours, Link
from pse.core.settings import MigrateSettings, Workspace
from tests.migrate.stores import server, workspace

__all__ = ["server", "workspace"]


@pytest.fixture
def database(workspace: Workspace) -> Iterator[Engine]:
    """Of an empty workspace."""
    made = open_database(workspace)
    yield made
    made.dispose()


def turn(name: str, *, wave: int = 1, priority: int = 0, touches: tuple[str, ...] = (), kind: str = "move") -> Turn:
    return Turn(plan="p", workload=name, kind=kind, run="r", wave=wave, priority=priority, touches=touches)


def taken(turns: Turns, worker: str) -> list[str]:
    """Take all that may begin now."""
    found = []
    while (one := turns.take(worker, [])) is not None:
        found.append(one.workload)
    return found


def test_waves_one_after_the_other_and_the_urgent_first(database: Engine) -> None:
    turns = Turns(database, {"all": 2})
    me = turns.join()
    wanted = [turn("a"), turn("b", priority=5), turn("c", wave=2), turn("d")]
    turns.ask(wanted)
    assert taken(turns, me) == ["b", "a"]
    turns.end(me, turn("b"), TurnState.DONE)
    assert taken(turns, me) == ["d"]
    turns.end(me, turn("a"), TurnState.DONE)
    assert taken(turns, me) == []
    turns.end(me, turn("d"), TurnState.DONE)
    assert taken(turns, me) == ["c"]
    # Another order that knows nothing of these waves waits for none of them.
    turns.ask([turn("e", wave=9)])
    assert taken(turns, me) == []
    turns.ask([Turn(plan="p", workload="e", kind="move", run="another", wave=9)])
    assert taken(turns, me) == ["e"]


def test_a_failure_ends_the_waves_after_it(database: Engine) -> None:
    turns = Turns(database, {})
    me = turns.join()
    turns.ask([turn("a"), turn("b"), turn("c", wave=2)])
    assert taken(turns, me) == ["a", "b"]
    turns.end(me, turn("a"), TurnState.FAILED, said="broke")
    turns.end(me, turn("b"), TurnState.DONE)
    assert taken(turns, me) == []
    assert [(one.workload, one.state.value, one.said) for one in turns.all("p")] == [
        ("a", "failed", "broke"),
        ("b", "done", ""),
    ]


def test_what_waits_for_a_person_keeps_nobodys_place(database: Engine) -> None:
    turns = Turns(database, {"all": 1})
    me = turns.join()
    turns.ask([turn("a"), turn("b")])
    assert taken(turns, me) == ["a"]
    turns.end(me, turn("a"), TurnState.HELD, said="an approval", in_s=3600)
    assert taken(turns, me) == ["b"]
    turns.end(me, turn("b"), TurnState.DONE)
    assert taken(turns, me) == []
    turns.ask([turn("a")])
    assert taken(turns, me) == ["a"]


@pytest.mark.parametrize("scope", ["", "wave:1", "workload:a"])
def test_what_is_paused_waits_until_it_is_resumed(database: Engine, scope: str) -> None:
    turns = Turns(database, {})
    me = turns.join()
    turns.ask([turn("a")])
    turns.pause("p", scope)
    turns.pause("p", scope)
    assert taken(turns, me) == []
    assert turns.pauses("p") == (scope,)
    # A rollback waits for nothing.
    turns.ask([turn("b", kind="back")])
    assert taken(turns, me) == ["b"]
    assert turns.resume("p", "")
    assert taken(turns, me) == ["a"]
    assert not turns.resume("p", scope)


class Crowd:
    """Threads that take turns and hold two each before they end them; counts what was in hand at once."""

    def __init__(self, turns: Turns, limits: dict[str, int]) -> None:
        self.turns, self.limits = turns, limits
        self.busy: Counter[str] = Counter()
        self.worst: Counter[str] = Counter()
        self.seen: list[str] = []
        self.lock = threading.Lock()

    def begin(self, one: Turn) -> None:
        with self.lock:
            self.seen.append(one.workload)
            for key in ("all", *one.touches):
                self.busy[key] += 1
                kind = key if key in self.limits else key.split(" ", maxsplit=1)[0]
                self.worst[kind] = max(self.worst[kind], self.busy[key])

    def end(self, me: str, one: Turn) -> None:
        with self.lock:
            self.busy.subtract(("all", *one.touches))
        self.turns.end(me, one, TurnState.DONE)

    def work(self) -> None:
        me, mine = self.turns.join(), list[Turn]()
        while (one := self.turns.take(me, [])) is not None or mine or self.turns.busy():
            if one is not None:
                mine.append(one)
                self.begin(one)
            while mine and (one is None or len(mine) > 1):
                self.end(me, mine.pop())


def test_limits_hold_with_many_threads(database: Engine) -> None:
    limits = {"all": 7, "source": 2, "target": 4, "link wan": 3}
    turns, random = Turns(database, limits), Random(8)
    wanted = []
    for number in range(60):
        touches = [f"source s{random.randrange(9)}", f"target t{random.randrange(3)}"]
        wanted.append(turn(f"w{number}", touches=(*touches, *["link wan"] * random.randrange(2))))
    turns.ask(wanted)
    crowd = Crowd(turns, limits)
    threads = [threading.Thread(target=crowd.work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(crowd.seen) == sorted(one.workload for one in wanted)
    assert all(crowd.worst[key] <= limit for key, limit in limits.items())
    assert crowd.worst["all"] > 1


def frozen(database: Engine, name: str) -> None:
    """A worker has stopped the writers of it."""
    Store(database, "p").update(name, lambda known: msgspec.structs.replace(known, state=MoveState.FROZEN))


def test_what_is_frozen_waits_for_no_pause_no_wave_no_place_and_is_not_withdrawn(database: Engine) -> None:
    turns = Turns(database, {"all": 1})
    me = turns.join()
    turns.ask([turn("later", wave=2), turn("first", priority=9)])
    turns.pause("p", "")
    assert taken(turns, me) == []
    frozen(database, "later")
    assert turns.frozen("p") == {"later"}
    turns.withdraw("r")
    assert [one.workload for one in turns.all()] == ["later"]
    turns.seize(me, turn("other"))
    assert taken(turns, me) == ["later"]


def test_only_what_a_call_asked_for_itself_is_withdrawn(database: Engine) -> None:
    turns = Turns(database, {})
    me = turns.join()
    turns.ask([turn("mine"), turn("in-hand")])
    turns.seize(me, turn("in-hand"))
    turns.ask([replace(turn("back", kind="back"), run="other"), replace(turn("theirs"), run="other")])
    turns.withdraw("r")
    assert [one.workload for one in turns.all()] == ["back", "in-hand", "theirs"]


def test_a_move_is_refused_while_something_else_is_done_with_it(database: Engine) -> None:
    turns = Turns(database, {})
    turns.seize(turns.join(), turn("portal", kind="close"))
    with pytest.raises(Refused, match="works on it"):
        turns.ask([turn("records"), turn("portal")])
    assert [one.workload for one in turns.all()] == ["portal"]


def test_a_close_that_died_keeps_nobody_waiting(database: Engine) -> None:
    turns = Turns(database, {})
    me = turns.join()
    turns.seize(me, turn("portal", kind="close"))
    turns.leave(me)
    # No worker closes by itself: one that works until nothing is left to do has nothing to wait for.
    assert [one.state for one in turns.all()] == [TurnState.FAILED]
    other = turns.join()
    assert turns.take(other, []) is None
    turns.seize(other, turn("portal", kind="close"))


def test_what_a_dead_process_had_is_taken_up(database: Engine, workspace: Workspace) -> None:
    code = (
        "import sys; from pathlib import Path; from migrate.turns import Turns; from pse.core.settings import Workspace"
    )
    code += "\nfrom pse.core.database import open_database"
    code += "\nturns = Turns(open_database(Workspace(Path(sys.argv[1]))), {}); me = turns.join()"
    code += "\nprint(turns.take(me, []).workload, flush=True); sys.stdin.read()"
    turns = Turns(database, {"all": 1})
    turns.ask([turn("a")])
    arguments = [sys.executable, "-c", code, str(workspace.root)]
    other = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "a\n"
    me = turns.join()
    assert taken(turns, me) == []
    assert turns.busy()
    with pytest.raises(Refused, match=str(other.pid)):
        turns.seize(me, turn("a", kind="back"))
    other.kill()
    other.communicate()
    assert not turns.busy()
    assert taken(turns, me) == ["a"]
    assert turns.mine(me, "p", "a") is not None


def test_a_process_of_another_machine_is_dead_when_its_lease_has_ended(database: Engine) -> None:
    turns = Turns(database, {})
    far, me = turns.join(), turns.join()
    turns.ask([turn("a")])
    assert turns.take(far, []) is not None
    with database.begin() as connection:
        gone = WORKERS.c.beat - 2 * LEASE_S
        connection.execute(update(WORKERS).where(WORKERS.c.id == far).values(machine="another", beat=gone))
    if database.dialect.name == "sqlite":
        # There the campaign's lock says who works, however long a laptop has slept.
        assert taken(turns, me) == []
        return
    assert taken(turns, me) == ["a"]
    assert turns.mine(far, "p", "a") is None
    assert not turns.beat(far)
    # What it says of the turn from now on counts for nothing, and it gets no other.
    turns.ask([turn("b")])
    assert turns.take(far, []) is None
    with pytest.raises(RemoteError, match="not heard of"):
        turns.seize(far, turn("b", kind="back"))
    turns.end(far, turn("a"), TurnState.DONE)
    assert turns.mine(me, "p", "a") is not None
    assert turns.beat(me)


def test_who_joins_gives_back_what_the_long_dead_had(database: Engine) -> None:
    turns = Turns(database, {})
    far = turns.join()
    turns.ask([turn("a")])
    assert taken(turns, far) == ["a"]
    with database.begin() as connection:
        gone = WORKERS.c.beat - 200 * LEASE_S
        connection.execute(update(WORKERS).where(WORKERS.c.id == far).values(machine="another", beat=gone))
    if database.dialect.name == "sqlite":
        # There whoever has the campaign's lock is the only one.
        turns.leave_all()
    assert taken(turns, turns.join()) == ["a"]


@pytest.mark.parametrize("seized", [False, True])
def test_a_turn_of_a_worker_that_nobody_knows_is_taken_up(database: Engine, *, seized: bool) -> None:
    turns = Turns(database, {})
    far, me = turns.join(), turns.join()
    turns.ask([turn("a")])
    assert taken(turns, far) == ["a"]
    with database.begin() as connection:
        connection.execute(delete(WORKERS).where(WORKERS.c.id == far))
    assert not turns.busy()
    if seized:
        turns.seize(me, turn("a", kind="back"))
    else:
        assert taken(turns, me) == ["a"]
    assert turns.mine(me, "p", "a") is not None


def test_the_waves_of_a_new_call_wait_for_what_an_earlier_one_began(database: Engine) -> None:
    turns = Turns(database, {})
    me = turns.join()
    turns.ask([turn("a"), turn("b", wave=2)])
    (one,) = [turns.take(me, [])]
    assert one is not None
    # The first call was killed, and its wave goes on at a worker.
    turns.ask([replace(turn(name, wave=wave, priority=3), run="new") for name, wave in (("a", 1), ("b", 2))])
    assert taken(turns, me) == []
    found = turns.mine(me, "p", "a")
    assert found is not None
    assert (found[0].run, found[0].priority, found[0].worker) == ("new", 3, me)
    # What fails of it ends the waves of the new one.
    turns.end(me, one, TurnState.FAILED, said="broke")
    assert [one.workload for one in turns.all()] == ["a"]


def test_a_call_for_what_is_in_hand_lets_the_waves_of_the_first_one_wait(database: Engine) -> None:
    turns = Turns(database, {})
    me = turns.join()
    turns.ask([turn("a"), turn("b", wave=2)])
    assert taken(turns, me) == ["a"]
    turns.ask([replace(turn("a"), run="new")])
    assert taken(turns, me) == []
    turns.end(me, turn("a"), TurnState.DONE)
    assert taken(turns, me) == ["b"]


def test_no_turn_beside_another_plans(database: Engine) -> None:
    turns = Turns(database, {})
    far, me = turns.join(), turns.join()
    turns.ask([turn("a")])
    turns.ask([replace(turn("a"), plan="q")])
    assert taken(turns, far) == ["a"]
    assert taken(turns, me) == []
    with pytest.raises(Refused, match=r"process \d+ on .* works on it, by plan p"):
        turns.ask([replace(turn(name), plan="q") for name in ("b", "a")])
    with pytest.raises(Refused, match="by plan p"):
        turns.seize(me, replace(turn("a", kind="back"), plan="q"))
    assert [(one.plan, one.workload, one.state.value) for one in turns.all()] == [
        ("p", "a", "running"),
        ("q", "a", "waiting"),
    ]
    turns.end(far, turn("a"), TurnState.DONE)
    assert taken(turns, me) == ["a"]


def test_a_window_over_midnight_and_its_next_opening() -> None:
    friday = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    window = msgspec.convert({"days": ["friday"], "from": "22:00", "to": "04:00"}, CutOver)
    assert window.opens(friday) == friday.replace(hour=22)
    assert window.opens(friday.replace(hour=23)) is None
    assert window.opens(friday + timedelta(hours=15)) is None
    assert window.opens(friday + timedelta(hours=16)) == friday.replace(hour=22) + timedelta(days=7)
    assert CutOver().opens(friday) is None
    with pytest.raises(msgspec.ValidationError, match="from and to"):
        msgspec.convert({"from": "22:00"}, CutOver)


def test_a_link_by_networks_names_and_hours() -> None:
    hours = (Hours(begin="08:00", end="18:00", mib_s=20),)
    link = Link(name="wan", sources=("10.1.0.0/16", "portal*"), places=("pk/*",), mib_s=100, hours=hours)
    assert link.carries("x", "10.1.2.3", "pk/isb")
    assert link.carries("portal-1", "", "pk/isb")
    assert not link.carries("x", "10.2.2.3", "pk/isb")
    assert not link.carries("portal-1", "", "xa/abr")
    noon = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    assert link.rate(noon) == (20, noon.replace(hour=18))
    assert link.rate(noon.replace(hour=18)) == (100, noon.replace(hour=8) + timedelta(days=1))


@pytest.mark.parametrize(("limits", "workers"), [({}, 3), ({"total": 5}, 2), ({"total": 2}, 3)])
def test_a_rate_is_kept_by_all_workers_together_where_the_line_names_no_number(
    database: Engine, limits: dict[str, int], workers: int
) -> None:
    hours = [{"from": "08:00", "to": "18:00", "mib_s": 20}]
    lines = [{"name": "wan", "mib_s": 100}, {"name": "day", "hours": hours}, {"name": "free"}]
    settings = msgspec.convert({"parallel": 4, "limits": limits, "link": lines}, MigrateSettings)
    turns = Turns(database, limits_of(settings))
    turns.ask([turn(f"w{n}", touches=("link wan",)) for n in range(9)])
    moving = sum(len(taken(turns, turns.join())) for _ in range(workers))
    share = Rate(settings, settings.link[:1], beside=1).mib_s()
    assert share is not None
    assert moving > 1
    assert moving * share <= 100
    assert limits_of(settings)["link day"] == limits_of(settings)["link wan"]
    assert "link free" not in limits_of(settings)
