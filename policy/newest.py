"""The newest register and NOCs that a workspace has seen: an older file with its true signature is not believed.

``.pse/locks/NAME.mark``, signed: the hash of the newest file and of those before it, and its day of issue. A file that
was followed by another, or was issued before the newest, is refused. Signing is the way back: whoever has the key says
with it that this file is the one that counts now.
"""

from contextlib import suppress
from datetime import date
from pathlib import Path

import msgspec

from policy.signing import believe, pin, sign
from pse.core.canonical import digest, encode, read_bytes, write_bytes
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace

_SIGNED = b"pse newest file\n"
"""Stands before what is signed, so that no signature of another document is one of a mark."""


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was noted of one file.

    Attributes:
        file: Its path in the workspace.
        newest: SHA-256 of its newest bytes.
        issued: Day of issue of these; None where the file has none.
        earlier: SHA-256 of bytes that were the newest before, in their order.
        signer: Public key, 64 hexadecimal digits; empty in what is signed.
        signature: 128 hexadecimal digits over the mark without these two.
    """

    file: str
    newest: str
    issued: date | None = None
    earlier: tuple[str, ...] = ()
    signer: str = ""
    signature: str = ""


def refuse_older(workspace: Workspace, file: str, raw: bytes, *, issued: date | None, hint: str) -> None:
    """Return when ``raw`` is the newest of ``file`` that was seen; note it when it is newer.

    Without the key nothing is noted, and everything is checked all the same.

    Args:
        workspace: Where it is.
        file: Path in the workspace.
        raw: Its bytes, their signature verified.
        issued: Their day of issue, where they have one.
        hint: What to do when they are older.

    Raises:
        Refused: They are older, or the mark was altered.
    """
    mark, found = _read(workspace, file), digest(raw)
    if mark is not None and mark.newest == found:
        return
    if mark is not None and found in mark.earlier:
        raise Refused("an older one was put back: another was signed after it", where=_name(workspace, file), hint=hint)
    if mark is not None and issued is not None and mark.issued is not None and issued < mark.issued:
        words = f"issued on {issued}, and one of {mark.issued} was seen here"
        raise Refused(words, where=_name(workspace, file), hint=hint)
    with suppress(BadInput, Refused):  # no key, or not the pinned one: only who has it can note anything
        note_newest(workspace, file, raw, issued=issued)


def note_newest(workspace: Workspace, file: str, raw: bytes, *, issued: date | None) -> None:
    """Note ``raw`` as the newest of ``file``, whatever was before.

    Raises:
        BadInput: No key here.
        Refused: The key here is not the pinned one, or the mark was altered.
    """
    mark, found = _read(workspace, file), digest(raw)
    before = () if mark is None else (*mark.earlier, mark.newest)
    earlier = tuple(name for name in dict.fromkeys(before) if name != found)
    _write(workspace, Mark(file=file, newest=found, issued=issued, earlier=earlier))


def note_none(workspace: Workspace, file: str) -> None:
    """Note that ``file`` is gone or empty: what was there does not come back without a signature.

    Raises:
        Refused: The mark was altered.
    """
    mark = _read(workspace, file)
    if mark is not None and mark.newest != digest(b""):
        with suppress(BadInput, Refused):
            note_newest(workspace, file, b"", issued=None)


def sign_anew(old: Workspace, new: Workspace, file: str) -> None:
    """Sign the mark of ``file`` with another key; quiet when that was done, or there is none.

    Args:
        old: The workspace with its former pin.
        new: The same with its new one.
        file: Path in the workspace.

    Raises:
        Refused: Neither signed the mark.
    """
    try:
        _read(new, file)
    except Refused:
        mark = _read(old, file)
        if mark is not None:
            _write(new, mark)


def _write(workspace: Workspace, mark: Mark) -> None:
    signed = msgspec.structs.replace(mark, signer=pin(workspace), signature=sign(workspace, _SIGNED + encode(mark)))
    path = _path(workspace, mark.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, encode(signed), mode=0o600)


def _read(workspace: Workspace, file: str) -> Mark | None:
    path = _path(workspace, file)
    if not path.exists():
        return None
    hint = f"Check who changed it. If the {Path(file).name} here is the one that counts, sign it again."
    try:
        signed = msgspec.json.decode(read_bytes(path), type=Mark)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise Refused("not a mark", where=str(path), hint="Take it away, and sign the file again.") from exc
    mark = msgspec.structs.replace(signed, signer="", signature="")
    believe(workspace, signed.signer, _SIGNED + encode(mark), signed.signature, where=str(path), hint=hint)
    if mark.file != file:
        raise Refused(f"the mark is of {mark.file}, not of {file}", where=str(path), hint=hint)
    return mark


def _path(workspace: Workspace, file: str) -> Path:
    return workspace.private / "locks" / f"{Path(file).name}.mark"


def _name(workspace: Workspace, file: str) -> str:
    return str(workspace.path(file))
