"""The effect journal: one set of laws, two stores."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from migrate.journal import SqlJournal
from pse.core.database import open_database
from pse.core.errors import BadInput
from pse.core.journal import FileJournal, Intent, Journal, once
from pse.core.settings import Workspace

Reopen = Callable[[], Journal]


@pytest.fixture(params=["file", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Opens the same journal anew, as another process would."""
    engines: list[Engine] = []

    def sql() -> Journal:
        engines.append(open_database(Workspace(tmp_path)))
        return SqlJournal(engines[-1])

    (tmp_path / "pse.toml").write_text('entity = "Test"\n')
    yield sql if request.param == "sqlite" else lambda: FileJournal(tmp_path / "journal.jsonl")
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
