"""JSON documents: facts that Ansible cached and states that Terraform wrote, one file or a folder of them."""

import os
from pathlib import Path

import msgspec

from pse.core.errors import BadInput
from pse.core.text import printable

MOST_DOCUMENT = 24 * 1024 * 1024
"""Bytes of one document; facts of a host have some 100 KiB."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON object and the name of its file."""

    name: str
    data: dict[str, object]


class Documents(msgspec.Struct, frozen=True, kw_only=True):
    """What one import reads.

    Attributes:
        path: The file or folder that was named.
        documents: Those that could be read, by name of the file.
        unread: Files that could not be read, and why.
    """

    path: Path
    documents: tuple[Document, ...]
    unread: tuple[tuple[str, str], ...] = ()


def is_json(raw: bytes) -> bool:
    """Whether the first bytes of a file may be those of a JSON object."""
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def read_documents(path: Path, files: tuple[Path, ...]) -> Documents:
    """Read ``files``; of several the ones that are no JSON are named and left out.

    Raises:
        BadInput: The only file cannot be read.
    """
    found, unread = [], []
    for file in files:
        try:
            found.append(Document(name=file.name, data=_object(file)))
        except BadInput as exc:
            if len(files) == 1:
                raise
            unread.append((file.name, exc.message))
    return Documents(path=path, documents=tuple(found), unread=tuple(unread))


def _object(path: Path) -> dict[str, object]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            raw = file.read(MOST_DOCUMENT + 1)
    except OSError as exc:
        raise BadInput(f"cannot be read: {exc.strerror}", where=str(path)) from exc
    if len(raw) > MOST_DOCUMENT:
        raise BadInput("a document of more than 24 MiB", where=str(path))
    try:
        data = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadInput(f"no JSON that can be read: {printable(str(exc))[:200]}", where=str(path)) from exc
    if not isinstance(data, dict):
        raise BadInput("a JSON document, but no object", where=str(path))
    return data
