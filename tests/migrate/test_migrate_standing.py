"""What a person is told of a move whose steps are these; no host is asked."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from sqlalchemy import update

from migrate.journal import SqlJournal
from migrate.standing import half_back, standing
from migrate.store import Store, campaign_lock
from migrate.turn import Turn
from migrate.turns import Turns
from pse.cli.main import root
from pse.core.database import WORKERS, open_database
from pse.core.documents.campaign import MoveState, StepRecord, WorkloadProgress
from pse.core.findings import Finding
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate

PLAN = "a" * 64
MOVED = "seed freeze switch checks rest"


class Room:
    """A workspace with one workload in it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.database = workspace, open_database(workspace)
        self.store = Store(self.database, PLAN)

    def said(self, state: MoveState, steps: str, workload: str = "portal") -> list[Finding]:
        """Findings when these steps ran; one that failed ends with ``!``, one that was cut off with ``…``."""
        progress = WorkloadProgress(workload=workload, state=state, steps=tuple(map(record, steps.split())))
        self.store.update(workload, lambda _: progress)
        return self.findings()

    def findings(self) -> list[Finding]:
        return list(standing(self.workspace, self.store, self.journal, PLAN, {}).findings)

    @property
    def journal(self) -> SqlJournal:
        return SqlJournal(self.database)


def record(text: str) -> StepRecord:
    outcome = {"!": "failed", "…": "running"}.get(text[-1], "done")
    name, at = text.rstrip("!…"), datetime(2026, 11, 25, tzinfo=UTC)
    note = f"{name} broke" if outcome == "failed" else ""
    return StepRecord(workload="portal", step=name, started=at, ended=at, outcome=outcome, note=note)


@pytest.fixture
def room(sample: Workspace) -> Iterator[Room]:
    made = Room(sample)
    yield made
    made.database.dispose()


@pytest.mark.parametrize(
    ("state", "steps", "codes"),
    [
        ("verified", MOVED, []),
        ("verified", f"{MOVED} look-back!", ["PSE-M009"]),
        ("verified", f"seed! tidy {MOVED} look-back freeze-target catch-up! thaw-target", ["PSE-M009"]),
        ("verified", f"{MOVED} look-back freeze-target catch-up! thaw-target!", ["PSE-M008"]),
        ("verified", f"{MOVED} look-back freeze-target catch-up! thaw-target! look-back!", ["PSE-M008"]),
        ("verified", f"{MOVED} look-back freeze-target catch-up! thaw-target! look-back! thaw-target", ["PSE-M009"]),
        ("verified", f"{MOVED} look-back freeze-target catch-up verify-back switch-back!", ["PSE-M008"]),
        ("switched", f"{MOVED} look-back freeze-target…", ["PSE-M008"]),
        ("switched", "seed freeze switch checks!", ["PSE-M002"]),
        ("failed", "seed freeze verify! thaw tidy", ["PSE-M001"]),
        ("rolled-back", f"{MOVED} look-back! look-back freeze-target catch-up switch-back close-back", []),
        ("removed", f"{MOVED} look-back!", ["PSE-M004"]),
    ],
)
def test_what_is_said(room: Room, state: str, steps: str, codes: list[str]) -> None:
    found = room.said(MoveState(state), steps)
    assert [finding.code for finding in found] == codes
    # Nothing that a later move of another workload could trip over, and always the command that helps.
    for finding in found:
        assert (finding.severity.value == "warning") == (finding.code == "PSE-M009")
        if finding.code in ("PSE-M008", "PSE-M009"):
            assert "pse rollback portal" in finding.remedy


@pytest.mark.parametrize(
    ("steps", "codes"),
    [
        ("seed freeze verify! thaw! tidy", ["PSE-M005"]),
        ("seed freeze verify! thaw! tidy thaw-earlier!", ["PSE-M005"]),
        ("seed freeze verify! thaw! tidy thaw-earlier…", ["PSE-M005"]),
        ("seed freeze verify! thaw! tidy thaw-earlier provision seed freeze verify!", ["PSE-M001", "PSE-M003"]),
        ("seed freeze verify! thaw! tidy unfreeze!", ["PSE-M005"]),
        ("seed freeze verify! thaw tidy", ["PSE-M001", "PSE-M003"]),
    ],
)
def test_a_source_that_did_not_come_back_is_told_whoever_works(room: Room, steps: str, codes: list[str]) -> None:
    room.journal.note(f"{PLAN[:16]}/portal/a1/frozen", "stop writers", lambda _: {"at": 1.0})
    assert [one.code for one in room.said(MoveState.FAILED, steps)] == codes
    with work_on(room, "portal"):
        assert [one.code for one in room.findings()] == [code for code in codes if code != "PSE-M003"]
    # Once it is back, what failed is all that is left to say.
    room.journal.forget(f"{PLAN[:16]}/portal/a1/frozen")
    assert [one.code for one in room.findings()] == ["PSE-M001"]


