"""Canonical JSON: the same value gives the same bytes, so that a hash names a document.

Keys in declaration order for structs and sorted for mappings, indent of one space, decimals as strings, no
clock inside, one newline at the end.
"""

import ctypes
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from pse.core.errors import BadInput

T = TypeVar("T")
_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_LIBC = ctypes.CDLL(None, use_errno=True)
MOST_BYTES = 2**30
"""Bytes of the largest file that is read whole."""
_MANY = 16
"""Files from which on a flush of the whole file system costs less than one of each; it also tells what failed."""


def encode(value: object) -> bytes:
    """The canonical bytes of a document, a struct or plain data."""
    return msgspec.json.format(_ENCODER.encode(value), indent=1) + b"\n"


def digest(data: bytes) -> str:
    """SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_of(value: object) -> str:
    """SHA-256 of the canonical bytes of ``value``."""
    return digest(encode(value))


def decode(data: bytes, kind: type[T], *, where: str) -> T:
    """Read a document strictly.

    Args:
        data: JSON bytes.
        kind: The struct to read; unknown keys follow the struct's own rule.
        where: The file to name when it cannot be read.

    Raises:
        BadInput: Not JSON, or not a ``kind``; the message names the path inside the document.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadInput(f"not a readable {kind.__name__}: {exc}", where=where) from exc


def read(path: Path, kind: type[T]) -> T:
    """Read the document at ``path``.

    Raises:
        BadInput: The file is missing, unreadable or not a ``kind``.
    """
    return decode(read_bytes(path), kind, where=str(path))


def read_bytes(path: Path) -> bytes:
    """The bytes at ``path``, a file or a pipe that somebody writes into.

    Raises:
        BadInput: It is missing, cannot be read, is larger than `MOST_BYTES`, or is a device, which may have no end.
    """
    try:
        # Looked at through the open file; opening a pipe without this flag waits for its writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if stat.S_ISFIFO(status.st_mode):
                os.set_blocking(handle, True)
                return _piped(file, path)
            if not stat.S_ISREG(status.st_mode):
                raise BadInput("cannot be read: a device or folder is no file", where=str(path))
            if status.st_size > MOST_BYTES:
                raise _too_large(path)
            return file.read()
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror}", where=str(path)) from exc


def _piped(file: BinaryIO, path: Path) -> bytes:
    data = b""
    while part := file.read(2**20):
        data += part
        if len(data) > MOST_BYTES:
            raise _too_large(path)
    if not data:
        raise BadInput("cannot be read: a pipe that nobody writes into", where=str(path))
    return data


def _too_large(path: Path) -> BadInput:
    return BadInput(f"more than the {MOST_BYTES // 2**20:,} MiB that a file may have here", where=str(path))


def write(path: Path, value: object, *, mode: int = 0o644) -> str:
    """Write ``value`` as canonical JSON, atomically and fsynced, and return its SHA-256."""
    data = encode(value)
    write_bytes(path, data, mode=mode)
    return digest(data)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace ``path`` by ``data`` atomically: a reader sees the old file or the new one, after a crash too.

    Raises:
        BadInput: The folder cannot be written, the disk is full, or ``path`` is a folder or a device; nothing is left
            behind.
    """
    write_many({path: data}, mode=mode)


def write_many(files: Mapping[Path, bytes], *, mode: int = 0o644) -> None:
    """Replace each of ``files`` as `write_bytes` does one, and have the disk's answer once for all of them.

    All are on disk when it returns. In between a reader may see some old and some new ones: what ties them together
    is written after them.

    Raises:
        BadInput: As `write_bytes`; none of them was replaced, unless it was the replacing itself that failed.
    """
    waiting: dict[Path, str] = {}
    # Names that no other writer has, and no file that a run left behind which was killed.
    mark = secrets.token_hex(4)
    folders = {path.parent for path in files}
    try:
        for folder in folders:
            with _told(folder):
                folder.mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            waiting[path] = f"{path.parent}/.{path.name}.{mark}"
            with _told(path):
                _fresh(path, waiting[path], data, mode)
        _flush(waiting.values(), folders)
        for path in files:
            with _told(path):
                os.replace(waiting[path], path)  # noqa: PTH105  (thousands of files: a Path of each costs more)
            del waiting[path]
    finally:
        for left in waiting.values():
            Path(left).unlink(missing_ok=True)
    for folder in sorted(folders):
        sync_folder(folder)


def _fresh(path: Path, beside: str, data: bytes, mode: int) -> None:
    """``data`` in a new file ``beside`` that can take the place of ``path``; not flushed yet."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  (as above)
            # Renaming over it would take a device, such as /dev/full, out of the system.
            raise BadInput("cannot be written: it is not a file", where=str(path), hint="Name a file.")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise BadInput(
            f"cannot be written: {exc.strerror}", where=str(path), hint="Free some space or choose another folder."
        ) from exc


def _flush(files: Collection[str], folders: Collection[Path]) -> None:
    """Return when ``files`` are on disk: one by one, and many by one call for each file system of ``folders``."""
    whole = getattr(_LIBC, "syncfs", None) if len(files) > _MANY else None
    if whole is None:  # also where the C library has no such call
        for file in files:
            with _told(Path(file)):
                _synced(file, os.fsync)
        return
    known: set[int] = set()
    for folder in folders:
        with _told(folder):
            device = folder.stat().st_dev
            if device not in known:
                known.add(device)
                _synced(str(folder), _checked(whole))


def _synced(path: str, sync: Callable[[int], None]) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        sync(handle)
    finally:
        os.close(handle)


def _checked(call: Callable[[int], int]) -> Callable[[int], None]:
    def checked(handle: int) -> None:
        if call(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return checked


def sync_folder(folder: Path) -> None:
    """Make renames and new names in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
