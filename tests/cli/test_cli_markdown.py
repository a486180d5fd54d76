"""Markdown and HTML of a view: what a merge request or a reader is shown, with names that mean nothing there."""

from pse.cli.html import html
from pse.cli.markdown import markdown
from pse.cli.view import Lines, View, grid
from pse.core.findings import Finding, Severity


def test_tables_lines_and_findings_with_the_worst_first() -> None:
    told = [
        Finding(code="PSE-X001", severity=severity, subject="a", message="b")
        for severity in (Severity.INFO, Severity.ERROR)
    ]
    view = View({}, ("a line", grid("Title", "name|>amount", [("web", 1), ("db", None)])), tuple(told))
    assert markdown(view) == (
        "a line\n\n**Title**\n\n| name | amount |\n| :-- | --: |\n| web | 1 |\n| db | – |\n\n"
        "- **error** PSE-X001 a: b\n- **info** PSE-X001 a: b\n"
    )


def test_empty_table_says_none() -> None:
    assert markdown(View({}, (grid("Title", "a|b", []),))) == "**Title**: none\n"


def test_names_are_shown_and_mean_nothing() -> None:
    hostile = "<img src=x> | [a](http://b) `c` **d** @e #1 !f"
    shown = markdown(View({}, (grid("", "name", [(hostile,), (Lines(("one", "two")),)]),)))
    assert "\\<img src=x\\> \\| \\[a\\](http://b) \\`c\\` \\*\\*d\\*\\*" in shown
    assert "| one<br>two |" in shown
    assert all(line.count(" | ") == 0 for line in shown.splitlines() if "img" in line)
    assert "\x1b" not in markdown(View({}, ("\x1b[31mred",)))


def test_a_page_has_all_rows_and_runs_nothing() -> None:
    hostile = "<script>x</script> & \x1b[31m \"'"
    worst = Finding(code="PSE-X001", severity=Severity.ERROR, subject="a", message=hostile)
    page = html(View({}, (hostile, grid("T", "name|>amount", [(Lines((hostile, "two")), 1), ("b", None)])), (worst,)))
    assert page.count("<tr>") == 3
    assert '<td class="n">1</td>' in page
    assert "&lt;script&gt;x&lt;/script&gt; &amp; \\x1b[31m &quot;&#x27;<br>two" in page
    assert "<script" not in page
    assert "\x1b" not in page
    assert "default-src 'none'" in page
