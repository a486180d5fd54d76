"""Signatures of the workspace: one Ed25519 key, its public half pinned in ``pse.toml`` as ``signer``.

Register, NOCs and gate files are believed only with a signature of the pinned key. `cryptography` is imported where
a signature is made or checked, never before.
"""

import os
import re
from pathlib import Path

from pse.core.canonical import read_bytes, sync_folder, write_bytes
from pse.core.errors import BadInput, Refused
from pse.core.secrets import resolve
from pse.core.settings import Workspace

KEY = "signing_key"
_HEX_32 = re.compile(r"[0-9a-f]{64}")
_HEX_64 = re.compile(r"[0-9a-f]{128}")
_SIGNATURE_LINE = re.compile(rb"ed25519 ([0-9a-f]{64}) ([0-9a-f]{128})\n")


def init_keys(root: Path) -> str:
    """Make the workspace's signing key, mode 0600, and return its pin.

    A key that is there already is kept: a new one would make everything that it signed worthless.

    Args:
        root: Folder of the workspace; ``pse.toml`` need not exist yet.

    Returns:
        The public key as 64 hexadecimal digits, for ``signer`` in ``pse.toml``.

    Raises:
        BadInput: The folder cannot be written, or the key that is there cannot be used.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = root / ".pse" / KEY
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _public(_seed(root))
    except OSError as exc:
        raise BadInput(f"the signing key cannot be written: {exc.strerror}", where=str(path)) from exc
    try:
        os.write(handle, Ed25519PrivateKey.generate().private_bytes_raw().hex().encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(path.parent)
    return _public(_seed(root))


def prepare_key(root: Path, name: str) -> str:
    """Make a key in ``.pse/NAME``, mode 0600, unless it is there, and return its public half.

    Raises:
        BadInput: It cannot be written, or what is there is no key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = root / ".pse" / name
    if not path.exists():
        write_bytes(path, Ed25519PrivateKey.generate().private_bytes_raw().hex().encode() + b"\n", mode=0o600)
    return _public(_seed(root, name))


def adopt_key(root: Path, name: str) -> None:
    """Let the key of `prepare_key` be the workspace's; the one before it is gone. Quiet when that was done."""
    path = root / ".pse" / name
    if path.exists():
        path.replace(path.with_name(KEY))
        sync_folder(path.parent)


def sign(workspace: Workspace, data: bytes) -> str:
    """The signature of the workspace's key over ``data``, as 128 hexadecimal digits.

    Raises:
        BadInput: No key here, or others can read it.
        Refused: The key here is not the one that ``pse.toml`` pins, so nobody would believe the signature.
    """
    return Signer(workspace).sign(data)


class Signer:
    """The workspace's key, read and held against its pin once, for whoever signs thousands of gates.

    Attributes:
        public: Its public half, which is the pin.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Read the key; see `sign` for what it raises."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.public = pin(workspace)
        seed = _seed(workspace.root)
        if _public(seed) != self.public:
            raise Refused(
                "the signing key here is not the signer that pse.toml pins",
                where=str(workspace.private / KEY),
                hint="Bring the workspace's own key; a new one means signing register and NOCs again and pinning it.",
            )
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, data: bytes) -> str:
        """The key's signature over ``data``, as 128 hexadecimal digits."""
        return self._key.sign(data).hex()


def verify(signer: str, data: bytes, signature: str) -> None:
    """Return when ``signature`` is ``signer``'s over ``data``.

    Args:
        signer: Public key, 64 lower-case hexadecimal digits.
        data: What was signed.
        signature: 128 lower-case hexadecimal digits. Capitals are refused: one signature has one spelling.

    Raises:
        Refused: It is not, or one of the two is not well formed.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not _HEX_32.fullmatch(signer):
        raise Refused("the signer is not a public key of 64 hexadecimal digits")
    if not _HEX_64.fullmatch(signature):
        raise Refused("the signature is not 128 hexadecimal digits")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer)).verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError) as exc:
        raise Refused("the signature does not fit what it stands beside: one of the two was altered") from exc


def pin(workspace: Workspace) -> str:
    """The signer that ``pse.toml`` pins.

    Raises:
        Refused: None is pinned, so no signature can be believed.
    """
    if not _HEX_32.fullmatch(workspace.settings.signer):
        raise Refused(
            "no signer is pinned, so no signature can be believed",
            where=str(workspace.path("pse.toml")),
            hint="`pse init` makes a key and pins it as `signer`.",
        )
    return workspace.settings.signer


def sign_file(workspace: Workspace, path: Path) -> Path:
    """Sign the bytes of ``path`` into the file of the same name with ``.sig`` added, and return that.

    Raises:
        BadInput: ``path`` or the key cannot be read.
        Refused: See `sign`.
    """
    beside = path.with_name(path.name + ".sig")
    write_bytes(beside, signature_line(workspace, read_bytes(path)))
    return beside


_HINT = "Check who changed it. If the change is right, sign it again with the workspace's key."


def read_signed(workspace: Workspace, path: Path, *, hint: str = _HINT) -> bytes:
    """The bytes of ``path``, once the signature beside it is found to be the pinned signer's.

    Args:
        workspace: Whose pin counts.
        path: The signed file.
        hint: What to do when the signature does not hold.

    Raises:
        BadInput: ``path`` is missing or cannot be read.
        Refused: Unsigned, altered, or signed by another key.
    """
    data = read_bytes(path)
    beside = path.with_name(path.name + ".sig")
    try:
        line = read_bytes(beside)
    except BadInput as exc:
        raise Refused("not signed", where=str(path), hint=hint) from exc
    signer, signature = signature_of(line, where=str(beside), hint=hint)
    believe(workspace, signer, data, signature, where=str(path), hint=hint)
    return data


def signature_line(workspace: Workspace, data: bytes) -> bytes:
    """The content of a signature file for ``data``.

    Raises:
        BadInput: No key here.
        Refused: See `sign`.
    """
    return f"ed25519 {pin(workspace)} {sign(workspace, data)}\n".encode()


def signature_of(line: bytes, *, where: str, hint: str = "") -> tuple[str, str]:
    """Signer and signature in the content of a signature file; neither is verified.

    Raises:
        Refused: It is none.
    """
    found = _SIGNATURE_LINE.fullmatch(line)
    if found is None:
        raise Refused("not a signature file", where=where, hint=hint)
    return found[1].decode(), found[2].decode()


def believe(workspace: Workspace, signer: str, data: bytes, signature: str, *, where: str, hint: str) -> None:
    """Return when ``signature`` over ``data`` is the pinned signer's.

    Raises:
        Refused: Another signer, or the signature does not fit; names ``where``.
    """
    if signer != pin(workspace):
        raise Refused("signed by a key that this workspace does not pin", where=where, hint=hint)
    try:
        verify(signer, data, signature)
    except Refused as exc:
        raise Refused(exc.message, where=where, hint=hint) from exc


def _seed(root: Path, name: str = KEY) -> bytes:
    """The private key. Raises `BadInput` when it is missing, readable by others or not a key."""
    text = resolve(f"file:.pse/{name}", base=root)
    if not _HEX_32.fullmatch(text):
        raise BadInput("not a signing key", where=str(root / ".pse" / name))
    return bytes.fromhex(text)


def _public(seed: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()
