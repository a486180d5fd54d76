"""`pse policy`: the rules, their cases and explanations, as people and pipelines see them."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_cli_rooms import DAY, told
from tests.cli.workbook import write_workbook
from tests.policy.house import OWN

CASES = """
[[rule.good]]
category = "public"
country = "PK"

[[rule.bad]]
category = "public"
country = "PK"
"""


@pytest.fixture
def works(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample's policy with two imported servers, one of them labelled."""
    folder = tmp_path / "works"
    assert run("init", folder, "--sample").exit_code == 0
    monkeypatch.chdir(folder)
    assert run("import", write_workbook(tmp_path / "old.xlsx", ["web1", "db1"])).exit_code == 0
    (folder / "policy" / "labels.toml").write_text('[[label]]\ncategory = "restricted"\nhosts = ["db1"]\n')
    return folder


def test_nothing_to_propose_sends_nobody_to_sign(run: Run, works: Path) -> None:
    shown = run("label", "--propose").stdout
    assert "nothing to sign" in shown
    assert "signs there" not in shown


def test_rules_are_listed_with_own_ones_and_their_dates(run: Run, works: Path) -> None:
    (works / "policy" / "rules" / "own.toml").write_text(
        OWN.replace("confidence", "valid_from = 2027-01-01\nconfidence")
    )
    listed = {rule["id"]: rule for rule in told(run, "policy", "rules", "--as-of", DAY)["items"]}
    assert {"PSE-R003", "PSE-G001", "MINISTRY-001"} <= set(listed)
    assert (listed["PSE-R003"]["in_force"], listed["MINISTRY-001"]["in_force"]) == (True, False)
    assert told(run, "policy", "rules", "--as-of", "2027-01-01")["items"][0]["in_force"] is True
    shown = run("policy", "rules").stdout
    assert "MINISTRY-001  Public data rests in Pakistan." in shown
    assert "not in force: 2027-01-01" in shown or "in force, 2027-01-01" in shown
    assert "Not legal advice" in shown


def test_cases_beside_own_rules_are_run(run: Run, works: Path) -> None:
    assert told(run, "policy", "test")["failed"] == 0
    file = works / "policy" / "rules" / "own.toml"
    file.write_text(OWN)
    without = told(run, "policy", "test")
    assert [found["code"] for found in without["findings"]] == ["PSE-R107", "PSE-R107"]
    file.write_text(OWN + CASES)
    wrong = told(run, "policy", "test", code=1)
    assert [(found["code"], found["subject"]) for found in wrong["findings"]] == [("PSE-R106", "MINISTRY-001")]
    assert run("policy", "test", "--fail-on", "never").exit_code == 0


def test_workload_is_explained_as_the_plan_decides(run: Run, works: Path) -> None:
    found = told(run, "policy", "explain", "db1", "--as-of", DAY)
    assert found["category"] == "restricted"
    allowed = {place["place"]: place["allowed"] for place in found["items"]}
    assert allowed == {
        "/".join(row["place"][key] for key in ("csp", "region", "site")): row["standing"]["restricted"] == "accredited"
        for row in told(run, "register", "show", "--as-of", DAY)["items"]
    }
    (abroad,) = told(run, "policy", "explain", "db1", "--place", "*/abroad/*", "--as-of", DAY)["items"]
    assert {"PSE-R003", "PSE-R004"} <= {rule["rule"] for rule in abroad["rules"] if rule["says"] == "refuses"}
    shown = run("policy", "explain", "db1").stdout
    assert "db1 is restricted" in shown
    assert "SAMPLE" in shown
    assert "is in XA" in shown


def test_unlabelled_workload_is_refused_everywhere_unless_a_category_is_asked_about(run: Run, works: Path) -> None:
    assert told(run, "policy", "explain", "web1")["category"] is None
    assert not any(place["allowed"] for place in told(run, "policy", "explain", "web1")["items"])
    asked = told(run, "policy", "explain", "web1", "--category", "open")
    assert (asked["category"], any(place["allowed"] for place in asked["items"])) == ("open", True)
    assert told(run, "policy", "explain", "--category", "open")["workload"] == ""


