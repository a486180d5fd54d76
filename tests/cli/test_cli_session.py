"""Choosing a plan, asking before the world is changed, and exit codes of findings."""

import json
import os
from pathlib import Path

import pytest

from pse.cli.follow import changes
from pse.cli.session import Session
from pse.cli.verb import Verb, change_options, fail_on_option, verb
from pse.cli.view import View
from pse.core.documents.campaign import Campaign, MoveState, WorkloadProgress
from pse.core.errors import UsageError
from pse.core.findings import Finding, Severity
from tests.cli.conftest import Run


def make_plan(root: Path, name: str, *, age_s: int) -> Path:
    path = root / "plans" / name / "plan.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    stamp = 1_700_000_000 - age_s
    os.utime(path, (stamp, stamp))
    return path


def test_the_newest_plan_is_the_default(empty: Path) -> None:
    newest = make_plan(empty, "aaa", age_s=1)
    older = make_plan(empty, "bbb", age_s=100)
    session = Session(workspace=empty)
    assert session.plan_path(None) == newest
    assert session.plan_path(Path("bbb")) == older
    assert session.plan_path(older.parent) == older
    assert session.plan_path(older) == older


def test_no_plan_says_what_to_run(empty: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Session(workspace=empty).plan_path(None)
    assert "pse plan" in caught.value.hint
    with pytest.raises(UsageError, match="no plan there"):
        Session(workspace=empty).plan_path(Path("none"))


def changing() -> tuple[Verb, list[str]]:
    done: list[str] = []

    @verb("pse change --yes")
    @change_options
    def change(session: Session, *, yes: bool, dry_run: bool) -> None:
        """Change the world."""
        if session.agreed(View({"items": ["a stack"]}, ("a stack would go",)), yes=yes, dry_run=dry_run):
            done.append("changed")
            session.show(View({"items": ["done"]}, ("done",)))

    return change, done


@pytest.fixture
def with_change(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from pse.cli.main import root

    change, done = changing()
    monkeypatch.setattr(type(root), "get_command", lambda _self, _ctx, _name: change)
    return done


def test_nobody_to_ask_is_usage_with_the_way_out(run: Run, with_change: list[str]) -> None:
    done = run("change")
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert with_change == []


def test_dry_run_shows_on_stdout_and_changes_nothing(run: Run, with_change: list[str]) -> None:
    done = run("change", "--dry-run", "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"items": ["a stack"]})
    assert with_change == []


def test_yes_changes_and_keeps_stdout_for_the_result(run: Run, with_change: list[str]) -> None:
    done = run("change", "--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"items": ["done"]})
    assert "a stack would go" in done.stderr
    assert with_change == ["changed"]


@pytest.mark.parametrize(("answer", "code", "changed"), [("y\n", 0, ["changed"]), ("n\n", 3, []), ("", 130, [])])
def test_a_person_is_asked(
    answer: str, code: int, changed: list[str], run: Run, with_change: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pse.cli.session._someone_is_there", lambda: True)
    done = run("change", stdin=answer)
    assert done.exit_code == code
    assert "a stack would go" in done.stderr
    assert with_change == changed


@pytest.mark.parametrize(
    ("found", "level", "code"),
    [
        (Severity.WARNING, "error", 0),
        (Severity.ERROR, "error", 1),
        (Severity.ERROR, "never", 0),
        (Severity.INFO, "info", 1),
        (Severity.WARNING, "warning", 1),
        (None, "info", 0),
    ],
)
def test_findings_make_the_exit_code(
    found: Severity | None, level: str, code: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pse.cli.main import root

    findings = (Finding(code="PSE-I001", severity=found, subject="a", message="b"),) if found else ()

    @verb("pse look")
    @fail_on_option()
    def look(session: Session, fail_on: str) -> None:
        """Look."""
        session.show(View({}, (), findings), fail_on=fail_on)

    monkeypatch.setattr(type(root), "get_command", lambda _self, _ctx, _name: look)
    assert run("look", "--fail-on", level).exit_code == code


def test_a_refused_workload_is_1_whatever_the_findings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from pse.cli.main import root

    @verb("pse look")
    def look(session: Session) -> None:
        """Look."""
        session.show(View({"items": ()}, (), (), 1))

    monkeypatch.setattr(type(root), "get_command", lambda _self, _ctx, _name: look)
    done = run("look", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (1, {"items": []})


def campaign(**states: MoveState) -> Campaign:
    workloads = tuple(WorkloadProgress(workload=name, state=state) for name, state in states.items())
    return Campaign(plan="p", workloads=workloads)


def test_following_ends_when_all_is_settled_and_tells_each_change_once() -> None:
    seen = iter(
        [
            campaign(a=MoveState.SEEDING, b=MoveState.VERIFIED),
            campaign(a=MoveState.SEEDING, b=MoveState.VERIFIED),
            campaign(a=MoveState.VERIFIED, b=MoveState.VERIFIED),
        ]
    )
    waits: list[float] = []
    events = list(changes(lambda: next(seen), working=lambda: True, pause=waits.append))
    told = [(w.workload, w.state.value) for w in events if isinstance(w, WorkloadProgress)]
    assert len(told) == len(events)
    assert told == [("a", "seeding"), ("b", "verified"), ("a", "verified")]
    assert len(waits) == 2


def test_following_nothing_ends_at_once() -> None:
    assert list(changes(lambda: None, working=lambda: True)) == []


def test_following_ends_when_nobody_works() -> None:
    waiting = WorkloadProgress(workload="records", state=MoveState.WAITING)
    campaign = Campaign(plan="0" * 64, workloads=(waiting,))
    assert list(changes(lambda: campaign, working=lambda: False)) == [waiting]


def test_json_lines_goes_with_follow(run: Run) -> None:
    done = run("status", "--json-lines")
    assert done.exit_code == 2
    assert "--follow" in done.stderr
