"""Tables at the widths of terminals: words are whole, whatever the width."""

import io

import pytest
from rich.console import Console

from pse.cli import render
from pse.cli.render_compare import compare_view
from pse.cli.render_plan import decisions_grid, waves_grid
from pse.cli.view import Grid, grid
from tests.cli.test_cli_views import PLAN


def shown(block: Grid, width: int) -> str:
    out = io.StringIO()
    render._table(Console(file=out, width=width), block)
    return out.getvalue()


def words_of(block: Grid) -> set[str]:
    texts = [block.title, *(c.lstrip(">") for c in block.columns), *(cell for row in block.rows for cell in row)]
    return {part for text in texts for word in text.split() for part in word.replace("/", "/ ").split()}


BLOCKS = (
    decisions_grid(PLAN),
    *waves_grid(PLAN),
    *(block for block in compare_view(PLAN).blocks if isinstance(block, Grid)),
    grid(
        "T",
        "id|>amount|why",
        [("a-fairly-long-name-of-a-workload-here", "1,234,567.89 + 1 without a price", "x " * 99)],
    ),
)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.title.split(" ")[0])
def test_no_word_is_broken_or_lost(block: Grid, width: int) -> None:
    text = shown(block, width)
    assert all(len(line) <= width for line in text.splitlines())
    assert words_of(block) <= {
        part for word in text.split() for part in (word, *word.rstrip(":").replace("/", "/ ").split())
    }


def test_a_wide_terminal_shows_a_row_on_a_line() -> None:
    row = next(line for line in shown(decisions_grid(PLAN), 160).splitlines() if line.startswith(" portal"))
    assert "sample-markhor/islamabad/ict-1" in row
    assert "1,200.50" in row


def test_what_no_table_holds_is_a_list() -> None:
    text = shown(decisions_grid(PLAN), 50)
    assert "- workload: portal" in text
    assert "  place: sample-markhor/islamabad/ict-1" in text


def test_a_table_without_rows_says_so_in_a_line() -> None:
    assert shown(grid("Hosts", "host|outcome|>seconds|what", []), 80) == "Hosts: none\n"
