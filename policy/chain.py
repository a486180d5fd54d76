"""The hash chain of a ledger: what a line is, and how it follows the one before it.

`policy.ledger` appends to it in a workspace; `verify_export` reads an export of it anywhere, with nothing but a key.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from policy.ledgerhead import Position, altered, open_head
from pse.core.canonical import digest

CLOCK = "clock"
"""Kind of the entry by which a person accepts that the clock is behind the line before."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line.

    Attributes:
        seq: From 1.
        at: Moment in UTC; before that of the line before only in an entry ``clock``.
        prev: SHA-256 of the line before; zeros in the first.
        kind: ``refusal``, ``clock`` or what the caller of `Ledger.record` named.
        data: Plain data without secrets.
    """

    seq: int
    at: datetime
    prev: str
    kind: str
    data: dict[str, Any]


def parse(line: bytes, row: int, path: Path) -> Entry:
    """The entry in a line.

    Raises:
        Refused: It is none.
    """
    try:
        return msgspec.json.decode(line, type=Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise altered(path, "not a line of a ledger", row=row) from exc


def walk(file: IO[bytes], start: Position, stop: Position, path: Path) -> Iterator[tuple[Entry, Position]]:
    """Entries after ``start`` and where the chain stands after each, up to ``stop``.

    Args:
        file: The lines.
        start: Where to begin.
        stop: Where the chain has to lead.
        path: What to call the file.

    Raises:
        Refused: A line does not follow the one before it, or the last is not that of ``stop``; its row is named.
    """
    at = start
    moment = datetime.min.replace(tzinfo=UTC)
    file.seek(start.size)
    while at.size < stop.size:
        line = file.readline()
        row = at.entries + 1
        if not line.endswith(b"\n"):
            raise altered(path, "the ledger is cut off here", row=row)
        entry = parse(line[:-1], row, path)
        if entry.seq != row or entry.prev != at.hash or (entry.at < moment and entry.kind != CLOCK):
            raise altered(path, "this line does not follow the one before it", row=row)
        at = Position(entries=row, hash=digest(line[:-1]), start=at.size, size=at.size + len(line))
        moment = entry.at
        yield entry, at
    if at != stop:
        raise altered(path, "this line is not the one that the head names", row=at.entries)


def verify_export(lines: bytes, head: bytes, *, signer: str, path: Path) -> tuple[Entry, ...]:
    """The entries of an exported ledger, once chain and head hold; needs no workspace.

    Args:
        lines: As `Ledger.export` gave them.
        head: The head beside them.
        signer: Public key that has to have signed the head.
        path: What to call the file.

    Raises:
        Refused: The head is not the signer's, or a line was altered, cut off, added or put elsewhere.
    """
    stop = open_head(head, signer, path, "its head")
    if len(lines) != stop.size:
        what = "cut off" if len(lines) < stop.size else "longer than its head says"
        raise altered(path, f"the ledger is {what}")
    return tuple(entry for entry, _ in walk(io.BytesIO(lines), Position(), stop, path))
