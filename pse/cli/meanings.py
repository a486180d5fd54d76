"""What each code means and what to do about it: the tables of ``docs/findings``, which ship with the package."""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROW = re.compile(r"^\| `?(PSE-[A-Z]\d{3})`? \| (.+) \| (.+) \|$", re.MULTILINE)


@cache
def meanings() -> "Mapping[str, tuple[str, str]]":
    """Meaning and remedy by code."""
    shipped = Path(str(files("pse"))) / "findings"
    folder = shipped if shipped.is_dir() else Path(__file__).parents[2] / "docs" / "findings"
    rows = (
        _ROW.findall(path.read_text(encoding="utf-8"))
        for path in (sorted(folder.glob("*.md")) if folder.is_dir() else ())
    )
    return MappingProxyType({code: (meaning, remedy) for found in rows for code, meaning, remedy in found})
