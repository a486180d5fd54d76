"""Drawings of reference architectures as SVG: the same bytes for the same architecture, and no script inside."""

from xml.sax.saxutils import escape

from blueprints.library.reference import ZONES, Architecture, Box

_BOX, _GAP, _LINE = (170, 46), (90, 34), 18
_TOP, _LEFT = 96, 24
_LOOK = 'role="img" font-family="sans-serif" font-size="13"'
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#345"/></marker></defs>'
)
_TITLES = {"outside": "outside", "front": "reached from outside", "inside": "inside", "data": "data"}


def svg(name: str, architecture: Architecture) -> str:
    """``architecture`` as one SVG document: zones from left to right, arrows, and its controls below.

    Args:
        name: Name of the blueprint.
        architecture: What to draw.
    """
    zones = [zone for zone in ZONES if any(box.zone == zone for box in architecture.box)]
    columns = {zone: [box for box in architecture.box if box.zone == zone] for zone in zones}
    at = {
        box.name: (_LEFT + number * (_BOX[0] + _GAP[0]), _TOP + row * (_BOX[1] + _GAP[1]))
        for number, zone in enumerate(zones)
        for row, box in enumerate(columns[zone])
    }
    deepest = max((len(boxes) for boxes in columns.values()), default=0)
    below = _TOP + deepest * (_BOX[1] + _GAP[1]) + _LINE
    controls = [
        text
        for control in architecture.control
        for text in (f"{'✓' if control.built else '○'} {control.name}", f"    {control.by}")
    ]
    width = max(760, 2 * _LEFT + len(zones) * (_BOX[0] + _GAP[0]) - _GAP[0])
    height = below + (len(controls) + 2) * _LINE + _LEFT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_LOOK}>',
        f"<title>{escape(architecture.title)}</title>",
        f"<desc>{escape(architecture.summary)}</desc>",
        _TIP,
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(_LEFT, 30, f"{architecture.title} ({name})", "font-size='18' font-weight='bold'"),
        _text(_LEFT, 52, architecture.summary, "fill='#555'"),
    ]
    parts += [
        _text(_LEFT + number * (_BOX[0] + _GAP[0]), _TOP - 12, _TITLES[zone], "fill='#777' font-size='12'")
        for number, zone in enumerate(zones)
    ]
    parts += [_arrow(at[arrow.source], at[arrow.to], arrow.label) for arrow in architecture.arrow]
    parts += [_box(at[box.name], box) for box in architecture.box]
    parts.append(_text(_LEFT, below, "Controls: ✓ built by pse, ○ for people to see to", "font-weight='bold'"))
    parts += [
        _text(_LEFT, below + (number + 1) * _LINE, line, "xml:space='preserve' fill='#333'")
        for number, line in enumerate(controls)
    ]
    return "\n".join((*parts, "</svg>", ""))


def _box(at: tuple[int, int], box: Box) -> str:
    x, y = at
    look = 'fill="#e8f0fa" stroke="#345"' if box.built else 'fill="#fff" stroke="#999" stroke-dasharray="5 4"'
    middle = _text(x + _BOX[0] // 2, y + _BOX[1] // 2 + 5, box.label, "text-anchor='middle'")
    return f'<rect x="{x}" y="{y}" width="{_BOX[0]}" height="{_BOX[1]}" rx="5" {look}/>{middle}'


def _arrow(source: tuple[int, int], to: tuple[int, int], label: str) -> str:
    (x1, y1), (x2, y2) = source, to
    half = _BOX[1] // 2
    if x1 == x2:  # one column: from the lower edge to the upper one
        down = y2 > y1
        line = (x1 + _BOX[0] // 2, y1 + (_BOX[1] if down else 0), x2 + _BOX[0] // 2, y2 + (0 if down else _BOX[1]))
    elif x2 > x1:
        line = (x1 + _BOX[0], y1 + half, x2, y2 + half)
    else:
        line = (x1, y1 + half, x2 + _BOX[0], y2 + half)
    x, y = (line[0] + line[2]) // 2, (line[1] + line[3]) // 2 - 5
    if x1 == x2:
        x, y = x + 8, y + 9
    anchor = "start" if x1 == x2 else "middle"
    words = _text(x, y, label, f"text-anchor='{anchor}' font-size='11' fill='#345'") if label else ""
    ends = f'x1="{line[0]}" y1="{line[1]}" x2="{line[2]}" y2="{line[3]}"'
    return f'<line {ends} stroke="#345" marker-end="url(#tip)"/>{words}'


def _text(x: int, y: int, words: str, look: str) -> str:
    return f'<text x="{x}" y="{y}" {look}>{escape(words)}</text>'
