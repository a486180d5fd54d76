"""Turns a `View` into JSON or into text and tables."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pse.cli.html import html
from pse.cli.markdown import markdown
from pse.cli.view import Grid, Lines, View
from pse.core import canonical
from pse.core.text import counted, json_safe, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


PLAIN_WIDTH = 160
"""Columns where the output is no terminal: wide enough for a log, so that rows stay on one line."""
SHOWN_FINDINGS = 50
"""Findings shown to people; ``--json`` has all of them."""
_MARKS = ("→ ", "  ")
_WORD = re.compile(r"^(?:→ |  )\S+|\S+", re.MULTILINE)
"""A word, with the mark that stands before the first one of a line."""
_GAP = 3
"""Columns between two columns of a table: padding on both sides and the box's own blank."""
_COLOURS = {"info": "cyan", "warning": "yellow", "error": "red"}


Form = Literal["people", "markdown", "html", "json"]
FORMS: Mapping[str, Form] = MappingProxyType(
    {"table": "people", "json": "json", "markdown": "markdown", "html": "html"}
)
"""By what ``--format`` calls them."""


def show(view: View, form: Form = "people") -> None:
    """Write ``view`` on stdout; a reader that has seen enough changes nothing of the verb's result."""
    try:
        if form == "people":
            people(view)
        else:
            sys.stdout.write(text(view, form))
        sys.stdout.flush()
    except BrokenPipeError:
        silence()


def text(view: View, form: Form) -> str:
    """``view`` as a file has it: in any form but that of a terminal."""
    if form == "markdown":
        return markdown(view)
    if form == "html":
        return html(view)
    data = {**view.data, "findings": view.findings} if view.findings else dict(view.data)
    return json_text(data)


def json_text(data: Mapping[str, object]) -> str:
    """``data`` as canonical JSON that is safe on a terminal."""
    return json_safe(canonical.encode(_plain(data)).decode())


def silence() -> None:
    """Send what is still written on stdout nowhere: nobody reads it, and at exit Python would fail over it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def people(view: View, *, err: bool = False) -> None:
    """Write the blocks of ``view`` and its findings for a person."""
    console = console_of(err=err)
    for block in view.blocks:
        if isinstance(block, Grid):
            _table(console, block)
        else:
            console.print(printable(block), markup=False, highlight=False)
    _findings(console, view)


def console_of(*, err: bool) -> "Console":
    """A console on stdout or stderr."""
    from rich.console import Console

    class Piped(Console):
        """Rich would leave with exit code 1 when nobody reads on: the caller is told, and messages just end."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            if not err:
                raise BrokenPipeError

    stream = sys.stderr if err else sys.stdout
    return Piped(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, soft_wrap=False)


def _table(console: "Console", block: Grid) -> None:
    """A table whose words are whole at any width: ids break at slashes, and rows become lists where even that fails."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(printable(block.title)) if block.title else None
    if not block.rows:
        console.print(Text(f"{printable(block.title)}: none" if block.title else "none"))
        return
    heads = [printable(column.lstrip(">")) for column in block.columns]
    rows = [[_safe(cell) for cell in row] for row in block.rows]
    widths = _widths(heads, rows, console.width)
    if widths is None:
        rows = [[_broken(cell) for cell in row] for row in rows]
        widths = _widths(heads, rows, console.width)
    if widths is None:
        _lists(console, title, heads, block)
        return
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for head, column, width in zip(heads, block.columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(Text(head), justify=justify, overflow="fold", width=width)
    for cells in rows:
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _safe(cell: str) -> str:
    return cell if isinstance(cell, Lines) else printable(cell)


def _widths(heads: list[str], rows: list[list[str]], room: int) -> list[int] | None:
    """A width for each column that breaks no word; None where there is none.

    Every column has its longest word; what is left goes to the columns that lack least for being on one line.
    """
    from rich.cells import cell_len

    columns = [[head, *(row[number] for row in rows)] for number, head in enumerate(heads)]
    widths = [max((cell_len(w) for text in texts for w in _WORD.findall(text)), default=1) for texts in columns]
    spare = room - sum(widths) - _GAP * len(widths)
    if spare < 0:
        return None
    wanted = [max((cell_len(line) for text in texts for line in text.splitlines()), default=1) for texts in columns]
    for number in sorted(range(len(widths)), key=lambda n: (wanted[n] - widths[n], n)):
        more = max(0, min(spare, wanted[number] - widths[number]))
        widths[number] += more
        spare -= more
    return widths


def _broken(cell: str) -> str:
    """``cell`` with a line for each part of an id."""
    mark, text = (cell[:2], cell[2:]) if cell[:2] in _MARKS else ("", cell)
    return cell if " " in text else mark + text.replace("/", f"/\n{' ' * len(mark)}")


def _lists(console: "Console", title: "Text | None", heads: list[str], block: Grid) -> None:
    from rich.text import Text

    if title is not None:
        console.print(title, style="italic")
    for row in block.rows:
        for number, (head, cell) in enumerate(zip(heads, row, strict=True)):
            console.print(Text(f"{'- ' if number == 0 else '  '}{head}: {_safe(cell)}"), overflow="fold")
    console.print()


def _findings(console: "Console", view: View) -> None:
    from rich.text import Text

    worst_first = sorted(view.findings, key=lambda f: (f.code not in view.first, -f.severity.rank))
    for finding in worst_first[:SHOWN_FINDINGS]:
        words = f"{finding.code} {finding.subject}: {finding.message}"
        line = Text(f"{finding.severity.value}: ", style=_COLOURS[finding.severity.value])
        console.print(line.append(Text(printable(words), style="default")))
        if finding.remedy:
            console.print(Text(f"  {printable(finding.remedy)}"))
    if len(worst_first) > SHOWN_FINDINGS:
        console.print(f"and {counted(len(worst_first) - SHOWN_FINDINGS, 'more finding')}; --json has all", markup=False)


def _plain(value: object) -> object:
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