def test_category_that_nobody_agreed_to_is_explained_as_little_as_planned(run: Run, works: Path) -> None:
    assert run("plan", "--as-of", DAY).exit_code == 1
    labels = works / "policy" / "labels.toml"
    labels.write_text(labels.read_text().replace("restricted", "open"))
    for verb in (("plan",), ("policy", "explain", "db1")):
        done = run(*verb, "--as-of", DAY)
        assert done.exit_code == 3
        assert "no second person agreed: db1 (restricted to open)" in done.stderr
    assert told(run, "policy", "explain", "web1")["category"] is None
    assert told(run, "policy", "explain", "db1", "--category", "open")["category"] == "open"


def test_place_that_people_demand_is_told_as_the_plan_takes_it(run: Run, works: Path) -> None:
    (works / "workloads.toml").write_text('[workload.db1]\nplace = "sample-elsewhere/abroad/abr-1"\n')
    assert "db1" in told(run, "plan", "--as-of", DAY, code=1)["refused"]
    shown = run("policy", "explain", "db1").stdout
    assert "It is to go to sample-elsewhere/abroad/abr-1 and nowhere else, which is refused." in shown
    assert told(run, "policy", "explain", "db1")["demanded"] == "sample-elsewhere/abroad/abr-1"
    assert "nowhere else" not in run("policy", "explain", "web1").stdout


