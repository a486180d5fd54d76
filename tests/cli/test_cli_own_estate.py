"""The way of an entity with its own servers: plain `pse init`, an import, labels, a register, a plan."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pse.core.settings import Workspace
from tests.cli.conftest import Run
from tests.cli.test_cli_rooms import DAY, told
from tests.cli.workbook import write_workbook

DOCUMENT = Path(__file__).parents[2] / "docs" / "own-estate.md"
EXAMPLES = dict(re.findall(r"```toml (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL))
FILES = ("hosts.toml", "policy/labels.toml", "policy/prices.toml", "policy/register.toml", "workloads.toml")


@pytest.fixture
def works(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace as plain `pse init` makes it, with two imported servers."""
    folder = tmp_path / "works"
    done = run("init", folder, "--entity", "Ministry of Works")
    assert done.exit_code == 0, done.stderr
    monkeypatch.chdir(folder)
    assert run("import", write_workbook(tmp_path / "old.xlsx", ["web1", "db1"])).exit_code == 0
    return folder


def test_init_names_the_steps_in_their_order(run: Run, tmp_path: Path) -> None:
    shown = run("init", tmp_path / "new", "--entity", "Ministry of Works").stdout
    steps = ["hosts.toml", "pse import", "policy/labels.toml", "policy/register.toml", "pse register sign"]
    places = [shown.index(step) for step in [*steps, "policy/prices.toml", "pse plan"]]
    assert places == sorted(places)


def test_init_writes_every_file_and_a_signed_register_without_a_provider(run: Run, works: Path) -> None:
    assert all((works / name).is_file() for name in FILES)
    assert told(run, "register", "verify")["verified"] is True
    assert told(run, "register", "show", "--as-of", DAY)["items"] == []


def test_an_empty_register_refuses_every_workload_and_breaks_nothing(run: Run, works: Path) -> None:
    (works / "policy" / "labels.toml").write_text('[[label]]\ncategory = "public"\nhosts = ["*"]\n')
    plan = told(run, "plan", "--as-of", DAY, code=1)
    assert sorted(plan["refused"]) == ["db1", "web1"]


@pytest.mark.parametrize("name", ["register.toml", "register.toml.sig"])
def test_a_register_that_is_not_there_or_not_signed_says_what_to_do(run: Run, works: Path, name: str) -> None:
    (works / "policy" / name).unlink()
    done = run("plan", "--as-of", DAY)
    assert done.exit_code == (3 if name.endswith(".sig") else 4)
    assert "pse register sign" in done.stderr
    assert ("valid_until" in done.stderr) == (name == "register.toml")


@pytest.mark.parametrize(
    ("words", "code"), [("register show", 0), ("label", 1), ("label --json", 1), ("label --fail-on never", 0)]
)
def test_a_closed_pipe_leaves_the_result_of_the_verb(works: Path, words: str, code: int) -> None:
    ours, theirs = os.pipe()
    os.close(ours)  # the reader is gone before anything is written
    done = subprocess.run(
        [sys.executable, "-m", "pse.cli.main", *words.split()],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
        cwd=works,
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize(("words", "code"), [("label", 1), ("register verify", 3), ("audit nonsense", 2)])
def test_closed_messages_leave_the_result_of_the_verb(works: Path, words: str, code: int) -> None:
    (works / "policy" / "register.toml.sig").unlink()
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "pse.cli.main", *words.split()]
    done = subprocess.run(command, stdout=theirs, stderr=theirs, timeout=30, check=False, cwd=works)
    os.close(theirs)
    assert done.returncode == code


def test_labels_need_no_register(run: Run, works: Path) -> None:
    (works / "policy" / "register.toml").unlink()
    (works / "policy" / "labels.toml").write_text('[[label]]\ncategory = "public"\nhosts = ["*"]\n')
    assert {row["category"] for row in told(run, "label")["items"]} == {"public"}