def test_only_who_works_on_it_keeps_a_workload_from_being_told(room: Room) -> None:
    half = f"{MOVED} look-back freeze-target…"
    room.said(MoveState.VERIFIED, half)
    room.said(MoveState.VERIFIED, half, "records")
    room.journal.note(f"{PLAN[:16]}/learning/a1/frozen", "stop writers", lambda _: {"at": 1.0})
    room.said(MoveState.FROZEN, "seed freeze", "learning")
    told = [("PSE-M003", "learning"), ("PSE-M008", "portal"), ("PSE-M008", "records")]
    assert [(one.code, one.subject) for one in room.findings()] == told
    for name in ("portal", "records", "learning"):
        with work_on(room, name):
            assert [(one.code, one.subject) for one in room.findings()] == [one for one in told if one[1] != name]
    # Somebody has the lock, and works on something else; or his process is gone, and his turn is not taken up yet.
    with campaign_lock(room.workspace):
        assert [(one.code, one.subject) for one in room.findings()] == told
    with work_on(room, "portal"):
        with room.database.begin() as connection:
            connection.execute(update(WORKERS).values(pid=2**22 + 1))
        assert [(one.code, one.subject) for one in room.findings()] == told


@contextlib.contextmanager
def work_on(room: Room, workload: str) -> Iterator[None]:
    """This process works on it, and on it alone."""
    turns = Turns(room.database, {})
    with campaign_lock(room.workspace):
        turns.leave_all()
        me = turns.join()
        turns.seize(me, Turn(plan=PLAN, workload=workload, kind="move", run="r"))
        yield
        turns.leave(me)


def test_both_failures_of_a_rollback_that_cannot_go_on_are_said(room: Room) -> None:
    steps = f"{MOVED} look-back freeze-target catch-up! thaw-target! look-back!"
    (said,) = room.said(MoveState.VERIFIED, steps)
    assert "the new side stopped" in said.message
    assert "look-back broke" in said.message


def test_a_new_move_after_a_rollback_is_another_story() -> None:
    steps = tuple(map(record, f"{MOVED} look-back freeze-target catch-up switch-back close-back {MOVED}".split()))
    moved = WorkloadProgress(workload="portal", state=MoveState.VERIFIED, steps=steps)
    assert half_back(moved) is None
    assert half_back(replace(moved, steps=(*steps, record("freeze-target")))) is not None


def test_looking_is_no_failure_unless_it_is_asked_for(sample: Workspace) -> None:
    made = bundle(sample, ministry_estate())
    made.write(made.default_folder(sample))
    database = open_database(sample)
    progress = WorkloadProgress(workload="records", state=MoveState.FAILED, steps=(record("seed!"), record("tidy")))
    Store(database, made.plan.hash).update("records", lambda _: progress)
    database.dispose()

    def code(*more: str) -> int:
        done = CliRunner().invoke(root, ["status", "--json", "--workspace", str(sample.root), *more])
        assert "PSE-M001" in done.stdout or "--json-lines" in more
        return done.exit_code

    assert (code(), code("--fail-on", "error"), code("--follow", "--json-lines", "--fail-on", "error")) == (0, 1, 1)


def test_a_dry_run_of_what_would_be_refused_is_refused(sample: Workspace) -> None:
    made = bundle(sample, ministry_estate())
    made.write(made.default_folder(sample))

    def dry() -> int:
        return CliRunner().invoke(root, ["migrate", "--dry-run", "--json", "--workspace", str(sample.root)]).exit_code

    assert dry() == 0
    labels = sample.path("policy/labels.toml")
    labels.write_text(labels.read_text().replace('owner = "', 'owner = "Acting ', 1))
    assert dry() == 3
    # What is under way goes on under the law that it was begun by.
    database = open_database(sample)
    store = Store(database, made.plan.hash)
    for name in ("opendata", "portal", "records", "learning"):
        store.update(name, lambda found: replace(found, state=MoveState.VERIFIED))
    database.dispose()
    assert dry() == 0
