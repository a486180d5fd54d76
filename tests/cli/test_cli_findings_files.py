"""Findings and refusals as SARIF and JUnit: within the formats, at the right lines, names mean nothing."""

import json
import re
import tomllib
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from pse.cli.junit import Case, Suite, junit, suite_of
from pse.cli.meanings import meanings
from pse.cli.sarif import sarif
from pse.cli.spots import Spots
from pse.core.findings import Finding, Severity
from tests.cli.conftest import Run
from tests.schemas import SARIF, valid

ROOT = Path(__file__).parents[2]
HOSTILE = "<b>|[a](javascript:x){0}\x1b[31m\u202e\ufffe&\"'\n"


def finding(subject: str, code: str = "PSE-B003", severity: Severity = Severity.WARNING, source: str = "") -> Finding:
    return Finding(code=code, severity=severity, subject=subject, message="it is so", remedy="Mend it.", source=source)


@pytest.fixture
def files(empty: Path) -> Path:
    """The workspace in a folder of a repository, with a file of each kind."""
    (empty.parent / ".git").mkdir()
    for name, text in {
        "workloads.toml": '# "portal" is first here\n\n[workload.portal]\nwave = 2\n\n[workload."odd name"]\n',
        "hosts.toml": '[[host]]\nname = "portal"\n\n[[host]]\nname = "records"\n',
        "environments/analytics.toml": 'category = "restricted"\n',
        "policy/register.toml": 'sample = true\nid = "a/b/c"\n',
        "policy/prices.toml": 'book = "x"\n',
    }.items():
        path = empty / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return empty


@pytest.mark.parametrize(
    ("subject", "source", "file", "line"),
    [
        ("portal", "", "workloads.toml", 3),
        ("odd name", "", "workloads.toml", 6),
        ("records", "", "hosts.toml", 5),
        ("portal/records", "", "hosts.toml", 5),
        ("analytics", "", "environments/analytics.toml", 1),
        ("a/b/c", "", "policy/register.toml", 2),
        ("policy/register.toml, label of x", "", "policy/register.toml", 1),
        ("landing-a-b-c", "price book", "policy/prices.toml", 1),
        ("nobody", "", "pse.toml", 1),
    ],
)
def test_a_finding_is_at_the_line_that_names_its_subject(
    files: Path, subject: str, source: str, file: str, line: int
) -> None:
    assert Spots(files).of(subject, source) == (f"ministry/{file}", line)


def test_sarif_is_as_the_standard_says_and_has_each_rule_once(files: Path) -> None:
    found = [
        finding("portal"),
        finding("records", severity=Severity.INFO),
        finding("x", "OWN-1", Severity.ERROR, "Clause 7"),
    ]
    made = sarif(found, Spots(files), about="plan")
    valid(made, SARIF)
    assert made == sarif([*reversed(found), found[0]], Spots(files), about="plan")
    (run,) = made["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["OWN-1", "PSE-B003"]
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["error", "warning"]
    assert rules[1]["shortDescription"]["text"] == meanings()["PSE-B003"][0]
    assert rules[0]["shortDescription"]["text"] == "Clause 7"
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [r["ruleId"] for r in run["results"]]
    assert sorted(result["level"] for result in run["results"]) == ["error", "note", "warning"]
    prints = {result["partialFingerprints"]["pseFinding/v1"] for result in run["results"]}
    assert len(prints) == len(found)


def test_names_mean_nothing_to_sarif(files: Path) -> None:
    made = sarif([finding(HOSTILE)], Spots(files), about="ci")
    valid(made, SARIF)
    text = made["runs"][0]["results"][0]["message"]["text"]
    assert "\\[a\\](javascript:x){{0}}\\x1b\\[31m\\u202e" in text
    assert not re.search(r"(?<!\\)\[", text)
    assert text.isprintable() or "\ufffe" in text


def test_junit_fails_what_has_an_error_and_names_mean_nothing() -> None:
    made = suite_of(
        "plan",
        [finding("portal"), finding("records", severity=Severity.ERROR), finding(HOSTILE, severity=Severity.ERROR)],
        ("portal", "records", "opendata"),
    )
    data = junit([made, Suite("preview", (Case("all", skipped="no plan"),))])
    assert data == junit([made, Suite("preview", (Case("all", skipped="no plan"),))])
    root = fromstring(data)
    plan, preview = root.findall("testsuite")
    assert (plan.get("tests"), plan.get("failures")) == ("4", "2")
    by_name: dict[str | None, Element] = {case.get("name"): case for case in plan}
    assert [len(by_name[name]) for name in ("opendata", "portal", "records")] == [0, 1, 1]
    failure = by_name["records"].find("failure")
    assert failure is not None
    assert failure.text == "PSE-B003 it is so. Mend it."
    assert preview.find("testcase/skipped") is not None
    odd = next(name for name in by_name if name and name.startswith("<b>"))
    assert "\\x1b[31m\\u202e�" in odd


def test_a_refused_workload_is_in_the_files_with_its_rules(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    assert run("init", folder, "--sample").exit_code == 0
    wanted = folder / "environments" / "analytics.toml"
    wanted.write_text('place = "sample-elsewhere/abroad/abr-1"\n' + wanted.read_text())
    log, tests = tmp_path / "plan.sarif", tmp_path / "plan.xml"
    words = ("plan", "--as-of", "2026-11-25", "--workspace", folder)
    done = run(*words, "--findings", log, "--findings", tests)
    assert done.exit_code == 1, done.stderr
    made = json.loads(log.read_text())
    valid(made, SARIF)
    refused = [r for r in made["runs"][0]["results"] if r["ruleId"] == "PSE-R003"]
    assert [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in refused] == [
        "environments/analytics.toml"
    ]
    failed = fromstring(tests.read_bytes()).find("testsuite/testcase[@name='analytics']/failure")
    assert failed is not None
    assert "PSE-R003" in (failed.text or "")
    assert run(*words, "--findings", tmp_path / "plan.txt").exit_code == 2
    assert run("policy", "test", "--workspace", folder, "--findings", log).exit_code == 0
    assert json.loads(log.read_text())["runs"][0]["automationDetails"]["id"] == "pse/policy-test/"


def test_what_codes_mean_ships_with_the_package() -> None:
    assert len(meanings()) > 100
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build["force-include"] == {"docs/findings": "pse/findings"}
