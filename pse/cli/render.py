"""Turns a `View` into JSON or into text and tables."""

import os
import sys
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from pse.cli.view import Grid, View
from pse.core import canonical
from pse.core.text import json_safe, printable

if TYPE_CHECKING:
    from rich.console import Console

    from pse.core.findings import Finding

PLAIN_WIDTH = 160
"""Columns where the output is no terminal: wide enough for a log, so that rows stay on one line."""
ROOMY_WIDTH = 120
SHOWN_FINDINGS = 50
"""Findings shown to people; ``--json`` has all of them."""
_COLOURS = {"info": "cyan", "warning": "yellow", "error": "red"}


def show(view: View, *, as_json: bool) -> None:
    """Write ``view`` on stdout; a reader that has seen enough changes nothing of the verb's result."""
    try:
        if not as_json:
            people(view)
        else:
            data = {**view.data, "findings": view.findings} if view.findings else dict(view.data)
            sys.stdout.write(json_safe(canonical.encode(_plain(data)).decode()))
        sys.stdout.flush()
    except BrokenPipeError:
        silence()


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
    _findings(console, view.findings)


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
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(printable(block.title)) if block.title else None
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    roomy = console.width >= ROOMY_WIDTH
    for number, column in enumerate(block.columns):
        # Ids and amounts are for copying, so where there is room they are not broken.
        whole = roomy and all(" " not in row[number] for row in block.rows)
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(Text(printable(column.lstrip(">"))), justify=justify, overflow="fold", no_wrap=whole)
    for row in block.rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)


def _findings(console: "Console", findings: Iterable["Finding"]) -> None:
    from rich.text import Text

    worst_first = sorted(findings, key=lambda f: -f.severity.rank)
    for finding in worst_first[:SHOWN_FINDINGS]:
        words = f"{finding.code} {finding.subject}: {finding.message}"
        line = Text(f"{finding.severity.value}: ", style=_COLOURS[finding.severity.value])
        console.print(line.append(Text(printable(words), style="default")))
        if finding.remedy:
            console.print(Text(f"  {printable(finding.remedy)}"))
    if len(worst_first) > SHOWN_FINDINGS:
        console.print(f"and {len(worst_first) - SHOWN_FINDINGS} more findings; --json has all", markup=False)


def _plain(value: object) -> object:
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
