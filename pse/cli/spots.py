"""Where in a workspace's files something is written: the file and line that a finding is shown at."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TABLE = re.compile(r"^\s*\[{1,2}\s*([^\]\n]+?)\s*\]{1,2}\s*(?:#.*)?$")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_FILES = ("workloads.toml", "environments/*.toml", "hosts.toml", "policy/*.toml", "policy/rules/*.toml", "pse.toml")
"""The nearest to what somebody would change first: a workload before its host, a host before its label."""
_BY_SOURCE = {"price book": "policy/prices.toml", "budget": "pse.toml"}


class Spot(NamedTuple):
    """A line of a file, from 1; the file relative to the root of the repository that the workspace is in."""

    file: str
    line: int


class Spots:
    """An index of a workspace's files, made once: who looks up many findings reads each file once.

    Args:
        root: Folder of the workspace.
        price_book: Its price book, relative to ``root``.
    """

    def __init__(self, root: Path, price_book: str = "policy/prices.toml") -> None:
        self._prefix = _prefix(root)
        self._by_source = {**_BY_SOURCE, "price book": price_book}
        self._first: dict[str, Spot] = {}
        self._files: dict[str, str] = {}
        for pattern in _FILES:
            for path in sorted(root.glob(pattern)):
                name = path.relative_to(root).as_posix()
                self._files[name] = f"{self._prefix}{name}"
                if path.parent.name == "environments":
                    self._first.setdefault(path.stem, Spot(self._files[name], 1))
                for token, line in _tokens(path.read_text(encoding="utf-8", errors="replace")):
                    self._first.setdefault(token, Spot(self._files[name], line))

    def of(self, subject: str, source: str = "", message: str = "") -> Spot:
        """The line that ``subject`` is written in, else the file that it or ``source`` names, else pse.toml.

        Of a file that cannot be read ``message`` says the line, as TOML's own errors do.
        """
        parts = (subject, *reversed(subject.split("/")), *re.split(r"[,:\s]+", subject))
        for part in parts:
            if part in self._files:
                line = re.search(r"\bline (\d+)", message)
                return Spot(self._files[part], int(line[1]) if line else 1)
            if part in self._first:
                return self._first[part]
        named = self._by_source.get(source, source)
        return Spot(self._files.get(named, f"{self._prefix}pse.toml"), 1)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Names in the file with their line: of tables, and what stands in quotes."""
    for number, row in enumerate(text.splitlines(), start=1):
        if table := _TABLE.match(row):
            yield table[1].rpartition(".")[2].strip("\"' "), number
        for string in _STRING.findall(row.partition(" #")[0]) if not row.lstrip().startswith("#") else ():
            yield string, number


def _prefix(root: Path) -> str:
    """Path of the workspace in its repository, with a slash behind it; empty where it is the root or there is none."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            inside = root.relative_to(folder).as_posix()
            return "" if inside == "." else f"{inside}/"
    return ""
