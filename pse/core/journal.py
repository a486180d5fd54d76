"""The effect journal: every effect on the outside is written as an intent before and as done after.

Whoever crashes between the two finds the intent open, probes whether the effect took place, and acts only if it
did not. One API, two stores: a fsynced JSON-lines file here (the plugin, which has no database), and SQL tables in
`migrate` (campaigns).
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from pse.core.canonical import sync_folder
from pse.core.errors import BadInput

T = TypeVar("T")


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One effect that somebody set out to make.

    Attributes:
        key: Names the effect for ever: the same key is the same effect.
        what: Verb and object, for a person.
        token: Unique id of this attempt, usable as a cloud's idempotency token while the intent is open.
        detail: Plain data without secrets that a probe needs.
        result: What the effect gave, once done; None while open.
    """

    key: str
    what: str
    token: str
    detail: dict[str, Any]
    result: dict[str, Any] | None = None


class Journal(Protocol):
    """Keeps intents durably; a call returns only when its line is on disk."""

    def open(self, key: str, what: str, detail: dict[str, Any]) -> Intent:
        """Write the intent, or return the one that stands under ``key`` already (open or done)."""

    def done(self, key: str, result: dict[str, Any]) -> Intent:
        """Mark ``key`` done with ``result``; quiet when it is done already with the same result."""

    def forget(self, key: str) -> None:
        """Close ``key`` for good, so that the same key may be a new effect later; quiet when unknown."""

    def find(self, key: str) -> Intent | None:
        """The intent under ``key``."""

    def pending(self) -> tuple[Intent, ...]:
        """Open intents, oldest first."""


def once(
    journal: Journal,
    key: str,
    what: str,
    *,
    detail: dict[str, Any],
    probe: Callable[[Intent], dict[str, Any] | None],
    act: Callable[[Intent], dict[str, Any]],
) -> dict[str, Any]:
    """Make one effect at most once, however often this is called and wherever it was killed before.

    Args:
        journal: Where intents are kept.
        key: Names the effect.
        what: Verb and object, for a person.
        detail: Plain data that ``probe`` needs after a crash.
        probe: Looks whether an open intent took place; returns its result, or None when it did not.
        act: Makes the effect.

    Returns:
        What the effect gave, now or when it was made.
    """
    known = journal.find(key)
    if known is not None and known.result is not None:
        return known.result
    intent = known or journal.open(key, what, detail)
    result = probe(intent) if known is not None else None
    if result is None:
        result = act(intent)
    journal.done(key, result)
    return result


class FileJournal:
    """A journal in one fsynced JSON-lines file, shared by processes under a file lock.

    Args:
        path: The file; made with its folder when missing, mode 0600.
    """

    def __init__(self, path: Path) -> None:
        """Remember where the file is; nothing is read yet."""
        self._path = path

    def open(self, key: str, what: str, detail: dict[str, Any]) -> Intent:
        """See `Journal.open`."""
        with self._locked() as state:
            if key in state:
                return state[key]
            intent = Intent(key=key, what=what, token=os.urandom(16).hex(), detail=detail)
            self._append({"open": msgspec.to_builtins(intent)})
            return intent

    def done(self, key: str, result: dict[str, Any]) -> Intent:
        """See `Journal.done`.

        Raises:
            BadInput: ``key`` was never opened.
        """
        with self._locked() as state:
            if key not in state:
                raise BadInput(f"no intent {key!r}", where=str(self._path))
            if state[key].result != result:
                self._append({"done": {"key": key, "result": result}})
            return msgspec.structs.replace(state[key], result=result)

    def forget(self, key: str) -> None:
        """See `Journal.forget`."""
        with self._locked() as state:
            if key in state:
                self._append({"forget": {"key": key}})

    def find(self, key: str) -> Intent | None:
        """See `Journal.find`."""
        with self._locked() as state:
            return state.get(key)

    def pending(self) -> tuple[Intent, ...]:
        """See `Journal.pending`."""
        with self._locked() as state:
            return tuple(intent for intent in state.values() if intent.result is None)

    def _locked(self) -> AbstractContextManager[dict[str, Intent]]:
        return _locked_state(self._path)

    def _append(self, line: dict[str, Any]) -> None:
        new = not self._path.exists()
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, json.dumps(line, sort_keys=True).encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            sync_folder(self._path.parent)


@contextmanager
def _locked_state(path: Path) -> Iterator[dict[str, Intent]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _replay(path)
    finally:
        os.close(lock)


def _replay(path: Path) -> dict[str, Intent]:
    if not path.exists():
        return {}
    raw = path.read_bytes()
    whole = raw.rfind(b"\n") + 1
    if whole != len(raw):
        # A crash in the middle of a write: that line's effect was not begun, because acting waits for the fsync.
        with path.open("r+b") as file:
            file.truncate(whole)
            os.fsync(file.fileno())
    state: dict[str, Intent] = {}
    for number, line in enumerate(raw[:whole].splitlines(), start=1):
        try:
            ((verb, body),) = json.loads(line).items()
            if verb == "open":
                state[body["key"]] = msgspec.convert(body, Intent)
            elif verb == "done":
                state[body["key"]] = msgspec.structs.replace(state[body["key"]], result=body["result"])
            else:
                state.pop(body["key"], None)
        except (ValueError, KeyError, msgspec.ValidationError) as exc:
            raise BadInput("not a journal line", where=f"{path}, row {number}") from exc
    return state
