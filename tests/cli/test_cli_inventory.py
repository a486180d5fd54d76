"""`pse inventory`: the list and its readiness, one server, what changed, and files for other tools."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Run

FIRST = (
    "Machine name,Cores,RAM MiB,OS,IP\n"
    "web,2,4096,Debian GNU/Linux 12,192.0.2.10\n"
    "db,4,8192,Debian GNU/Linux 12,192.0.2.11\n"
    '"=HYPERLINK(""x"")",1,1024,,192.0.2.12\n'
)
SECOND = (
    "Machine name,Cores,RAM MiB,OS,IP\n"
    "web,8,4096,Debian GNU/Linux 12,192.0.2.10\n"
    "db,4,8192,Debian GNU/Linux 12,192.0.2.11\n"
    "mail,1,2048,Debian GNU/Linux 12,192.0.2.13\n"
)


@pytest.fixture
def imported(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(FIRST, "utf-8")
    done = run("import", path, "--fail-on", "never")
    assert done.exit_code == 0, done.stderr
    return path


def asked(run: Run, *words: str) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_the_list_has_what_other_programs_look_for(run: Run, imported: Path) -> None:
    items = {one["hostname"]: one for one in asked(run, "inventory", "list")["items"]}
    assert len(items) == 3
    web = items["web"]
    fields = "id hostname addresses os vcpus memory_mib disks power_state is_template sources readiness"
    assert set(fields.split()) <= web.keys()
    assert (web["vcpus"], web["memory_mib"], web["addresses"]) == (2, 4096, ["192.0.2.10"])
    assert [source.rpartition(":")[2] for source in web["sources"]] == ["2"]  # line of the file
    assert items['=HYPERLINK("x")']["readiness"] == "unknown"  # nothing tells its operating system
    assert web["readiness"] == "ready"


def test_the_list_is_narrowed_by_name_and_state(run: Run, imported: Path) -> None:
    assert [one["hostname"] for one in asked(run, "inventory", "list", "W*")["items"]] == ["web"]
    unknown = asked(run, "inventory", "list", "--readiness", "unknown")["items"]
    assert [one["hostname"] for one in unknown] == ['=HYPERLINK("x")']
    assert "2 ready, 1 unknown" in run("inventory", "list").stdout


def test_one_server_is_shown_by_name_or_id_and_a_wrong_name_says_what_is_near(run: Run, imported: Path) -> None:
    web = asked(run, "inventory", "show", "web")["server"]
    assert asked(run, "inventory", "show", web["id"])["server"] == web
    wrong = run("inventory", "show", "we")
    assert wrong.exit_code == 4
    assert "There is web" in wrong.stderr
    assert "Debian GNU/Linux 12" in run("inventory", "show", "db").stdout


def test_one_server_of_two_files_says_which_evidence_made_it_one(run: Run, tmp_path: Path) -> None:
    uuid = "4c4c4544-0042-3510-8053-b4c04f4e3332"
    for name, cpus in (("old.csv", 2), ("new.csv", 4)):
        (tmp_path / name).write_text(f"Server name,UUID,vCPU\nweb01,{uuid},{cpus}\n", encoding="utf-8")
        assert run("import", tmp_path / name, "--fail-on", "never").exit_code == 0
    shown = asked(run, "inventory", "show", "web01")
    (item,) = shown["items"]
    assert item["votes"] == [
        {"one": "list:old.csv#old:2", "two": "list:new.csv#new:2", "agree": ["uuid", "name"], "weight": 4}
    ]
    assert item["server"]["vcpus"] == 4
    assert any("vcpus 4 and not 2" in finding["message"] for finding in shown["findings"])
    assert "uuid, name" in run("inventory", "show", "web01").stdout


def test_what_changed_is_shown_between_any_two_runs(run: Run, imported: Path) -> None:
    alone = run("inventory", "diff")
    assert alone.exit_code == 4
    assert "no earlier snapshot" in alone.stderr
    imported.write_text(SECOND, "utf-8")
    assert run("import", imported, "--fail-on", "never").exit_code == 0
    runs = asked(run, "inventory", "history")["items"]
    assert [one["number"] for one in runs] == [1, 2]
    found = asked(run, "inventory", "diff")["difference"]
    assert (found["added"], found["gone"]) == (["mail"], ['=HYPERLINK("x")'])
    assert [(c["hostname"], c["fact"], c["before"], c["after"]) for c in found["changes"]] == [
        ("web", "vCPUs", "2", "8")
    ]
    assert asked(run, "inventory", "diff", "1", "2")["difference"] == found
    assert asked(run, "inventory", "diff", runs[0]["snapshot"][:8])["difference"] == found
    back = asked(run, "inventory", "diff", "2", "1")["difference"]
    assert (back["added"], back["gone"]) == (found["gone"], found["added"])
    assert "nothing that is compared differs" in run("inventory", "diff", "2", "2").stdout
    for wrong in ("9", "beef", "../.."):
        assert run("inventory", "diff", wrong).exit_code == 4


def test_files_hold_the_list_and_no_formula(run: Run, imported: Path, tmp_path: Path) -> None:
    names = ['=HYPERLINK("x")', "db", "web"]
    for ending in ("json", "csv", "parquet", "xlsx"):
        done = run("inventory", "export", tmp_path / f"estate.{ending}")
        assert done.exit_code == 0, done.stderr
    assert [one["hostname"] for one in json.loads((tmp_path / "estate.json").read_text())["items"]] == names
    rows = list(csv.DictReader(io.StringIO((tmp_path / "estate.csv").read_text())))
    assert [row["hostname"] for row in rows] == ["'" + names[0], *names[1:]]
    lists = {"addresses": "192.0.2.10", "sources": f"list:{imported.name}#list:2", "why": ""}
    assert {key: rows[2][key] for key in lists} == lists
    assert pq.read_table(tmp_path / "estate.parquet").column("addresses").to_pylist()[2] == "192.0.2.10"
    assert pq.read_table(tmp_path / "estate.parquet").column("hostname").to_pylist() == names
    sheet = openpyxl.load_workbook(tmp_path / "estate.xlsx")["list"]
    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert [(cell.value, cell.data_type) for cell in cells] == [(name, "s") for name in names]


def test_a_table_of_the_snapshot_is_written_with_its_own_columns(run: Run, imported: Path, tmp_path: Path) -> None:
    assert run("inventory", "export", tmp_path / "s.parquet", "--table", "servers").exit_code == 0
    table = pq.read_table(tmp_path / "s.parquet")
    named = dict(zip(table.column("hostname").to_pylist(), table.column("vcpus").to_pylist(), strict=True))
    assert named == {"web": 2, "db": 4, '=HYPERLINK("x")': 1}
    assert str(table.schema.field("vcpus").type) == "int64"


def test_a_file_that_is_there_is_not_written_over_and_an_unknown_ending_is_named(
    run: Run, imported: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    assert run("inventory", "export", tmp_path / "mine.csv").exit_code == 4
    assert (tmp_path / "mine.csv").read_text() == "mine"
    wrong = run("inventory", "export", tmp_path / "mine.ods")
    assert wrong.exit_code == 4
    assert ".xlsx" in wrong.stderr


def test_without_any_discovery_it_says_what_to_do(run: Run) -> None:
    done = run("inventory", "list")
    assert done.exit_code == 4
    assert "pse discover" in done.stderr


def test_the_graph_is_a_table_and_a_file(run: Run, imported: Path, tmp_path: Path) -> None:
    shown = asked(run, "graph")
    assert {node["label"] for node in shown["graph"]["nodes"]} >= {"web", "db"}
    done = run("graph", tmp_path / "estate.svg")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "estate.svg").read_text().startswith("<svg")
    assert run("graph", tmp_path / "estate.png").exit_code == 4
    assert not (tmp_path / "estate.png").exists()


def test_no_file_turns_the_rest_of_a_line_round(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Machine name,Cores,RAM MiB,OS,IP\n\u202eweb,2,4096,Debian GNU/Linux 12,192.0.2.10\n", "utf-8")
    assert run("import", path, "--fail-on", "never").exit_code == 0
    for ending in ("json", "csv"):
        assert run("inventory", "export", tmp_path / f"estate.{ending}").exit_code == 0
        text = (tmp_path / f"estate.{ending}").read_text("utf-8")
        assert "\u202e" not in text
        assert "\\u202eweb" in text


def test_usage_of_repeated_visits_says_what_is_missing(run: Run, imported: Path) -> None:
    assert asked(run, "discover", "--usage") == {"rows": 0, "too_few_visits": 0}
    assert Path("usage.csv").read_text("utf-8").startswith("host,first,last,coverage,")
    wrong = run("discover", "--max-age", "soon")
    assert wrong.exit_code == 2
    assert "12h" in wrong.stderr
