"""A `View` as GitHub's and GitLab's Markdown, for a merge request."""

import re

from pse.cli.view import Grid, View
from pse.core.text import printable

_MEANS = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
"""What means something to Markdown; a host's or workload's name must not."""
_LINKS = re.compile(r"@(?=[\w-])|#(?=\d)|(?<=\bhttp)(?=s?:)|(?<=\bftp)(?=:)|(?<=\bwww)(?=\.)", re.IGNORECASE)
"""Where a code host makes a link of plain words, after Markdown: it would call people, or lead elsewhere."""
_APART = "&#8203;"
"""A character of no width, which parts such words and is not seen; the way of other tools that write into requests."""


def markdown(view: View) -> str:
    """Lines as paragraphs, tables as tables, findings as a list, the worst first; all of them and all rows."""
    blocks = [_table(block) if isinstance(block, Grid) else _plain(block) for block in view.blocks]
    if view.findings:
        worst_first = sorted(view.findings, key=lambda finding: -finding.severity.rank)
        blocks.append(
            "\n".join(
                f"- **{finding.severity.value}** {_plain(f'{finding.code} {finding.subject}: {finding.message}')}"
                for finding in worst_first
            )
        )
    return "\n\n".join(blocks) + "\n"


def _table(block: Grid) -> str:
    title = f"**{_plain(block.title)}**" if block.title else ""
    if not block.rows:
        return f"{title}: none".removeprefix(": ")
    heads = [_plain(column.removeprefix(">")) for column in block.columns]
    ruler = ["--:" if column.startswith(">") else ":--" for column in block.columns]
    rows = [[_plain(cell) for cell in row] for row in block.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, ruler, *rows)]
    return "\n".join(([title, ""] if title else []) + lines)


def _plain(text: str) -> str:
    parts = (_LINKS.sub(lambda m: m[0] + _APART, _MEANS.sub(r"\\\1", printable(part))) for part in text.split("\n"))
    return "<br>".join(parts)
