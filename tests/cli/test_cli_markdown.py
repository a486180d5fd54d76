"""Markdown and HTML of a view: what a merge request or a reader is shown, with names that mean nothing there."""

from html import unescape as html_of

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
    assert "\\<img src=x\\> \\| \\[a\\](http&#8203;://b) \\`c\\` \\*\\*d\\*\\*" in shown
    assert "| one<br>two |" in shown
    assert all(line.count(" | ") == 0 for line in shown.splitlines() if "img" in line)
    assert "\x1b" not in markdown(View({}, ("\x1b[31mred",)))


def test_no_name_calls_people_or_leads_elsewhere() -> None:
    told = "@everyone a@b.example (@x/y) #12 http://e.example https://e.example www.e.example ftp://e, not @ or # alone"
    finding = Finding(code="PSE-X001", severity=Severity.INFO, subject=told, message=told)
    for shown in (markdown(View({}, (told, grid("", "name", [(told,)])))), markdown(View({}, (), (finding,)))):
        for word in ("@everyone", "a@b", "@x", "#12", "http:", "https:", "www.", "ftp:"):
            assert word not in shown
        assert html_of(shown).replace("\u200b", "").replace("\\", "").count(told) == shown.count("everyone")
        assert "not @ or \\# alone" in shown


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
