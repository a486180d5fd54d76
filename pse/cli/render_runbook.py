"""View of a runbook, and the file of it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pse.cli.html import html
from pse.cli.markdown import markdown
from pse.cli.view import Grid, Lines, View, grid
from pse.core.errors import UsageError
from pse.core.text import duration

if TYPE_CHECKING:
    from migrate.runbook import Chapter, Line, Runbook


def runbook_view(made: "Runbook") -> View:
    """The wave, its workloads, then the steps of each."""
    from migrate.runbook import total_s

    days = ", ".join(f"{one.start} to {one.end}" for one in made.periods) or "no dates are planned"
    needed = f"; {made.needed} needed" if made.needed else ""
    rows = (
        (
            one.workload,
            ", ".join(one.owners) or None,
            one.category,
            one.place,
            one.cut_over,
            ", ".join(one.approved) or None,
            total_s(one),
            one.state,
        )
        for one in made.chapters
    )
    columns = "workload|data's owner|category|place|cut-over|agreed by|expected|state"
    blocks: list[str | Grid] = [
        f"Runbook of wave {made.wave}, plan {made.plan[:12]}{', SAMPLE' if made.sample else ''}",
        f"days: {days}",
        f"why: {made.why}",
        f"plan approved by: {', '.join(made.approved) or 'nobody'}{needed}",
        f"workloads at once: {made.at_once}",
        f"begin it with `pse migrate`, --wave {made.wave}; let it wait with `pse pause`",
        "watch it with `pse status --follow`",
        grid("Workloads, in the order they begin", columns, rows),
        *(block for one in made.chapters for block in _steps(one)),
    ]
    return View({"runbook": made}, tuple(blocks))


def _steps(chapter: "Chapter") -> tuple[str | Grid, ...]:
    columns = "step|what|>expected|taken back|began (UTC)|>took|outcome|said"
    hand = (f"{chapter.workload}, by hand: {'; '.join(chapter.by_hand)}",) if chapter.by_hand else ()
    return (*hand, grid(f"{chapter.workload}: steps", columns, map(_row, chapter.lines)))


def _row(line: "Line") -> tuple[object, ...]:
    expected = line.basis if line.expected_s is None else Lines((duration(line.expected_s), line.basis))
    return (
        line.step,
        line.what,
        expected or None,
        line.back or None,
        line.started and _clock(line.started),
        duration((line.ended - line.started).total_seconds()) if line.started and line.ended else None,
        line.outcome or None,
        line.note or None,
    )


def _clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def write_view(view: View, out: Path) -> View:
    """Write a view as Markdown or HTML, as the ending of the file says.

    Raises:
        UsageError: Another ending.
        BadInput: It cannot be written.
    """
    from pse.core.canonical import write_bytes

    forms = {".md": markdown, ".html": html}
    if out.suffix not in forms:
        raise UsageError(f"no format is known for {out.name}", hint="End it in .md or in .html.")
    write_bytes(out, forms[out.suffix](view).encode("utf-8", "backslashreplace"))
    return View({**view.data, "written": str(out)}, (*view.blocks[:1], f"written to {out}"))
