"""Parts of a plan that wait on disk are those that wait in memory."""

import os
from pathlib import Path

import msgspec
import pytest

from blueprints.planning.parts import Parts, Spool
from pse.core import canonical
from pse.core.errors import BadInput
from pse.core.forked import LEAST


class Note(msgspec.Struct, frozen=True):
    """A document."""

    name: str
    process: int


def made(names: list[str], spool: Spool | None) -> Parts[Note]:
    return Parts.made(Note, lambda name: canonical.encode(Note(name, os.getpid())), names, spool)


def test_what_several_processes_made_comes_back_from_disk_by_name(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    names = [f"note-{number}" for number in range(LEAST)]
    first, again = made(names, spool), made(list(reversed(names)), spool)
    here = made(names[:3], spool)
    assert list(tmp_path.iterdir()) == [], "the files have no name that a crash could leave behind"
    assert list(first) == list(again) == sorted(names)
    for parts in (first, again, here):
        for name, data in parts.encoded.items():
            assert parts[name].name == name
            assert parts.digests[name] == canonical.digest(data)
    assert {here[name].process for name in here} == {os.getpid()}
    with pytest.raises(KeyError):
        here[names[5]]


def test_in_memory_and_on_disk_they_are_the_same(tmp_path: Path) -> None:
    kept, held = made(["b", "a"], Spool(tmp_path)), made(["b", "a"], None)
    assert kept == held
    assert kept.digests == held.digests
    assert Parts.of(Note, kept) is kept


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be kept"):
        Spool(tmp_path / "none")
