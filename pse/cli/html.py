"""A `View` as one HTML page that needs nothing else, for a reader."""

from html import escape

from pse.cli.view import Grid, View
from pse.core.text import printable

_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1b1b}"
    "h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}table{border-collapse:collapse;width:100%}"
    "th,td{padding:.3rem .6rem;border-bottom:1px solid #d5d5d5;text-align:left;vertical-align:top}"
    "th{border-bottom:2px solid #777}.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".error{color:#a30000}.warning{color:#7a4b00}@media print{body{margin:0;max-width:none}}"
)


def html(view: View) -> str:
    """Lines as paragraphs, the first as the heading, tables as tables, findings as a list, the worst first."""
    title = next((block for block in view.blocks if isinstance(block, str)), "pse")
    parts = [_table(block) if isinstance(block, Grid) else f"<p>{_safe(block)}</p>" for block in view.blocks]
    if view.blocks and view.blocks[0] == title:
        parts[0] = f"<h1>{_safe(title)}</h1>"
    if view.findings:
        parts.append("<h2>Findings</h2>\n<ul>")
        parts += [
            f'<li><span class="{finding.severity.value}">{finding.severity.value}</span> '
            f"{_safe(f'{finding.code} {finding.subject}: {finding.message}')}</li>"
            for finding in sorted(view.findings, key=lambda finding: -finding.severity.rank)
        ]
        parts.append("</ul>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(parts) + "\n"
        "</body>\n</html>\n"
    )


def _table(block: Grid) -> str:
    title = f"<h2>{_safe(block.title)}</h2>\n" if block.title else ""
    if not block.rows:
        return f"{title}<p>none</p>"
    numbers = ['<{} class="n">' if column.startswith(">") else "<{}>" for column in block.columns]

    def row(cells: tuple[str, ...], tag: str) -> str:
        return "".join(f"{a.format(tag)}{_safe(cell)}</{tag}>" for a, cell in zip(numbers, cells, strict=True))

    heads = row(tuple(column.removeprefix(">") for column in block.columns), "th")
    body = "\n".join(f"<tr>{row(cells, 'td')}</tr>" for cells in block.rows)
    return f"{title}<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _safe(text: str) -> str:
    return "<br>".join(escape(printable(part)) for part in text.split("\n"))
