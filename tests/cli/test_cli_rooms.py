"""Verbs over the real rooms, on the sample workspace with nothing started."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pse.core.settings import Workspace
from tests.cli.conftest import Run
from tests.policy.house import noc
from tests.require import require

DAY = "2026-11-25"


@pytest.fixture
def ministry(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    require("postgres", "named", "bwrap")
    folder = tmp_path / "sample"
    assert run("init", folder, "--sample").exit_code == 0
    monkeypatch.chdir(folder)
    return folder


def told(run: Run, *words: str, code: int = 0) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout)


def test_init_makes_a_workspace_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    made = told(run, "init", str(folder), "--entity", "Ministry of Works")
    assert made["entity"] == "Ministry of Works"
    assert len(made["signer"]) == 64
    assert (folder / ".pse" / "signing_key").stat().st_mode & 0o777 == 0o600
    before = (folder / "pse.toml").read_bytes()
    assert run("init", folder, "--entity", "Another").exit_code == 2
    assert (folder / "pse.toml").read_bytes() == before


def test_the_register_is_shown_verified_and_refused_when_altered(run: Run, ministry: Path) -> None:
    shown = told(run, "register", "show", "--as-of", DAY)
    assert shown["sample"] is True
    # Where a place is built stands in the table too: it is what a changed entry changes.
    assert " provider " in run("register", "show", "--as-of", DAY).output
    states = {item["place"]["csp"]: item["standing"]["restricted"] for item in shown["items"]}
    assert states["sample-markhor"] == "accredited"
    assert states["sample-ibex"] == "suspended"
    assert told(run, "register", "verify")["verified"] is True
    register = ministry / "policy" / "register.toml"
    register.write_text(register.read_text().replace("suspended", "accredited"))
    assert run("register", "verify").exit_code == 3
    assert run("plan", "--as-of", DAY).exit_code == 3
    assert run("register", "sign").exit_code == 0
    assert run("register", "verify").exit_code == 0
    until = told(run, "register", "verify")["valid_until"]
    register.write_text(register.read_text().replace(f"valid_until = {until}", "valid_until = 2026-01-02"))
    assert run("register", "sign").exit_code == 0
    expired = run("register", "verify")
    assert expired.exit_code == 0  # the signature holds
    assert "it EXPIRED on 2026-01-02" in expired.stdout
    assert told(run, "register", "verify")["expired"] is True


def test_nocs_are_signed_by_a_verb_and_refused_until_then(run: Run, ministry: Path) -> None:
    assert run("register", "sign", "--nocs").exit_code == 4
    (ministry / "policy" / "nocs.toml").write_text(noc())
    refused = run("plan", "--as-of", DAY)
    assert refused.exit_code == 3
    assert "pse register sign --nocs" in refused.stderr
    assert told(run, "register", "sign", "--nocs")["signature"].endswith("nocs.toml.sig")
    assert run("plan", "--as-of", DAY).exit_code != 3


def test_the_ledger_is_a_chain(run: Run, ministry: Path) -> None:
    from policy.ledger import Ledger
    from pse.core.settings import Workspace

    ledger = Ledger(Workspace(ministry))
    for number in range(3):
        ledger.record("approval", {"office": "Director Records", "number": number})
    assert [entry["data"]["number"] for entry in told(run, "ledger", "show")["items"]] == [0, 1, 2]
    assert [entry["data"]["number"] for entry in told(run, "ledger", "show", "--last", "1")["items"]] == [2]
    assert told(run, "ledger", "verify")["entries"] == 3
    file = ministry / ".pse" / "ledger.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"number":1', b'"number":7'))
    assert run("ledger", "verify").exit_code == 3


def test_a_plan_costs_compares_and_previews_the_same(run: Run, ministry: Path) -> None:
    plan = told(run, "plan", "--as-of", DAY)
    assert told(run, "plan", "--as-of", DAY)["hash"] == plan["hash"]
    assert Path(plan["path"]).is_file()
    (new,) = [d for d in plan["items"] if d["workload"] == "analytics"]
    assert new["strategy"] == "new"
    assert new["place"].startswith("sample-markhor/")

    cost = told(run, "cost")
    assert cost["total"] == plan["cost"]
    assert told(run, "cost", "--format", "infracost")["version"] == "0.2"
    assert json.loads(run("cost", "--format", "json").stdout) == cost
    shown = run("cost").stdout
    assert "SAMPLE" in shown
    assert ("without a price" in shown) == bool(cost["total"]["no_price"])

    (compared,) = told(run, "compare")["items"]
    assert {o["place"].split("/")[0]: o["allowed"] for o in compared["options"]} == {
        "sample-markhor": True,
        "sample-ibex": False,
        "sample-elsewhere": False,
    }
    (scored,) = told(run, "compare", "--score")["items"]
    assert (scored["chosen"], scored["cheapest"]) == (compared["chosen"], compared["chosen"])
    assert "weights: known 20, price 60, together 20" in run("compare", "--score").stdout
    unknown = run("compare", "--tco")  # nobody gave figures of the room
    assert unknown.exit_code == 4
    assert "docs/sizing.md" in unknown.stderr
    (ministry / "room.toml").write_text('currency = "PKR"\n')
    nothing = run("compare", "--tco").stdout
    assert "staying not known" in nothing  # and not 0
    assert "nobody can say whether it pays" in nothing
    (ministry / "room.toml").write_text('currency = "PKR"\nhosts = 6\nprice_kwh = 50\n')
    room = told(run, "compare", "--tco")
    assert room["room"]["no_figure"] == 6
    assert f"staying at least {Decimal(room['room']['stay']):,.2f}" in run("compare", "--tco").stdout
    assert "(default: " in run("compare", "--tco", "--format", "markdown").stdout
    assert run("compare", "--tco", "--score").exit_code == 2


def test_dearer_plan_is_shown_beside_the_one_before_and_held_against_budgets(run: Run, ministry: Path) -> None:
    old = told(run, "plan", "--as-of", DAY)
    book = ministry / Workspace(ministry).settings.price_book
    book.write_text(book.read_text().replace('price = "8.40"', 'price = "9.40"'))
    new = told(run, "plan", "--as-of", DAY)
    both = ("--diff", old["path"], new["path"])
    assert run("cost", *both, "--lines").exit_code == 2
    whole = run("cost", "--lines", "--format", "markdown").stdout
    assert "compute:std-2-4" in whole
    assert "compute:std-2-4" not in run("cost", "--format", "markdown").stdout
    diff = told(run, "cost", *both)
    rise = Decimal(new["cost"]["monthly"]) - Decimal(old["cost"]["monthly"])
    assert rise > 0
    assert Decimal(diff["monthly"]) == rise
    assert sum(Decimal(change["monthly"]) for change in diff["items"]) == rise
    assert {line["why"] for change in diff["items"] for line in change["lines"] if line["kind"] == "compute"} == {
        "price"
    }

    shown = run("cost", *both, "--format", "markdown")
    assert shown.exit_code == 0
    assert "| workload | from | to |" in shown.stdout
    # The sample's book lacks a price on purpose: so no budget is kept, however large.
    unpriced = {"PSE-B052"} if new["cost"]["no_price"] else set()
    for budget, codes in (
        (("--max-monthly", new["cost"]["monthly"]), unpriced),
        (("--max-monthly", "1"), {"PSE-B050", *unpriced}),
        (("--max-increase", "0%"), {"PSE-B051", *unpriced}),
    ):
        held = run("cost", *both, *budget, "--json")
        assert held.exit_code == int(bool(codes))
        assert {finding["code"] for finding in json.loads(held.stdout).get("findings", ())} == codes
    assert run("cost", "--max-increase", "5%").exit_code == 2
    assert run("cost", "--max-monthly", "much").exit_code == 2
    over = run("cost", *both, "--format", "infracost", "--max-monthly", "1")
    assert over.exit_code == 1
    made = json.loads(over.stdout)
    assert Decimal(made["diffTotalMonthlyCost"]) == rise
    assert Decimal(made["pastTotalMonthlyCost"]) == Decimal(old["cost"]["monthly"])

    page = ministry / "bill.html"
    assert run("cost", *both, "--format", "html", "--out", page).exit_code == 0
    assert "<th>workload</th>" in page.read_text()
    assert run("cost", "--format", "focus-csv").stdout.startswith("BilledCost,BillingAccountId,")
    assert run("cost", "--format", "focus-parquet", "--out", ministry / "bill.parquet").exit_code == 0
    assert (ministry / "bill.parquet").read_bytes().startswith(b"PAR1")
    for wrong in (("--format", "focus-parquet"), ("--out", "x"), ("--format", "focus-csv", "--diff", old["path"])):
        assert run("cost", *wrong).exit_code == 2


def test_two_plans_are_compared_and_a_what_if_is_no_plan(run: Run, ministry: Path) -> None:
    old = told(run, "plan", "--as-of", DAY)
    wanted = ministry / "environments" / "analytics.toml"
    wanted.write_text(wanted.read_text().replace("vcpus = 2", "vcpus = 3", 1))
    new = told(run, "plan", "--as-of", DAY)
    diff = told(run, "compare", old["path"], new["path"])
    assert (diff["old"], diff["new"], diff["inputs"]) == (old["hash"], new["hash"], ["environments"])
    assert [change["workload"] for change in diff["items"]] == ["analytics"]
    assert "| workload | what |" in run("compare", old["path"], new["path"], "--format", "markdown").stdout

    plans, ledger = sorted(ministry.glob("plans/*")), ministry / ".pse" / "ledger.jsonl"
    before = ledger.read_bytes() if ledger.exists() else b""
    supposed = ("plan", "--as-of", DAY, "--what-if", "category:analytics=open", "--what-if", "price:*:compute=+10%")
    made = told(run, *supposed)
    assert made["what_if"] == [supposed[4], supposed[6]]
    assert not {"hash", "old", "new", "path", "units"} & set(made)
    assert "nothing can be provisioned from it" in run(*supposed).stdout
    assert sorted(ministry.glob("plans/*")) == plans
    assert (ledger.read_bytes() if ledger.exists() else b"") == before
    assert run(*supposed, "--out", ministry / "x").exit_code == 2
    # What it says, made a file by hand, is none that `pse up` takes.
    told_file = ministry / "plan.json"
    told_file.write_text(json.dumps(made))
    assert run("up", told_file, "--yes").exit_code == 4


def test_a_preview_without_the_cli_counts_what_would_be_made(run: Run, ministry: Path) -> None:
    told(run, "plan", "--as-of", DAY)
    # The real command, in a process of its own: Pulumi's mocks leave event loops open behind them.
    command = [sys.executable, "-m", "pse.cli.main", "preview", "--offline", "--json"]
    done = subprocess.run(command, cwd=ministry, capture_output=True, text=True, check=True, timeout=60)
    preview = json.loads(done.stdout)
    assert preview["offline"] is True
    assert preview["operations"]["create"] > 0
    assert preview["operations"]["delete"] == 0


def test_what_would_be_built_is_shown_before_anything_is(run: Run, ministry: Path) -> None:
    told(run, "plan", "--as-of", DAY)
    intent = told(run, "up", "--dry-run")
    assert {item["state"] for item in intent["items"]} == {"new"}
    assert run("up").exit_code == 2
    assert run("up", "--dry-run", "--unit", "nonsense").exit_code == 2
    assert told(run, "migrate", "--dry-run")["items"] == []
    assert run("migrate", "--dry-run", "--workload", "nonsense").exit_code == 2
    name = Path(json.loads(run("cost", "--json").stdout)["plan"][:12])
    assert run("rollback", "nonsense", name, "--dry-run").exit_code == 2
    assert not (ministry / ".pse" / "deployments").exists()


def test_a_dry_run_of_what_would_be_refused_is_refused(run: Run, ministry: Path) -> None:
    told(run, "plan", "--as-of", DAY)
    labels = ministry / "policy" / "labels.toml"
    labels.write_text(labels.read_text() + "\n# reviewed again\n")
    told(run, "up", "--dry-run")
    labels.write_text(labels.read_text().replace('category = "open"', 'category = "restricted"', 1))
    refused = run("up", "--dry-run")
    assert refused.exit_code == 3
    assert "changed since the plan was made" in refused.stderr


def test_an_edited_plan_is_refused(run: Run, ministry: Path) -> None:
    path = Path(told(run, "plan", "--as-of", DAY)["path"])
    path.write_text(path.read_text().replace("sample-markhor", "sample-elsewhere", 1))
    assert run("cost").exit_code == 3
    assert run("up", "--yes").exit_code == 3


def test_a_bad_day_and_a_bad_file_name_themselves(run: Run, ministry: Path) -> None:
    done = run("plan", "--as-of", "2026-02-30")
    assert done.exit_code == 2
    assert "--as-of" in done.stderr
    assert "YYYY-MM-DD" in done.stderr
    prices = ministry / "policy" / "prices.toml"
    prices.write_text("[[offer]]\nprice = ")
    done = run("plan", "--as-of", DAY)
    assert done.exit_code == 4
    assert "prices.toml" in done.stderr


def test_what_runs_on_a_host_is_published(run: Run, ministry: Path) -> None:
    del ministry
    items = told(run, "discover", "--commands")["items"]
    assert {"identity", "system"} <= {item["fact"] for item in items}


def test_new_labels_are_taken_only_when_they_can_be_read(run: Run, ministry: Path, tmp_path: Path) -> None:
    labels = ministry / "policy" / "labels.toml"
    before = labels.read_bytes()
    broken = tmp_path / "broken.toml"
    broken.write_text('[[label]]\ncategory = "top secret"\nhosts = ["*"]\n')
    done = run("label", broken)
    assert done.exit_code == 4
    assert "broken.toml" in done.stderr
    assert labels.read_bytes() == before


def test_the_lab_is_empty_before_it_is_started(run: Run, ministry: Path) -> None:
    del ministry
    assert told(run, "lab", "status")["items"] == []
    assert told(run, "lab", "stop")["items"] == []


def test_blueprints_are_listed_shown_and_drawn_without_a_workspace(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    items = told(run, "blueprints", "list")["items"]
    assert {"landing", "server", "web-database"} <= {item["name"] for item in items}
    for item in items:
        assert len(told(run, "blueprints", "show", item["name"])["items"]) == item["controls"]
        assert told(run, "blueprints", "draw", item["name"])["svg"].startswith("<svg")
    assert run("blueprints", "draw", "server", "--out", tmp_path / "server.svg").exit_code == 0
    assert "<svg" in (tmp_path / "server.svg").read_text()
    assert run("blueprints", "show", "castle").exit_code == 4