def test_new_labels_are_shown_agreed_to_and_the_former_ones_kept(run: Run, works: Path, tmp_path: Path) -> None:
    labels, new = works / "policy" / "labels.toml", tmp_path / "new.toml"
    labels.write_text('[[label]]\ncategory = "public"\nhosts = ["web*"]\n')
    former = labels.read_bytes()
    new.write_text(
        '[[label]]\ncategory = "sensitive"\nhosts = ["db*"]\n[[label]]\ncategory = "open"\nhosts = ["nosuch"]\n'
    )
    assert run("label", new).exit_code == 2, "nobody is there to ask"
    intent = told(run, "label", str(new), "--dry-run")
    assert [label["hosts"] for label in intent["appear"]] == [["db*"], ["nosuch"]]
    assert [label["hosts"] for label in intent["vanish"]] == [["web*"]]
    changes = {(c["kind"], c["name"]): (c["was"], c["becomes"]) for c in intent["items"]}
    assert changes["workload", "db1"] == changes["server", "db1"] == ("none", "sensitive")
    assert changes["workload", "web1"] == changes["server", "web1"] == ("public", "none")
    assert labels.read_bytes() == former
    done = run("label", new, "--yes")
    assert done.exit_code == 1, "web1 has no category now"
    (kept,) = (works / ".pse" / "labels").iterdir()
    assert str(kept) in done.stderr
    assert (kept.read_bytes(), labels.read_bytes()) == (former, new.read_bytes())
    found = [line for line in done.stdout.splitlines() if "PSE-R10" in line]
    assert "PSE-R104" in found[0], "what the new file says in vain stands before what was so all along"
    assert run("label", new).exit_code == 1, "the same file changes nothing, so nobody is asked"


def test_members_that_are_not_there_are_said_by_every_verb(run: Run, works: Path) -> None:
    (works / "workloads.toml").write_text('[workload.web1]\nmembers = ["nosuch"]\n[workload.ghost]\nsaas = "x"\n')
    for words in (("label",), ("plan", "--as-of", DAY)):
        found = [f for f in told(run, *words, code=1)["findings"] if f["source"] == "workloads.toml"]
        assert sorted((f["code"], f["subject"]) for f in found) == [("PSE-I031", "ghost"), ("PSE-I031", "web1")]


def test_a_file_without_labels_takes_none_away(run: Run, works: Path, tmp_path: Path) -> None:
    labels, nothing = works / "policy" / "labels.toml", tmp_path / "nothing.toml"
    labels.write_text('[[label]]\ncategory = "public"\nhosts = ["*"]\n')
    former = labels.read_bytes()
    nothing.write_bytes(b"")
    done = run("label", nothing, "--yes")
    assert (done.exit_code, labels.read_bytes()) == (3, former)
    assert "--allow-empty" in done.stderr
    assert run("label", nothing, "--yes", "--allow-empty").exit_code == 1
    assert labels.read_bytes() == b""


def test_the_examples_of_the_document_make_a_plan(run: Run, works: Path) -> None:
    more = {"calendar.toml", "environments/analytics.toml", "policy/nocs.toml", "policy/rules/own.toml"}
    assert {*FILES, *more} == set(EXAMPLES)
    for name, text in EXAMPLES.items():
        (works / name).write_text(text, encoding="utf-8")
    from inventory.hosts import load_hosts

    assert [host.name for host in load_hosts(Workspace(works))] == ["web1", "db1"]
    assert run("register", "sign").exit_code == 0
    assert run("register", "sign", "--nocs").exit_code == 0
    assert not told(run, "policy", "test").get("findings")
    tables = re.findall(
        r"```toml\n(\[(?:approvals|plan\.schedule)\].*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL
    )
    with (works / "pse.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n" + "\n".join(tables))
    assert Workspace(works).settings.approvals.count == 2
    assert Workspace(works).settings.plan.schedule.pilot_servers == 5
    labels = {row["workload"]: row["category"] for row in told(run, "label", "--fail-on", "never")["items"]}
    assert labels == {"web1": "restricted"}
    plan = told(run, "plan", "--as-of", DAY)
    assert plan["refused"] == []
    assert {row["workload"]: row["place"] for row in plan["items"]} == {
        "web1": "example-csp/islamabad/ict-1",
        "analytics": "example-csp/islamabad/ict-1",
    }
    shown = told(run, "waves", "--gantt", "waves.svg", "--ics", "waves.ics")
    assert [(w["workloads"], w["periods"]) for w in shown["items"]] == [
        (["web1"], [{"start": "2027-01-04", "end": "2027-01-08"}])
    ]
    assert shown["schedule"]["gap_percent"] == "0.00"
    assert shown["reasons"] == {"web1": "wave 1: the pilot: few, of the least sensitive category and of no high risk"}
    assert "PSE-B084" in {f["code"] for f in shown["findings"]}
    assert "SAMPLE" in Path("waves.svg").read_text(encoding="utf-8")
    assert "SUMMARY:SAMPLE Wave 1: 1 workload\\, 2 servers" in Path("waves.ics").read_text(encoding="utf-8")
    people = run("waves")
    assert people.exit_code == 0
    assert "over after wave 1; no schedule under these rules is over before wave 1" in people.stdout
