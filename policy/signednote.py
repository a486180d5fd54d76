"""Small documents of ours under ``.pse``, signed with the workspace's key, so that only who has the key writes them."""

from typing import Generic, TypeVar

import msgspec

from policy.signing import believe, pin, sign
from pse.core.canonical import encode, read_bytes, write_bytes
from pse.core.errors import Refused
from pse.core.settings import Workspace


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every such document has besides its own.

    Attributes:
        signer: Public key, 64 hexadecimal digits; empty in what is signed.
        signature: 128 hexadecimal digits over the document without these two.
    """

    signer: str = ""
    signature: str = ""


N = TypeVar("N", bound=Signed)


class SignedNote(Generic[N]):
    """One file under ``.pse`` and the struct in it.

    Args:
        name: Of the file.
        kind: The struct; see `Signed`.
        before: Stands before what is signed, so that no signature of another document is one of this.
        hint: What to do when it cannot be believed.
    """

    def __init__(self, name: str, kind: type[N], *, before: bytes, hint: str) -> None:
        self._name = name
        self._kind = kind
        self._before = before
        self._hint = hint

    def write(self, workspace: Workspace, note: N) -> None:
        """Sign and write.

        Raises:
            BadInput: No key here, or the file cannot be written.
            Refused: The key here is not the pinned one.
        """
        signature = sign(workspace, self._before + encode(note))
        signed = msgspec.structs.replace(note, signer=pin(workspace), signature=signature)
        write_bytes(workspace.private / self._name, encode(signed))

    def read(self, workspace: Workspace) -> N | None:
        """The note; None when there is none.

        Raises:
            Refused: It was altered, or another key signed it.
        """
        path = workspace.private / self._name
        if not path.exists():
            return None
        try:
            signed = msgspec.json.decode(read_bytes(path), type=self._kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise Refused(f"not what `pse` wrote: {self._name}", where=str(path), hint=self._hint) from exc
        note: N = msgspec.structs.replace(signed, signer="", signature="")
        believe(
            workspace, signed.signer, self._before + encode(note), signed.signature, where=str(path), hint=self._hint
        )
        return note

    def sign_anew(self, old: Workspace, new: Workspace) -> None:
        """Sign it with another key; quiet when that was done, or there is none.

        Args:
            old: The workspace with its former pin.
            new: The same with its new one.

        Raises:
            Refused: Neither signed it.
        """
        try:
            self.read(new)
        except Refused:
            note = self.read(old)
            if note is not None:
                self.write(new, note)
