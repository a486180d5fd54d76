"""The ledger: what was refused and decided, in a hash chain that nobody can change unnoticed.

``.pse/ledger.jsonl`` holds one entry a line; each carries the SHA-256 of the line before it. ``.pse/ledger.head`` holds
how many entries there are, where the last one is and its hash, signed with the workspace's key, so that a tail that
was cut off is missed and nobody without the key writes another ledger. ``.pse/locks/ledger.mark`` is a copy of the
newest head: a ledger that is gone, or an older one that was put back, has fewer entries than it says.

Lines are appended by one process at a time, under a lock: first the signed next head is written to
``.pse/ledger.next``, then the lines, then the head. After a crash in between, the next appender takes over lines that
come up to the very head that was announced, and drops fewer: nobody was told that they were written. Lines past a head
that announced nothing are of somebody without the key, and refused. A workspace that pins no signer, in which nothing
can be believed, signs no head.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import IO, TYPE_CHECKING, Any

import msgspec

from policy.chain import CLOCK, Entry, parse, walk
from policy.ledgerhead import FILE, Heads, Position, altered
from pse.core.canonical import digest
from pse.core.documents.verdicts import Refusal
from pse.core.errors import BadInput, Refused, UsageError
from pse.core.settings import Workspace
from pse.core.time import KARACHI, now

if TYPE_CHECKING:
    from pse.core.documents.evidence import LedgerHead


class Ledger:
    """The ledger of a workspace. Several processes may hold one each.

    Args:
        workspace: Where it is; nothing is read yet.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Remember where the files are."""
        self._path = workspace.private / FILE
        self._heads = Heads(workspace)
        self._checked = Position()
        self._refused: set[tuple[str, str, str, str]] = set()

    def refuse(self, *, plan: str, unit: str, urn: str, gate: str, refusals: Iterable[Refusal]) -> int:
        """Write refusals, each once for its plan, URN, rule and gate.

        Args:
            plan: Hash of the plan; empty before there is one.
            unit: Unit id.
            urn: URN of the resource, or what else was refused.
            gate: Which of the five: ``plan``, ``program``, ``pack``, ``check`` or ``audit``.
            refusals: What the gate said.

        Returns:
            How many were new.

        Raises:
            Refused: The ledger was altered; the caller's own refusal stands all the same.
            BadInput: It cannot be written.
        """
        with self._locked():
            head = self._recover()
            fresh: list[dict[str, Any]] = []
            for refusal in sorted(refusals):
                key = (plan, urn, refusal.rule, gate)
                if key not in self._refused and key not in {_key(data) for data in fresh}:
                    words = {"plan": plan, "unit": unit, "urn": urn, "gate": gate}
                    fresh.append(words | msgspec.to_builtins(refusal))
            self._append(head, [("refusal", data) for data in fresh])
        return len(fresh)

    def record(self, kind: str, data: dict[str, Any]) -> None:
        """Write one entry, always.

        Args:
            kind: What happened, for example ``approval``; ``refusal`` belongs to `refuse`, ``clock`` to `accept_clock`.
            data: Plain data without secrets.

        Raises:
            ValueError: ``kind`` is one of these two.
            Refused: The ledger was altered.
            BadInput: It cannot be written.
        """
        if kind in {"refusal", CLOCK}:
            raise ValueError("refusals are written by refuse(), a clock by accept_clock()")
        with self._locked():
            self._append(self._recover(), [(kind, data)])

    def accept_clock(self, reason: str) -> Entry:
        """Go on from the clock of now after entries that a wrong clock dated into the future; the entry says so.

        Args:
            reason: Why the later dates were wrong; kept in the entry.

        Raises:
            UsageError: The clock is not behind, so there is nothing to accept; or no reason is given.
            Refused: The ledger was altered.
            BadInput: It cannot be written.
        """
        if not reason.strip():
            raise UsageError("no reason is given", hint="Say why the later dates are wrong.")
        with self._locked():
            head = self._recover()
            last = self._last(head)
            if last is None or last.at <= now():
                raise UsageError("the clock is not behind the ledger", where=str(self._path), hint="Nothing to accept.")
            self._append(head, [(CLOCK, {"behind": last.at.isoformat(), "reason": reason.strip()})])
            written = self._last(self._head())
        assert written is not None  # noqa: S101  it was appended a line above
        return written

    def entries(self) -> tuple[Entry, ...]:
        """All entries, the chain verified.

        Raises:
            Refused: The ledger was altered.
        """
        with self._locked():
            return tuple(self._whole(self._head()))

    def verify(self) -> "LedgerHead":
        """Read everything again and return where the ledger stands.

        Raises:
            Refused: A line was altered, removed, put elsewhere or cut off; the message names the row. Or the ledger is
                gone, is shorter than it was or another one, or its head is not signed with the workspace's key.
        """
        with self._locked():
            head = self._head()
            for _ in self._whole(head):
                pass
            self._tail(head)
        return _public(head)

    def export(self) -> tuple[bytes, bytes]:
        """All lines and the signed head over them, as they were at one moment; `policy.chain.verify_export` reads them.

        Raises:
            Refused: The ledger was altered, or the workspace's key is not here.
        """
        with self._locked():
            head = self._head()
            for _ in self._whole(head):
                pass
            if not head.size:
                return b"", self._heads.sign(head)
            with self._open() as file:
                return file.read(head.size), self._heads.sign(head)

    def head(self) -> "LedgerHead":
        """Where the ledger stands, from its head and last line only.

        Raises:
            Refused: The two do not fit together.
        """
        with self._locked():
            head = self._head()
            self._last(head)
        return _public(head)

    def last_day(self) -> date | None:
        """Day in Pakistan of the last entry; None when there is none. Reads the last line only.

        Raises:
            Refused: Head and last line do not fit together.
        """
        with self._locked():
            entry = self._last(self._head())
        return entry.at.astimezone(KARACHI).date() if entry else None

    # -- below: the caller holds the lock --

    def _head(self) -> Position:
        head, mark = self._heads.head(), self._heads.mark()
        if head is None and self._path.exists() and self._path.stat().st_size > 0:
            # A first line is only ever written after the head, so a ledger without a head has lost it.
            raise self._broken(0, "its head is missing")
        found = head or Position()
        if mark is not None and found.entries < mark.entries:
            raise self._broken(
                found.entries + 1,
                f"the ledger is shorter than it was: it had {mark.entries} entries and has {found.entries}",
            )
        if mark is not None and found.entries == mark.entries and found.hash != mark.hash:
            raise self._broken(0, "this is not the ledger that was here")
        return found

    def _whole(self, head: Position) -> Iterator[Entry]:
        """Every entry; the ledger has to pass through its mark."""
        mark = self._heads.mark()
        for entry, at in self._walk(Position(), head):
            if mark is not None and at.entries == mark.entries and at.hash != mark.hash:
                raise self._broken(at.entries, "this is not the ledger that was here")
            yield entry

    def _last(self, head: Position) -> Entry | None:
        if head.entries == 0:
            return None
        with self._open() as file:
            file.seek(head.start)
            line = file.read(head.size - head.start)
        if len(line) != head.size - head.start or not line.endswith(b"\n") or digest(line[:-1]) != head.hash:
            raise self._broken(head.entries, "the last line is not the one that the head names")
        entry = parse(line[:-1], head.entries, self._path)
        if entry.seq != head.entries:
            raise self._broken(head.entries, "the last line has another number than the head")
        return entry

    def _walk(self, start: Position, stop: Position) -> Iterator[tuple[Entry, Position]]:
        """Entries after ``start`` and where the ledger stands after each, up to ``stop``."""
        if stop.size == start.size:
            if stop != start:
                raise self._broken(stop.entries, "this line is not the one that was here")
            return
        with self._open() as file:
            yield from walk(file, start, stop, self._path)

    def _tail(self, head: Position) -> Position:
        """Where the ledger stands with the lines past the head that a crash left.

        That is the head that was announced, or the old one where not all of its lines came to the disk.
        """
        size = self._path.stat().st_size if self._path.exists() else 0
        if size <= head.size:
            return head
        announced = self._heads.announced()
        if announced is None or announced.entries <= head.entries or size > announced.size:
            raise self._broken(head.entries + 1, "lines follow that the workspace's key did not sign")
        if size < announced.size:
            return head
        for _ in self._walk(head, announced):
            pass
        return announced

    def _recover(self) -> Position:
        """Check what this object has not seen yet, take over or drop what a crash left, and return the head."""
        head = self._head()
        if head.size < self._checked.size:
            raise self._broken(head.entries + 1, "the ledger is shorter than it was")
        self._last(head)
        reached = self._tail(head)
        if reached.size:
            for entry, at in self._walk(self._checked, reached):
                if entry.kind == "refusal":
                    self._refused.add(_key(entry.data))
                self._checked = at
        if self._path.exists() and self._path.stat().st_size > reached.size:
            with self._path.open("r+b") as file:
                file.truncate(reached.size)
                os.fsync(file.fileno())
        if reached != head or self._heads.head() is None:
            self._heads.write(reached, self._heads.sign(reached))
        return reached

    def _append(self, head: Position, entries: list[tuple[str, dict[str, Any]]]) -> None:
        if not entries:
            return
        last = self._last(head)
        moment = max(now(), last.at) if last and entries[0][0] != CLOCK else now()
        lines: list[bytes] = []
        at = head
        for kind, data in entries:
            line = msgspec.json.encode(
                Entry(seq=at.entries + 1, at=moment, prev=at.hash, kind=kind, data=data), order="deterministic"
            )
            at = Position(entries=at.entries + 1, hash=digest(line), start=at.size, size=at.size + len(line) + 1)
            lines.append(line + b"\n")
        signed = self._heads.sign(at)  # before anything is written: without the key nothing is
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._heads.announce(signed)
            _write_all(handle, b"".join(lines))
            os.fsync(handle)
        except OSError as exc:
            os.ftruncate(handle, head.size)
            raise BadInput(
                f"the ledger cannot be written: {exc.strerror}", where=str(self._path), hint="Free some space."
            ) from exc
        finally:
            os.close(handle)
        self._heads.write(at, signed)
        self._checked = at
        self._refused.update(_key(data) for kind, data in entries if kind == "refusal")

    def _open(self) -> IO[bytes]:
        try:
            return self._path.open("rb")
        except FileNotFoundError as exc:
            raise self._broken(1, "the file is gone, and its head says that it has entries") from exc
        except OSError as exc:
            raise BadInput(f"cannot be read: {exc.strerror}", where=str(self._path)) from exc

    def _broken(self, row: int, why: str) -> Refused:
        return altered(self._path, why, row=row)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._path.with_name(FILE + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise BadInput(f"the ledger cannot be locked: {exc.strerror}", where=str(path)) from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _public(head: Position) -> "LedgerHead":
    # The document pulls in every other one; the plugin, which only appends, does without.
    from pse.core.documents.evidence import LedgerHead

    return LedgerHead(entries=head.entries, hash=head.hash)


def _key(data: dict[str, Any]) -> tuple[str, str, str, str]:
    return (str(data["plan"]), str(data["urn"]), str(data["rule"]), str(data["gate"]))


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
