"""Views: tables for people, one object for machines, text from outside made safe in both."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from pse.cli import render
from pse.cli.render_plan import amounts, total_line
from pse.cli.render_progress import Listener, line_of
from pse.cli.view import View, grid
from pse.core.documents.plan import Cost
from pse.core.findings import Finding, Severity
from pse.core.progress import Event

EVIL = "a\x1b[2J\u202eb[red]\nerror: PSE-X000 all fine\t\r\u2028"


def finding(severity: Severity, number: int = 1) -> Finding:
    return Finding(code=f"PSE-I{number:03}", severity=severity, subject=EVIL, message="m", remedy="r")


def test_people_see_lines_tables_and_findings(capsys: pytest.CaptureFixture[str]) -> None:
    view = View({}, ("a line", grid("Title", "name|>count", [("x", 3), (None, 4)])), (finding(Severity.ERROR),))
    render.show(view)
    shown = capsys.readouterr().out
    for part in ("a line", "Title", "name", "count", "x", "3", "–", "error: PSE-I001", "  r"):
        assert part in shown


def test_nothing_from_outside_moves_the_cursor_or_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    view = View({"t": EVIL}, (EVIL, grid(EVIL, EVIL, [(EVIL,)])), (finding(Severity.INFO),))
    render.people(view)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown.count("[red]") == 5
    assert r"[red]\nerror: PSE-X000" in shown
    assert not [line for line in shown.splitlines() if line.lstrip().startswith("error:")]
    render.show(view, "json")
    written = capsys.readouterr().out
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert json.loads(written)["t"] == EVIL


def test_json_is_one_object_with_paths_and_decimals_as_strings(capsys: pytest.CaptureFixture[str]) -> None:
    view = View({"path": Path("/a"), "items": ({"price": Decimal("1.10"), "n": None},)}, ("not there",))
    render.show(view, "json")
    assert json.loads(capsys.readouterr().out) == {"path": "/a", "items": [{"price": "1.10", "n": None}]}


def test_findings_are_part_of_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    render.show(View({}, (), (finding(Severity.WARNING),)), "json")
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "PSE-I001"


def test_many_findings_are_counted_and_the_worst_stay(capsys: pytest.CaptureFixture[str]) -> None:
    many = (*(finding(Severity.INFO, n) for n in range(80)), finding(Severity.ERROR, 999))
    render.people(View({}, (), many))
    shown = capsys.readouterr().out
    assert shown.startswith("error: PSE-I999")
    assert "and 31 more" in shown


def cost(monthly: str, once: str, no_price: int) -> Cost:
    return Cost(monthly=Decimal(monthly), one_time=Decimal(once), no_price=no_price)


def test_what_has_no_price_is_said_and_is_not_0() -> None:
    assert amounts(cost("1234", "0.5", 2)) == ("1,234.00 + 2 without a price", "0.50")
    assert amounts(cost("1234", "0", 0)) == ("1,234.00", "–")
    assert amounts(cost("0", "0", 3)) == ("3 without a price", "–")
    assert amounts(None) == ("no offer", "–")
    assert total_line(cost("0", "2", 0), "PKR") == "total: PKR 0.00 a month, PKR 2.00 once"
    assert total_line(cost("1", "2", 4), "PKR").endswith("and 4 lines WITHOUT A PRICE, in no sum")


def test_progress_is_plain_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    listen = Listener()
    listen(Event("seed", "start", "records"))
    for done in range(50):
        listen(Event("seed", "update", "records", done=done, total=50, unit="files"))
    listen(Event("seed", "done", "records", f"copied {EVIL}", done=50, total=50, unit="files"))
    listen.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "a name with a line feed in it writes no line of its own"
    assert lines[0].endswith("seed records: start")
    assert lines[1].endswith("(50/50 files)")
    assert "\x1b" not in lines[1]


def test_a_failed_step_says_so() -> None:
    assert line_of(Event("discover", "failed", "legacy", "timed out")) == "discover legacy: timed out (failed)"
    assert line_of(Event("destroy", "done", "portal", "destroy")) == "destroy portal: done"
