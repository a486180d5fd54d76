"""The effect journal: every effect on the outside is written as an intent before and as done after.

Whoever crashes between the two finds the intent open, probes whether the effect took place, and acts only if it
did not. One API, two stores: a fsynced JSON-lines file here (the plugin, which has no database), and SQL tables in
`migrate` (campaigns).
"""

import errno
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from pse.core.canonical import sync_folder
from pse.core.errors import BadInput

T = TypeVar("T")
Change = Callable[[dict[str, Any] | None], dict[str, Any]]
"""What becomes of a result; None where there is none."""


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

    def note(self, key: str, what: str, change: "Change") -> Intent:
        """Put ``change`` of the result under ``key`` (None where there is none) in its place, open or done or new.

        One write that nobody else's comes between: killed at any moment, either the old or the new one stands.
        ``change`` may be called again, and has no other effect.
        """

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

    What was read once is kept; a call reads only what was appended since, by whichever process. Threads that write at
    the same time share a flush: whoever comes first makes it for all lines that stand by then.

    Args:
        path: The file; made with its folder when missing, mode 0600.
    """

    def __init__(self, path: Path) -> None:
        """Remember where the file is; nothing is read yet."""
        self._path = path
        self._state: dict[str, Intent] = {}
        self._read = 0
        self._rows = 0
        self._mutex = threading.Lock()
        self._flush = threading.Lock()
        self._written = self._flushed = self._failed = 0

    def open(self, key: str, what: str, detail: dict[str, Any]) -> Intent:
        """See `Journal.open`."""
        with self._locked() as state:
            intent, end = state.get(key), self._read
            if intent is None:
                intent = Intent(key=key, what=what, token=os.urandom(16).hex(), detail=detail)
                end = self._append({"open": msgspec.to_builtins(intent)})
        self._on_disk(end)
        return intent

    def done(self, key: str, result: dict[str, Any]) -> Intent:
        """See `Journal.done`.

        Raises:
            BadInput: ``key`` was never opened.
        """
        with self._locked() as state:
            if key not in state:
                raise BadInput(f"no intent {key!r}", where=str(self._path))
            intent, end = state[key], self._read
            if intent.result != result:
                end = self._append({"done": {"key": key, "result": result}})
        self._on_disk(end)
        return msgspec.structs.replace(intent, result=result)

    def note(self, key: str, what: str, change: Change) -> Intent:
        """See `Journal.note`."""
        with self._locked() as state:
            known = state.get(key)
            fresh = known or Intent(key=key, what=what, token=os.urandom(16).hex(), detail={})
            intent = msgspec.structs.replace(fresh, what=what, result=change(known.result if known else None))
            end = self._append({"open": msgspec.to_builtins(intent)})
        self._on_disk(end)
        return intent

    def forget(self, key: str) -> None:
        """See `Journal.forget`."""
        with self._locked() as state:
            end = self._append({"forget": {"key": key}}) if key in state else self._read
        self._on_disk(end)

    def find(self, key: str) -> Intent | None:
        """See `Journal.find`."""
        with self._locked() as state:
            return state.get(key)

    def pending(self) -> tuple[Intent, ...]:
        """See `Journal.pending`."""
        with self._locked() as state:
            return tuple(intent for intent in state.values() if intent.result is None)

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Intent]]:
        with self._mutex:
            lock = self._lock_file()
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._catch_up()
                yield self._state
            finally:
                os.close(lock)

    def _lock_file(self) -> int:
        path = self._path.with_name(self._path.name + ".lock")
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def _append(self, line: dict[str, Any]) -> int:
        """Write a line, not flushed yet; returns where it ends."""
        new = not self._path.exists()
        data = json.dumps(line, sort_keys=True).encode() + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _write_all(handle, data)
            self._written = os.lseek(handle, 0, os.SEEK_CUR)
        except OSError as exc:
            raise self._full(exc) from exc
        finally:
            os.close(handle)
        if new:
            sync_folder(self._path.parent)
        return self._written

    def _on_disk(self, end: int) -> None:
        """Return when the file is on disk up to ``end``.

        Raises:
            BadInput: It cannot be written there.
        """
        with self._flush:
            if end == 0 or self._failed < end <= self._flushed:
                return
            if end <= self._failed:
                # The system tells a failure once only; whose lines went with it have to hear of it too.
                raise self._full(OSError(errno.EIO, os.strerror(errno.EIO)))
            upto = max(end, self._written)
            try:
                handle = os.open(self._path, os.O_WRONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
            except OSError as exc:
                self._failed = max(self._failed, upto, self._written)
                raise self._full(exc) from exc
            self._flushed = upto

    def _full(self, exc: OSError) -> BadInput:
        return BadInput(
            f"cannot be written: {exc.strerror}", where=str(self._path), hint="Free some space; nothing was begun."
        )

    def _catch_up(self) -> None:
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size < self._read:
            self._state, self._read, self._rows = {}, 0, 0
            self._written = self._flushed = self._failed = 0
        if size == self._read:
            return
        with self._path.open("r+b") as file:
            file.seek(self._read)
            raw = file.read()
            whole = raw.rfind(b"\n") + 1
            if whole != len(raw):
                # A crash in the middle of a write: that line's effect was not begun, for acting waits for the fsync.
                file.truncate(self._read + whole)
                os.fsync(file.fileno())
        for line in raw[:whole].splitlines():
            self._rows += 1
            try:
                _apply(self._state, line)
            except (ValueError, KeyError, TypeError, AttributeError, msgspec.ValidationError) as exc:
                row = self._rows
                self._state, self._read, self._rows = {}, 0, 0
                raise BadInput("not a journal line", where=f"{self._path}, row {row}") from exc
        self._read += whole


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _apply(state: dict[str, Intent], line: bytes) -> None:
    ((verb, body),) = json.loads(line).items()
    if verb == "open":
        state[body["key"]] = msgspec.convert(body, Intent)
    elif verb == "done":
        state[body["key"]] = msgspec.structs.replace(state[body["key"]], result=body["result"])
    elif verb == "forget":
        state.pop(body["key"], None)
    else:
        raise ValueError(verb)
