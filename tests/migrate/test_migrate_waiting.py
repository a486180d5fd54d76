"""What a move waits for: a pause, a person, an hour, a hook. The moves take only time; all else is the real engine."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import migrate
from benchmarks.campaign.simulated import Simulated, campaign, entry_point, opener
from blueprints import Bundle
from migrate import forward
from migrate.campaign import carry_out
from migrate.clearance import cleared
from migrate.durable import Parked
from migrate.floor import floor
from migrate.paces import Noting, paces
from migrate.replicators.ports import Moved, Task
from migrate.turn import TurnState
from migrate.work import chosen
from policy.approvals import approve
from policy.cutovers import approve_cut_over, require_cut_over
from policy.ledger import Ledger
from pse.cli.main import root
from pse.cli.render_moves import with_going
from pse.cli.view import View
from pse.core.database import open_database
from pse.core.documents.campaign import Campaign, MoveState
from pse.core.errors import BadInput, Refused, Waiting
from pse.core.moving import STEPS
from pse.core.progress import Event, Progress, silent
from pse.core.settings import Workspace
from pse.core.time import today
from tests.blueprints.estates import bundle as ministry_bundle
from tests.blueprints.estates import ministry_estate
from tests.migrate.shaky import World, ready

__all__ = ["ready"]

LETTER = "Letter 7"
BY = "Director Records"


class Room:
    """A workspace with a campaign of moves that take a tenth of a second."""

    def __init__(self, workspace: Workspace) -> None:
        self.root, self.bundle = workspace.root, campaign(3, mean_s=0.1)
        self.states: dict[str, str] = {}

    def settings(self, text: str) -> Workspace:
        """With these tables in `pse.toml`."""
        path = self.root / "pse.toml"
        path.write_text(path.read_text() + text)
        return self.workspace

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    def run(self, progress: Progress = silent) -> Campaign:
        """Move what is left."""
        known: Callable[[str], Bundle] = lambda _: self.bundle  # noqa: E731 - a name for its type
        with floor(self.workspace, known, progress=progress, parallel=3, opener=opener) as made:
            try:
                return carry_out(made, self.bundle, chosen(self.bundle, (), ()), parallel=3)
            finally:
                self.states = {turn.workload: turn.state.value for turn in made.turns.all(self.bundle.plan.hash)}


@pytest.fixture
def room(sample: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Room:
    packages = tmp_path_factory.mktemp("packages")
    entry_point(packages)
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.delenv("PSE_DATABASE_URL", raising=False)
    return Room(sample)


def steps_of(done: Campaign, workload: str) -> list[tuple[str, str]]:
    (one,) = [one for one in done.workloads if one.workload == workload]
    return [(step.step, step.outcome) for step in one.steps]


def test_one_that_is_paused_waits_at_its_next_step_and_the_others_go_on(room: Room) -> None:
    def pause(event: Event) -> None:
        if (event.step, event.state, event.subject) == ("seed", "start", "w0001"):
            migrate.pause(room.workspace, room.bundle, workloads=["w0001"])

    with pytest.raises(Waiting, match="pse resume") as caught:
        room.run(pause)
    assert caught.value.where == "w0001"
    assert room.states == {"w0000": "done", "w0001": "held", "w0002": "done"}
    # What `pse status` shows of it.
    going = migrate.going(room.workspace, room.bundle)
    assert [(one.workload, one.state) for one in going.turns] == [("w0001", "held")]
    assert (going.paused, going.workers) == (("workload:w0001",), ())
    (pace,) = going.paces
    assert (pace.move, pace.doing, pace.behind_s) == ("w0001-data", "pass", 1000.0)
    view = with_going(View({}, ()), going)
    shown = "\n".join(str(block) for block in view.blocks)
    assert "pse resume" in shown
    assert "paused: workload w0001" in shown
    assert view.data["paces"] == going.paces
    # Asked for again, it waits still; and what has moved is left alone.
    with pytest.raises(Waiting):
        room.run()
    assert migrate.resume(room.workspace, room.bundle) == ()
    done = room.run()
    assert {one.state.value for one in done.workloads} == {"verified"}
    # The step that ran came to its end, and was not made again.
    assert [name for name, _ in steps_of(done, "w0001")].count("seed") == 1


def test_a_cut_over_waits_for_as_many_people_as_are_asked(room: Room) -> None:
    workspace = room.settings('[[migrate.cut_over]]\nworkloads = ["w0002"]\napprovals = 1\n')
    plan = room.bundle.plan.hash
    # Neither the approval of the plan, nor that of another workload's cut-over or another plan's.
    approve(workspace, plan, by=BY, reference=LETTER, on=today())
    approve_cut_over(workspace, plan, "w0001", by=BY, reference=LETTER, on=today())
    approve_cut_over(workspace, "b" * 64, "w0002", by=BY, reference=LETTER, on=today())
    with pytest.raises(Waiting, match=r"pse approve .* --workload w0002") as caught:
        room.run()
    assert caught.value.exit_code == 7
    assert room.states["w0002"] == TurnState.HELD
    approve_cut_over(workspace, plan, "w0002", by=BY, reference=LETTER, on=today())
    with pytest.raises(Waiting, match="1 of 2 approvals"):
        require_cut_over(workspace, plan, "w0002", 2, day=today())
    done = room.run()
    assert {one.state.value for one in done.workloads} == {"verified"}
    (note,) = [s.note for one in done.workloads for s in one.steps if s.step == "clearance" and s.note]
    assert note == f"approved by {BY}"


def test_a_closed_window_parks_and_an_open_one_lets_through(room: Room) -> None:
    rows = '[[migrate.cut_over]]\nworkloads = ["w*"]\ndays = ["friday"]\nfrom = "22:00"\nto = "04:00"\n'
    workspace, plan = room.settings(rows), room.bundle.plan.hash
    # 12:00 UTC on a Friday is 17:00 in Pakistan.
    with pytest.raises(Parked, match="2026-11-27 at 22:00") as caught:
        cleared(workspace, plan, "w0001", at=datetime(2026, 11, 27, 12, tzinfo=UTC))
    assert (caught.value.in_s, caught.value.person) == (5 * 3600, False)
    assert cleared(workspace, plan, "w0001", at=datetime(2026, 11, 27, 22, tzinfo=UTC)) == "its window is open"
    assert cleared(workspace, plan, "portal", at=datetime(2026, 11, 27, 12, tzinfo=UTC)) == ""


def test_who_waited_after_the_clearance_is_looked_at_again_before_anything_is_stopped(
    ready: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, drained = World(ready), tmp_path / "drained"
    world.settings(f'[[migrate.hook]]\nstep = "freeze"\nwhen = "before"\ncommand = "touch {drained}"\n')

    def pause(what: str) -> None:
        if what == "clearance":
            migrate.pause(world.workspace, world.bundle, workloads=["w0000"])

    world.watched = pause
    with pytest.raises(Waiting, match="pse resume"):
        world.run()
    # Somebody asks for an approval meanwhile, as a window may have closed.
    world.settings("[[migrate.cut_over]]\napprovals = 1\n")
    migrate.resume(world.workspace, world.bundle)
    with pytest.raises(Waiting, match="0 of 1 approval"):
        world.run()
    assert world.state() is MoveState.SYNCED
    assert not drained.exists()
    assert "stop web old" not in world.seen
    # And what was written while it waited is carried before its writers are stopped.
    passes: list[bool] = []
    delta = Simulated.delta

    def counted(self: Simulated, task: Task, *, final: bool) -> Moved:
        passes.append(final)
        return delta(self, task, final=final)

    monkeypatch.setattr(Simulated, "delta", counted)
    monkeypatch.setattr(forward, "STALE_S", 0.0)
    approve_cut_over(world.workspace, world.bundle.plan.hash, "w0000", by=BY, reference=LETTER, on=today())
    world.run()
    assert (world.state(), drained.exists()) == (MoveState.VERIFIED, True)
    assert passes == [False, True]
    (frozen,) = [s.note for w in world.status().workloads for s in w.steps if s.step == "freeze"]
    assert f"approved by {BY}" in frozen


def test_whose_writers_are_stopped_already_is_not_asked_again(ready: Workspace) -> None:
    world = World(ready)
    world.dies("stop db old")
    world.settings("[[migrate.cut_over]]\napprovals = 1\n")
    world.run()
    assert world.state() is MoveState.VERIFIED


def test_an_approval_from_before_a_cut_over_or_a_rollback_counts_once(ready: Workspace) -> None:
    world = World(ready)
    world.settings("[[migrate.cut_over]]\napprovals = 1\n")
    plan = world.bundle.plan.hash
    approve_cut_over(world.workspace, plan, "w0000", by=BY, reference=LETTER, on=today())
    # Of others: nothing of them ends it.
    ledger = Ledger(world.workspace)
    ledger.record("rollback", {"plan": plan, "workload": "w0001", "attempt": "r1"})
    ledger.record("rollback", {"plan": "b" * 64, "workload": "w0000", "attempt": "r1"})
    world.run()
    assert world.state() is MoveState.VERIFIED
    world.back()
    with pytest.raises(Waiting, match="0 of 1 approval"):
        world.run()
    approve_cut_over(world.workspace, plan, "w0000", by=BY, reference=LETTER, on=today())
    world.run()
    assert world.state() is MoveState.VERIFIED
    with pytest.raises(Waiting, match="0 of 1 approval"):
        require_cut_over(world.workspace, plan, "w0000", 1, day=today())


def test_hooks_run_around_their_step_and_stop_it_but_not_the_way_back(room: Room, tmp_path: Path) -> None:
    told, broken = tmp_path / "told", tmp_path / "broken"
    broken.touch()
    say = f"echo $PSE_WORKLOAD $PSE_WHEN $PSE_STEP >>{told}"
    room.settings(
        f"""
