"""`pse import`: what it says it recognised, its totals, and the two ways of telling it what a file is."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def table(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert run("init", tmp_path / "works", "--entity", "Ministry of Works").exit_code == 0
    monkeypatch.chdir(tmp_path / "works")
    path = tmp_path / "list.csv"
    path.write_text("Machine name,Cores,RAM,Disk\na,2,4 GB,100 GB\nb,two,1 GB,\nc,1,8,\n", encoding="utf-8")
    return path


def test_it_says_what_it_recognised_and_gives_totals(run: Run, table: Path) -> None:
    done = run("import", table, "--fail-on", "never")
    assert done.exit_code == 0, done.stderr
    assert "recognised as: list of servers" in done.stdout
    assert "3 rows: 2 servers, 0 templates, 1 left out" in done.stdout
    assert "3 vCPU, 4.00 GiB memory, 100.00 GiB provisioned" in done.stdout
    assert "row 3 was left out: vcpus is not a number: 'two'" in " ".join(done.stdout.split())


def test_json_has_the_same(run: Run, table: Path) -> None:
    shown = json.loads(run("import", table, "--json").stdout)
    assert (shown["format"], shown["files"]) == ("list", ["list.csv"])
    assert (shown["rows"], shown["servers"], shown["templates"], shown["skipped"]) == (3, 2, 0, 1)
    assert shown["totals"]["memory_mib"] == 4096
    assert {f["code"] for f in shown["findings"]} == {"PSE-I020", "PSE-I023"}


def test_a_mapping_says_the_unit_and_a_format_is_forced(run: Run, table: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    columns = 'name = "Machine name"\nvcpus = "Cores"\nmemory = "RAM"'
    mapping.write_text(f'title = "ours"\n[[table]]\nunits = {{memory = "GiB"}}\n[table.columns]\n{columns}\n', "utf-8")
    shown = json.loads(run("import", table, "--mapping", mapping, "--json").stdout)
    assert (shown["title"], shown["totals"]["memory_mib"]) == ("ours", 12288)
    assert run("import", table, "--format", "netbox").exit_code == 4
    wrong = run("import", table, "--format", "excel")
    assert wrong.exit_code == 2
    assert "azure-migrate" in wrong.stderr