def test_environment_becomes_less_strict_by_two_people_only(run: Run, works: Path) -> None:
    assert run("plan", "--as-of", DAY).exit_code == 1
    file = works / "environments" / "analytics.toml"
    lower = file.read_text().replace('"restricted"', '"open"')
    alone = lower.replace("egress_gib", 'owner = "Director Works"\nreason = "Published"\negress_gib')
    for text in (lower, alone, alone.replace("reason", 'agreed_by = "Director  Works."\nreason')):
        file.write_text(text)
        for verb in (("plan",), ("policy", "explain", "analytics")):
            done = run(*verb, "--as-of", DAY)
            assert done.exit_code == 3
            assert "no second person agreed: analytics (restricted to open)" in done.stderr
    assert run("policy", "explain", "db1").exit_code == 0
    file.write_text(alone.replace("reason", 'agreed_by = "Director General"\nreason'))
    assert run("plan", "--as-of", DAY).exit_code == 1
    file.write_text(lower)
    assert run("plan", "--as-of", DAY).exit_code == 1
    (entry,) = [one for one in told(run, "ledger", "show")["items"] if one["kind"] == "downgrade"]
    assert (entry["data"]["server"], entry["data"]["agreed_by"]) == ("analytics", "Director General")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "--category"),
        (("db",), 2, "Did you mean db1?"),
        (("db1", "--category", "top"), 2, "restricted"),
        (("db1", "--as-of", "2035-01-01"), 3, "register"),
    ],
    ids=["nothing", "unknown", "category", "register"],
)
def test_what_cannot_be_explained(run: Run, works: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = run("policy", "explain", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_pattern_that_fits_no_place_is_said(run: Run, works: Path) -> None:
    done = run("policy", "explain", "db1", "--place", "nowhere/*")
    assert done.exit_code == 2
    assert "no place of the register" in done.stderr


LABEL = (
    '[[label]]\ncategory = "{}"\nhosts = ["*"]\nowner = "Director Works"\nreference = "File 1"\nsigned = 2026-01-01\n'
)


def test_category_is_lowered_by_two_people_only_by_label_and_by_plan(run: Run, works: Path, tmp_path: Path) -> None:
    file, new = works / "policy" / "labels.toml", tmp_path / "new.toml"
    file.write_text(LABEL.format("restricted"))
    assert run("plan", "--as-of", DAY).exit_code == 1, "nobody sells what they need, which is another matter"
    new.write_text(LABEL.format("public"))
    done = run("label", new, "--yes")
    assert (done.exit_code, file.read_text()) == (3, LABEL.format("restricted"))
    assert "agreed_by" in done.stderr
    file.write_text(new.read_text())
    assert run("plan", "--as-of", DAY).exit_code == 3
    file.write_text(LABEL.format("restricted"))
    new.write_text(LABEL.format("public") + 'reason = "Published"\nagreed_by = "Director General"\n')
    shown = told(run, "label", str(new), "--dry-run")
    assert {row["server"] for row in shown["lowered"]} == {"web1", "db1"}
    assert run("label", new, "--yes").exit_code == 0
    assert run("plan", "--as-of", DAY).exit_code == 1
    entries = told(run, "ledger", "show")["items"]
    assert [entry["data"]["server"] for entry in entries if entry["kind"] == "downgrade"] == ["db1", "web1"]
    (refused,) = [entry["data"] for entry in entries if entry["kind"] == "refused"]
    assert (refused["verb"], refused["where"]) == ("plan", "policy/labels.toml")


def test_label_that_nobody_signed_is_a_finding(run: Run, works: Path) -> None:
    file = works / "policy" / "labels.toml"
    assert "PSE-R110" in {found["code"] for found in told(run, "label", code=1)["findings"]}
    file.write_text(LABEL.format("restricted"))
    assert "PSE-R110" not in {found["code"] for found in told(run, "label").get("findings", [])}


def test_what_was_found_is_proposed_and_decides_only_once_its_owner_signed(
    run: Run, works: Path, tmp_path: Path
) -> None:
    names, file = tmp_path / "names.csv", works / "policy" / "proposals.toml"
    names.write_text("host,kind,name\nweb1,column,citizen.cnic\ndb1,column,person.fingerprint\n")
    found = told(run, "label", "--propose", str(names))
    (one,) = found["items"]
    assert (one["workload"], one["proposed"], one["confidence"]) == ("web1", "restricted", "high")
    assert [f["subject"] for f in found["findings"] if f["code"] == "PSE-R111"] == ["db1"], "its label is looser"
    assert "CNIC" in run("label", "--propose", names).stdout
    before = (works / "policy" / "labels.toml").read_text()
    for words in (("--accept",), ("--propose", "--accept")):
        assert run("label", *words, "--yes").exit_code == 2, "nobody signed"
    assert told(run, "policy", "explain", "web1")["category"] is None
    assert run("label", file, "--yes").exit_code == 4, "proposals are no labels"
    file.write_text(
        file.read_text()
        .replace('owner = ""', 'owner = "Director"')
        .replace('reference = ""', 'reference = "File 1"\nsigned = 2026-11-01')
    )
    shown = told(run, "label", "--accept", "--dry-run")
    assert next((row["name"], row["becomes"]) for row in shown["items"]) == ("web1", "restricted")
    assert (works / "policy" / "labels.toml").read_text() == before
    run("label", "--accept", "--yes")
    assert (works / "policy" / "labels.toml").read_text().startswith(before)
    assert told(run, "policy", "explain", "web1")["category"] == "restricted"
    (entry,) = (e["data"] for e in told(run, "ledger", "show")["items"] if e["kind"] == "labelled")
    assert (entry["workloads"], entry["category"], entry["owner"]) == (["web1"], "restricted", "Director")
    assert (entry["reference"], entry["signed"]) == ("File 1", "2026-11-01")
    assert told(run, "label", "--propose", str(names))["items"] == [], "it has a category now"


def test_registers_of_all_jurisdictions_are_shown_side_by_side(run: Run, works: Path) -> None:
    register = works / "policy" / "register.toml"
    text = register.read_text().replace(
        'reference = "SAMPLE-SUS-1"', 'reference = "SAMPLE-SUS-1"\njurisdiction = "sindh"'
    )
    register.write_text(text)
    assert run("register", "sign").exit_code == 0
    shown = told(run, "register", "show", "--as-of", DAY)
    states = {item["place"]["csp"]: (item["standing"], item["elsewhere"]["sindh"]) for item in shown["items"]}
    own, other = states["sample-ibex"]
    assert (own["restricted"], other["restricted"]) == ("accredited", "suspended")
    assert [one["id"] for one in shown["jurisdictions"]] == ["federal", "sindh"]
    table = run("register", "show", "--as-of", DAY).stdout
    assert "The sindh register, which serves its own entities only" in table
    assert "Sindh: the framework is approved" in table
    assert "as of 2023-05-05" in table


def test_cases_beside_own_clues_are_run(run: Run, works: Path) -> None:
    (works / "policy" / "clues").mkdir()
    (works / "policy" / "clues" / "own.toml").write_text(
        '[[clue]]\nid = "OWN"\ntext = "x"\ncategory = "open"\nconfidence = "low"\nlooks_at = ["host"]\nwords = ["x"]\n'
        'source = "x"\ngood = ["y"]\n'
    )
    wrong = told(run, "policy", "test", code=1)
    assert (wrong["failed"], [found["code"] for found in wrong["findings"]]) == (1, ["PSE-R112"])
