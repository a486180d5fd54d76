"""The effect journal: an effect takes place once, however often and wherever it is killed."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pse.core.errors import BadInput
from pse.core.journal import FileJournal, Intent, once
from tests.providers.waiting import wait_for


class Killed(BaseException):
    """A SIGKILL, as far as this process can play it."""


class World:
    """Something outside that can be changed, and a process that may die before or after the change."""

    def __init__(self) -> None:
        self.effects: list[str] = []

    def make(self, journal: FileJournal, key: str, *, die: str = "") -> dict[str, Any]:
        def act(intent: Intent) -> dict[str, Any]:
            if die == "before":
                raise Killed
            self.effects.append(intent.token)
            if die == "after":
                raise Killed
            return {"token": intent.token}

        def probe(intent: Intent) -> dict[str, Any] | None:
            return {"token": intent.token} if intent.token in self.effects else None

        return once(journal, key, "make it", detail={"size": 1}, probe=probe, act=act)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["before", "after"]), max_size=5))
def test_killed_anywhere_it_takes_place_once(tmp_path_factory: pytest.TempPathFactory, kills: list[str]) -> None:
    path = tmp_path_factory.mktemp("journal") / "intents.jsonl"
    world = World()
    for die in kills:
        try:
            world.make(FileJournal(path), "k", die=die)
        except Killed:
            continue
    result = world.make(FileJournal(path), "k")
    assert world.effects == [result["token"]]
    assert FileJournal(path).pending() == ()


def test_done_is_remembered_and_not_made_again(tmp_path: Path) -> None:
    journal, world = FileJournal(tmp_path / "i.jsonl"), World()
    assert world.make(journal, "k") == world.make(journal, "k")
    assert len(world.effects) == 1


def test_a_forgotten_key_is_a_new_effect(tmp_path: Path) -> None:
    journal, world = FileJournal(tmp_path / "i.jsonl"), World()
    first = world.make(journal, "k")
    journal.forget("k")
    assert world.make(journal, "k") != first
    assert len(world.effects) == 2


def test_a_torn_last_line_is_no_intent(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    FileJournal(path).open("a", "make", {})
    with path.open("ab") as file:
        file.write(b'{"open": {"key": "b", "wh')
    journal = FileJournal(path)
    assert [intent.key for intent in journal.pending()] == ["a"]
    journal.open("c", "make", {})
    assert [intent.key for intent in FileJournal(path).pending()] == ["a", "c"]


def test_a_line_that_is_none_names_its_row(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    FileJournal(path).open("a", "make", {})
    path.write_bytes(path.read_bytes() + b"nonsense\n")
    with pytest.raises(BadInput, match="row 2"):
        FileJournal(path).find("a")


def test_done_without_an_intent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no intent"):
        FileJournal(tmp_path / "i.jsonl").done("k", {})


def test_threads_that_open_one_key_get_one_intent(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"

    def open_it(_: int) -> str:
        return FileJournal(path).open("k", "make", {}).token

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(open_it, range(24)))) == 1


def test_the_file_is_private_and_plain(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    FileJournal(path).open("k", "make", {"n": 1})
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["open"]["detail"] == {"n": 1}


def test_threads_that_write_together_share_a_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = tmp_path / "i.jsonl", os.fsync
    flushed: list[int] = []

    def fsync(handle: int) -> None:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode):
            if not flushed:
                wait_for(lambda: path.read_bytes().count(b"\n") == 9)
            flushed.append(found.st_size)
        real(handle)

    journal = FileJournal(path)
    journal.open("first", "make", {})
    monkeypatch.setattr(os, "fsync", fsync)

    def open_it(number: int) -> bool:
        journal.open(f"k{number}", "make", {})
        upto = max(flushed)
        return f"k{number}".encode() in path.read_bytes()[:upto] or upto == path.stat().st_size

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(open_it, range(8)))
    assert len(flushed) == 2


def test_flush_that_failed_is_told_to_all_whose_lines_went_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "i.jsonl", os.fsync
    journal = FileJournal(path)
    journal.open("first", "make", {})
    failing = [True]

    def fsync(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode) and failing:
            wait_for(lambda: path.read_bytes().count(b"\n") == 4)
            failing.clear()
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)

    def open_it(number: int) -> str:
        try:
            return journal.open(f"k{number}", "make", {}).key
        except BadInput as exc:
            return exc.message

    with ThreadPoolExecutor(3) as pool:
        assert all("cannot be written" in said for said in pool.map(open_it, range(3)))
    assert FileJournal(path).open("k0", "make", {}).key == "k0"
    assert journal.open("later", "make", {}).key == "later"
