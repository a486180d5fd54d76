"""Fold the fragments of ``changelog.d/`` into ``CHANGELOG.md``: ``news.py VERSION``; without a version it only shows.

A fragment is ``changelog.d/SLUG.KIND.md``, one or more list items; KIND is one of `KINDS`.
"""

import datetime as dt
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = {"added": "Added", "changed": "Changed", "fixed": "Fixed", "removed": "Removed", "security": "Security"}
MARK = "<!-- news -->\n"


def section(title: str, fragments: list[Path]) -> str:
    """The text of one release; fragments by kind, then by name.

    Raises:
        SystemExit: A fragment's name has no kind.
    """
    for fragment in fragments:
        if len(fragment.suffixes) != 2 or fragment.suffixes[0][1:] not in KINDS:
            sys.exit(f"{fragment}: name it SLUG.KIND.md, KIND one of {', '.join(KINDS)}")
    lines = [f"## {title}\n"]
    for kind, heading in KINDS.items():
        items = [f.read_text(encoding="utf-8").strip() for f in fragments if f.suffixes[0] == f".{kind}"]
        if items:
            lines += [f"### {heading}\n", "\n".join(items) + "\n"]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write the release, or show what it would be."""
    fragments = sorted(f for f in (ROOT / "changelog.d").glob("*.md") if f.name != "README.md")
    if not arguments:
        print(section("Unreleased", fragments), end="")
        return 0
    today = dt.datetime.now(tz=dt.UTC).date()
    changelog = ROOT / "CHANGELOG.md"
    before, mark, after = changelog.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        sys.exit(f"{changelog}: no line {MARK.strip()!r}")
    changelog.write_text(f"{before}{mark}\n{section(f'{arguments[0]} ({today})', fragments)}{after}", encoding="utf-8")
    for fragment in fragments:
        fragment.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
