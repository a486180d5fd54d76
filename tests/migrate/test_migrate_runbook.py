"""The runbook of a wave: made before, filled in as it happens, as a page and for a request."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner
from msgspec.structs import replace

import migrate
from migrate.runbook import FORWARD, Line, make_runbook
from migrate.store import Store
from policy.cutovers import approve_cut_over
from pse.cli.main import root
from pse.core.database import open_database
from pse.core.documents.campaign import MoveState, StepRecord
from pse.core.settings import Workspace
from pse.core.time import today
from tests.blueprints.estates import bundle, ministry_estate

BEGUN = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
SETTINGS = """
[[migrate.link]]
name = "wan"
mib_s = 100
moves = 4

[[migrate.cut_over]]
workloads = ["portal"]
days = ["friday"]
from = "22:00"
to = "04:00"
approvals = 1

[[migrate.hook]]
step = "freeze"
when = "before"
command = "/opt/lb/drain"
"""


def step(name: str, seconds: int, outcome: str = "done") -> StepRecord:
    ended = BEGUN + timedelta(seconds=seconds)
    return StepRecord(workload="records", step=name, started=BEGUN, ended=ended, outcome=outcome, note=f"{name} said")


def test_a_runbook_before_and_while_it_happens(sample: Workspace, tmp_path: Path) -> None:
    path = sample.path("pse.toml")
    path.write_text(path.read_text() + SETTINGS)
    workspace = Workspace(sample.root)
    plan = bundle(workspace, ministry_estate())
    plan.write(plan.default_folder(workspace))
    (wave,) = {unit.wave for unit in plan.units.values() if unit.workload == "portal"}

    def lines(workload: str) -> dict[str, Line]:
        number = next(unit.wave for unit in plan.units.values() if unit.workload == workload)
        made = make_runbook(workspace, plan, number, migrate.status(workspace, plan))
        (one,) = [one for one in made.chapters if one.workload == workload]
        return {line.step: line for line in one.lines}

    before = make_runbook(workspace, plan, wave, migrate.status(workspace, plan))
    assert before == make_runbook(workspace, plan, wave, None)
    (portal,) = [one for one in before.chapters if one.workload == "portal"]
    assert [line.step for line in portal.lines] == list(FORWARD)
    assert (portal.cut_over, portal.approved) == ("friday from 22:00 to 04:00, with 1 approval", ())
    assert portal.owners
    told = {line.step: line for line in portal.lines}
    assert "payments" in told["seed"].what
    assert "before it: /opt/lb/drain" in told["freeze"].what
    assert told["seed"].back.startswith("stop at any time")
    assert told["verify"].back.startswith("by itself")
    assert "pse rollback portal" in told["switch"].back
    assert (told["checks"].expected_s, told["checks"].basis) == (None, "not measured yet")
    assert {line.outcome for line in portal.lines} == {""}

    # One workload has moved: its steps are filled in, and others are expected to take as long.
    database = open_database(workspace)
    steps = (step("seed", 900), step("checks", 4), step("rest", 2))
    moved = lambda found: replace(found, state=MoveState.VERIFIED, steps=steps)  # noqa: E731 - a change in one line
    Store(database, plan.plan.hash).update("records", moved)
    database.dispose()
    approve_cut_over(workspace, plan.plan.hash, "portal", by="Director Payments", reference="Letter 9", on=today())
    assert (lines("records")["seed"].outcome, lines("records")["seed"].note) == ("done", "seed said")
    assert (lines("portal")["checks"].expected_s, lines("portal")["checks"].basis) == (
        4.0,
        "median of 1 in this campaign",
    )
    assert lines("portal")["seed"].basis != "median of 1 in this campaign"

    def run(*words: str) -> str:
        done = CliRunner().invoke(root, ["runbook", "--wave", str(wave), "--workspace", str(sample.root), *words])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert f"Runbook of wave {wave}" in run()
    page, request = tmp_path / "wave.html", tmp_path / "wave.md"
    run("--out", str(page))
    run("--out", str(request))
    assert "Director Payments (Letter 9)" in page.read_text()
    assert "<h2>portal: steps</h2>" in page.read_text()
    assert "| step | what |" in request.read_text()
    wrong = ["runbook", "--wave", str(wave), "--out", "wave.doc", "--workspace", str(sample.root)]
    assert CliRunner().invoke(root, wrong).exit_code == 2
    assert CliRunner().invoke(root, ["runbook", "--wave", "99", "--workspace", str(sample.root)]).exit_code == 2
