"""Every finding code that the room uses has its row, and every row is used."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_codes_and_their_documentation_agree() -> None:
    used = {
        code
        for p in (ROOT / "inventory").rglob("*")
        if p.suffix in {".py", ".toml"}
        for code in re.findall(r"PSE-I\d{3}", p.read_text("utf-8"))
    }
    rows = re.findall(
        r"^\| (PSE-I\d{3}) \| (.+) \| (.+) \|$", (ROOT / "docs/findings/inventory.md").read_text("utf-8"), re.MULTILINE
    )
    assert {code for code, _, _ in rows} == used
    assert len(rows) == len(used)
