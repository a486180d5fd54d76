"""Clues: names that say what kind of data lies behind them. They lead to proposals, never to decisions.

Shipped in ``policy/clues/*.toml``; a workspace adds its own in its ``policy/clues/*.toml``::

    [[clue]]
    id = "CNIC"
    text = "number of a national identity card"
    category = "restricted"             # what data of this kind is proposed as
    confidence = "high"                 # high medium low: how sure such a name means such data
    looks_at = ["column", "table"]      # see `Look`
    words = ["cnic", "nic no", "id card*"]
    source = "policy.md, five data categories: names are ours, confidence C"
    good = ["citizen.cnic_no"]          # names that it has to find; the tests run both
    bad = ["technical"]                 # names that it must not find

A name is cut into its words first: ``fatherName``, ``FATHER_NAME`` and ``father-name`` are the words *father name*. A
pattern fits words that follow each other; ``*`` stands for the rest of a word, or for words.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import msgspec

from policy.patterns import matches
from pse.core.documents.category import Category
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.settings import load_toml

SHIPPED = Path(__file__).parent / "clues"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", re.ASCII)


class Look(StrEnum):
    """Where a name was seen."""

    COLUMN = "column"
    TABLE = "table"
    DATABASE = "database"
    PATH = "path"
    HOST = "host"
    SERVICE = "service"
    TAG = "tag"


class Confidence(StrEnum):
    """How sure a name of this kind means data of this kind; later means surer."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low up to 2 for high."""
        return list(Confidence).index(self)


class Clue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One clue; see the module."""

    id: str
    text: str
    category: Category
    confidence: Confidence
    looks_at: tuple[Look, ...]
    words: tuple[str, ...]
    source: str
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()

    def fits(self, name: str) -> bool:
        """Whether ``name``, or a part of it, is of this kind."""
        return matches(_patterns(self.words), f"_{'_'.join(words_of(name))}_")


class ClueFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file."""

    clue: tuple[Clue, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One name that was seen on a server.

    Attributes:
        server: Id of the server.
        look: What it names.
        name: As it was seen; a column as ``table.column``.
    """

    server: str
    look: Look
    name: str


def words_of(name: str) -> list[str]:
    """The words of a name, in small letters."""
    return [word.lower() for word in _WORD.findall(name)]


def load_clues(own: Path | None = None, *, shipped: Path = SHIPPED) -> tuple[Clue, ...]:
    """Read the shipped clues and a workspace's own, sorted by id.

    Args:
        own: Folder of the workspace's clues; None or missing adds nothing.
        shipped: Folder of the tool's clues.

    Raises:
        BadInput: Not TOML, an unknown key, an empty list, or an id twice: file and path are named.
    """
    found: dict[str, Clue] = {}
    for folder in (shipped, own):
        for path in sorted(folder.glob("*.toml")) if folder is not None and folder.is_dir() else ():
            for number, clue in enumerate(load_toml(path, ClueFile).clue):
                where = f"{path}, $.clue[{number}]"
                if not _ID.fullmatch(clue.id):
                    raise BadInput(f"not an id: {clue.id!r}", where=f"{where}.id", hint="For example MINISTRY-PATIENT.")
                if clue.id in found:
                    raise BadInput(f"a clue {clue.id} is there already", where=f"{where}.id")
                for name in ("looks_at", "words"):
                    if not all(getattr(clue, name)) or not getattr(clue, name):
                        raise BadInput("a clue has to say what it looks for", where=f"{where}.{name}")
                found[clue.id] = clue
    return tuple(found[id_] for id_ in sorted(found))


def clues_in(clues: Iterable[Clue], seen: Seen) -> tuple[Clue, ...]:
    """Clues that a name gives."""
    return tuple(clue for clue in clues if seen.look in clue.looks_at and clue.fits(seen.name))


def failures(clues: Iterable[Clue]) -> Iterator[Finding]:
    """PSE-R112 for every case beside a clue that does not come out as written."""
    for clue in clues:
        for kind, names, wanted in (("good", clue.good, True), ("bad", clue.bad, False)):
            for name in names:
                if clue.fits(name) is not wanted:
                    yield Finding(
                        code="PSE-R112",
                        severity=Severity.ERROR,
                        subject=clue.id,
                        message=f"{kind} case {name!r} is {'not found' if wanted else 'found'}",
                        remedy="Correct the clue's words, or the case.",
                    )


@lru_cache(maxsize=1024)
def _patterns(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"*_{'_'.join(one.lower().split())}_*" for one in words)
