"""The effect journal: one set of laws, two stores."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from migrate.conformance.journey import Died, Mortal
from migrate.journal import SqlJournal
from pse.core.database import open_database
from pse.core.documents.plan import Service
from pse.core.errors import BadInput
from pse.core.journal import FileJournal, Intent, Journal, once
from pse.core.settings import Workspace
from tests.migrate.rig import Rig
from tests.migrate.stores import empty_database, server
from tests.migrate.test_migrate_files import MOVE
from tests.migrate.test_migrate_services import of

__all__ = ["server"]
Reopen = Callable[[], Journal]


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reopen]:
    """Opens the same journal anew, as another process would."""
    engines: list[Engine] = []
    monkeypatch.delenv("PSE_DATABASE_URL", raising=False)
    if request.param == "postgresql":
        monkeypatch.setenv("PSE_DATABASE_URL", empty_database(request.getfixturevalue("server")))

    def sql() -> Journal:
        engines.append(open_database(Workspace(tmp_path)))
        return SqlJournal(engines[-1])

    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    yield sql if request.param != "file" else lambda: FileJournal(tmp_path / "journal.jsonl")
    for engine in engines:
        engine.dispose()


def test_an_intent_outlives_its_process(reopen: Reopen) -> None:
    made = reopen().open("k", "make a thing", {"name": "thing"})
    assert reopen().find("k") == made
    assert reopen().pending() == (made,)
    reopen().done("k", {"id": "7"})
    found = reopen().find("k")
    assert found is not None
    assert found.result == {"id": "7"}
    assert found.token == made.token
    assert reopen().pending() == ()


def test_the_same_key_is_the_same_effect(reopen: Reopen) -> None:
    first = reopen().open("k", "one", {"n": 1})
    assert reopen().open("k", "another", {"n": 2}) == first


def test_forgotten_means_new(reopen: Reopen) -> None:
    journal = reopen()
    first = journal.open("k", "one", {})
    journal.forget("k")
    journal.forget("never there")
    assert journal.find("k") is None
    assert journal.open("k", "two", {}).token != first.token


def test_done_without_an_intent_is_a_mistake(reopen: Reopen) -> None:
    with pytest.raises(BadInput, match="no intent"):
        reopen().done("k", {})


def test_pending_is_in_order(reopen: Reopen) -> None:
    journal = reopen()
    for key in ("c", "a", "b"):
        journal.open(key, key, {})
    journal.done("a", {})
    assert [intent.key for intent in journal.pending()] == ["c", "b"]


def test_a_crash_between_act_and_done_does_not_act_twice(reopen: Reopen) -> None:
    acted: list[str] = []

    def die(intent: Intent) -> dict[str, str]:
        acted.append(intent.token)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(reopen(), "k", "act", detail={}, probe=lambda _: None, act=die)
    result = once(reopen(), "k", "act", detail={}, probe=lambda intent: {"token": intent.token}, act=die)
    assert result == {"token": acted[0]}
    assert len(acted) == 1


def test_threads_open_one_intent(reopen: Reopen) -> None:
    journal = reopen()
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda: tokens.append(journal.open("k", "w", {}).token)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert len(set(tokens)) == 1


def test_a_note_is_new_or_in_place_of_what_was_there(reopen: Reopen) -> None:
    assert reopen().note("k", "note it", lambda was: {"was": was}).result == {"was": None}
    token = reopen().open("k", "another", {}).token
    noted = reopen().note("k", "note it again", lambda was: {"was": was})
    assert (noted.result, noted.what, noted.token) == ({"was": {"was": None}}, "note it again", token)
    assert reopen().find("k") == noted
    reopen().open("open", "begun", {})
    reopen().note("open", "note it", lambda was: {"was": was})
    assert reopen().pending() == ()


def test_what_two_processes_note_at_once_is_all_there(reopen: Reopen) -> None:
    def add(journal: Journal, name: str) -> None:
        for one in (f"{name}{number}" for number in range(5)):
            journal.note("k", "add", lambda was, one=one: {"names": [*(was or {"names": []})["names"], one]})  # type: ignore[misc] # bound at once

    threads = [threading.Thread(target=add, args=(reopen(), name)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = reopen().find("k")
    assert found is not None
    assert found.result is not None
    assert sorted(found.result["names"]) == sorted(f"{name}{number}" for name in "abcd" for number in range(5))


@pytest.mark.parametrize("lives", range(4))
def test_a_controller_that_dies_while_it_notes_loses_no_note(rig: Rig, lives: int) -> None:
    """Of a step (such as the findings of a workload, or that everything is back) and of a move."""
    task = rig.task(MOVE)
    work = of(rig, Service(name="app", server="s", start="true", stop="true"))
    work.runtime.journal = task.journal
    work.add_findings(["first"])
    work.keep("behind", {"n": 1})
    task.note("method", {"n": 1})
    work.runtime.journal = task.journal = Mortal(task.journal, lives)
    with contextlib.suppress(Died):
        work.add_findings(["second"])
        work.keep("behind", {"n": 2})
        task.note("method", {"n": 2})
    found = task.journal.find("plan/w/findings")
    assert found is not None
    assert found.result is not None
    assert "first" in found.result["findings"]
    assert [work.known("behind"), task.known("method")] == [{"n": 1 + (lives > 1)}, {"n": 1 + (lives > 2)}]
