"""Head, next head and mark of the ledger, signed with the workspace's key: see `policy.ledger`."""

from pathlib import Path

import msgspec

from policy.signing import pin, sign, verify
from pse.core.canonical import encode, write_bytes
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace

FILE = "ledger.jsonl"
HEAD = "ledger.head"
NEXT = "ledger.next"
MARK = "locks/ledger.mark"
_SIGNED = b"pse ledger head\n"
"""Stands before what is signed, so that no signature of another document is one of a head."""
_FIRST = "0" * 64
_KEY_HINT = "Bring the workspace's key, .pse/signing_key with mode 0600: whoever writes the ledger signs it."


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the ledger stands, as the head file says it.

    Attributes:
        entries: Number of entries.
        hash: SHA-256 of the last line; zeros when there is none.
        start: Byte offset of the last line.
        size: Bytes that count.
    """

    entries: int = 0
    hash: str = _FIRST
    start: int = 0
    size: int = 0


class Head(Position, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The head file: a position and its signature.

    Attributes:
        signature: Of the workspace's key; empty where no signer is pinned.
    """

    signature: str = ""

    @property
    def position(self) -> Position:
        """What is signed."""
        return Position(entries=self.entries, hash=self.hash, start=self.start, size=self.size)


class Heads:
    """The three files of a workspace's ledger; whoever calls holds the ledger's lock."""

    def __init__(self, workspace: Workspace) -> None:
        """Remember where they are."""
        self._workspace = workspace
        self._path = workspace.private / FILE
        self._head_path = workspace.private / HEAD
        self._next_path = workspace.private / NEXT
        self._mark_path = workspace.private / MARK

    def head(self) -> Position | None:
        """The head; None when there is no such file.

        Raises:
            Refused: It was altered or is not signed.
        """
        return self._read(self._head_path, "its head")

    def announced(self) -> Position | None:
        """Where the ledger was to stand after the newest lines; None when nothing was announced.

        Raises:
            Refused: It was altered or is not signed.
        """
        return self._read(self._next_path, "the announcement of its newest lines")

    def announce(self, signed: bytes) -> None:
        """Write the next head, before its lines."""
        write_bytes(self._next_path, signed, mode=0o600)

    def mark(self) -> Position | None:
        """Where the ledger stood after the last entry; None when nothing was noted.

        Raises:
            Refused: It was altered or is not signed.
        """
        return self._read(self._mark_path, "the mark of its last entry")

    def sign(self, position: Position) -> bytes:
        """The bytes of the head file for ``position``.

        Raises:
            Refused: A signer is pinned, and its key is not here.
        """
        signature = ""
        if self._workspace.settings.signer:
            try:
                signature = sign(self._workspace, _SIGNED + encode(position))
            except BadInput as exc:
                raise Refused(
                    f"the ledger cannot be signed: {exc.message}", where=str(self._path), hint=_KEY_HINT
                ) from exc
        fields = {name: getattr(position, name) for name in position.__struct_fields__}
        return encode(Head(**fields, signature=signature))

    def write(self, position: Position, signed: bytes) -> None:
        """Write head and mark; a crash between the two leaves a mark that the ledger has passed."""
        write_bytes(self._head_path, signed, mode=0o600)
        if position.entries:
            self._mark_path.parent.mkdir(exist_ok=True)
            write_bytes(self._mark_path, signed, mode=0o600)

    def sign_anew(self, former: str) -> None:
        """Sign head, announcement and mark with another key; quiet where that was done, or where there is none.

        Args:
            former: Public key that signed them before.

        Raises:
            Refused: Neither key signed one of them.
        """
        for path in (self._head_path, self._next_path, self._mark_path):
            try:
                self._read(path, path.name)
            except Refused:
                position = self._read(path, path.name, signer=former)
                if position is not None:
                    write_bytes(path, self.sign(position), mode=0o600)

    def _read(self, path: Path, name: str, *, signer: str = "") -> Position | None:
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise BadInput(f"cannot be read: {exc.strerror}", where=str(path)) from exc
        return open_head(
            raw, (signer or pin(self._workspace)) if self._workspace.settings.signer else "", self._path, name
        )


def open_head(raw: bytes, signer: str, path: Path, name: str) -> Position:
    """The position in the bytes of a head file.

    Args:
        raw: The bytes.
        signer: Public key that has to have signed it; empty where nothing is signed.
        path: Of the ledger.
        name: What to call the file.

    Raises:
        Refused: It was altered or is not signed.
    """
    try:
        head = msgspec.json.decode(raw, type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise altered(path, f"{name} cannot be read") from exc
    if encode(head) != raw or (head.entries == 0) != (head.position == Position()):
        raise altered(path, f"{name} was altered")
    if signer:
        try:
            verify(signer, _SIGNED + encode(head.position), head.signature)
        except Refused as exc:
            raise altered(path, f"{name} is not signed with the workspace's key") from exc
    return head.position


def altered(path: Path, why: str, *, row: int = 0) -> Refused:
    """The refusal of a ledger that is not what it was.

    Args:
        path: Of the ledger.
        why: In words.
        row: Where; 0 for the whole of it.
    """
    return Refused(
        f"the ledger was altered: {why}",
        where=f"{path}, row {row}" if row else str(path),
        hint="Bring ledger.jsonl and ledger.head back from the newest backup, both from the same moment. Where entries "
        f"are lost for good, put on record which, take .pse/{MARK} away and go on with what is left.",
    )