[[migrate.hook]]
step = "freeze"
when = "before"
workloads = ["w0000"]
command = "{say}; [ ! -e {broken} ] || {{ echo the load balancer said no; exit 3; }}"

[[migrate.hook]]
step = "thaw"
when = "before"
command = "{say}; sleep 60"
timeout_s = 0.5

[[migrate.hook]]
step = "rest"
when = "after"
workloads = ["w0000"]
command = "{say}"
"""
    )
    failed = room.run()
    assert {one.workload: one.state.value for one in failed.workloads} == {
        "w0000": "failed",
        "w0001": "verified",
        "w0002": "verified",
    }
    (said,) = [finding.message for finding in failed.findings if finding.code == "PSE-M001"]
    assert "the hook before freeze failed (exit 3): the load balancer said no" in said
    assert ("thaw", "done") in steps_of(failed, "w0000")
    broken.unlink()
    done = room.run()
    assert {one.state.value for one in done.workloads} == {"verified"}
    assert told.read_text().splitlines() == [
        "w0000 before freeze",
        "w0000 before thaw",
        "w0000 before freeze",
        "w0000 after rest",
    ]


def test_a_hook_of_no_step_is_refused(room: Room) -> None:
    with pytest.raises(BadInput, match="no step 'frezze'"):
        room.settings('[[migrate.hook]]\nstep = "frezze"\nwhen = "before"\ncommand = "true"\n')


def test_nobody_else_approves_where_people_are_named(room: Room) -> None:
    path = room.root / "pse.toml"
    path.write_text(path.read_text() + '[approvals]\npeople = ["Secretary"]\n')
    with pytest.raises(Refused, match="not among those"):
        approve_cut_over(room.workspace, "a" * 64, "w", by=BY, reference=LETTER, on=today())


def test_how_far_a_move_is_with_its_rate_and_what_is_left(sample: Workspace) -> None:
    database = open_database(sample)
    seen: list[Event] = []

    def take(event: Event) -> None:
        seen.append(event)

    noting = Noting(take, database, "p", frozenset({"m"}))

    def tell(done: int | None, state: str = "update", **words: object) -> None:
        event = Event(step="copy", state=state, subject="m", done=done, total=1000, unit="bytes")
        noting(replace(event, **words))  # type: ignore[arg-type]  # fields of an event

    noting(Event(step="seed", state="start", subject="work"))
    tell(100)
    (first,) = paces(database, "p")
    assert (first.move, first.done, first.total, first.rate, first.left_s) == ("m", 100, 1000, None, None)
    tell(200)
    tell(600)
    assert paces(database, "p") == (first,), "too soon for another note"
    tell(600, state="done")
    (pace,) = paces(database, "p")
    assert pace.rate is not None
    assert pace.left_s == pytest.approx(400 / pace.rate, abs=0.1)
    # The next pass begins at nothing; what it is behind is kept until another pass says it anew.
    tell(None, state="done", data={"behind_s": 2.5}, unit="")
    tell(10, state="start")
    (pace,) = paces(database, "p")
    assert (pace.done, pace.rate, pace.behind_s) == (10, None, 2.5)
    assert len(seen) == 7
    assert paces(database, "q") == ()
    database.dispose()


def test_the_settings_know_every_step() -> None:
    made = set()
    for name in ("forward", "backward"):
        made |= set(re.findall(r'self\.step\("([a-z-]+)"', Path(f"migrate/{name}.py").read_text()))
    assert made == set(STEPS)


def test_pauses_and_workers_on_the_command_line(sample: Workspace) -> None:
    made = ministry_bundle(sample, ministry_estate())
    made.write(made.default_folder(sample))

    def run(*words: str, code: int = 0) -> dict[str, object]:
        done = CliRunner().invoke(root, [*words, "--json", "--workspace", str(sample.root)])
        assert done.exit_code == code, done.output
        found: dict[str, object] = json.loads(done.stdout) if code == 0 else {}
        return found

    assert run("pause", "--workload", "portal", "--wave", "2") == {"paused": ["wave:2", "workload:portal"]}
    assert run("status")["paused"] == ["wave:2", "workload:portal"]
    assert run("resume", "--wave", "2") == {"paused": ["workload:portal"]}
    assert run("resume") == {"paused": []}
    assert run("pause") == {"paused": [""]}
    run("pause", "--workload", "nothing", code=2)
    run("resume", "--wave", "99", code=2)
    assert run("worker", "--until-idle")["worked"] is True
