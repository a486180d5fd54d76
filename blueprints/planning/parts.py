"""Parts of a plan as the bytes that are hashed, signed over and written: made once, and read when somebody asks."""

import fcntl
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from pse.core import canonical
from pse.core.errors import BadInput
from pse.core.forked import forked

K = TypeVar("K")
T = TypeVar("T", bound=msgspec.Struct)


class Kept(msgspec.Struct, frozen=True):
    """Where in a `Spool` some bytes are, and their SHA-256."""

    file: int
    at: int
    size: int
    sha256: str


class Spool:
    """Bytes that wait on disk, and not in memory, until somebody asks for them.

    They lie in files without a name, which are gone with this object or with the process. A process that is forked
    meanwhile puts into a file of its own, and the parent gets what it put.
    """

    def __init__(self, folder: Path) -> None:
        """Keep them on the disk of ``folder``.

        Raises:
            BadInput: Nothing can be written there.
        """
        self._folder = folder
        self._handles: list[int] = []
        weakref.finalize(self, _close, self._handles)
        # One for each process of `forked`, and one for this one.
        for _ in range((os.cpu_count() or 1) + 1):
            with _told(folder), tempfile.TemporaryFile(dir=folder) as file:
                self._handles.append(os.dup(file.fileno()))
        self._mine = (0, -1, 0)

    def put(self, data: bytes) -> Kept:
        """Keep ``data``.

        Raises:
            BadInput: The disk is full.
        """
        process, number, at = self._mine
        if process != os.getpid():
            process, number = os.getpid(), self._free()
            at = os.fstat(self._handles[number]).st_size
        left = memoryview(data)
        with _told(self._folder):
            while left:
                left = left[os.pwrite(self._handles[number], left, at + len(data) - len(left)) :]
        self._mine = (process, number, at + len(data))
        return Kept(number, at, len(data), canonical.digest(data))

    def get(self, kept: Kept) -> bytes:
        """The bytes that were kept."""
        return os.pread(self._handles[kept.file], kept.size, kept.at)

    def _free(self) -> int:
        """Number of a file that no other process puts into; it is this one's from now on, until it ends."""
        for number, handle in enumerate(self._handles):
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            return number
        raise RuntimeError("more processes than processors")


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise BadInput(
            f"the parts of a plan cannot be kept: {exc.strerror}", where=str(folder), hint="Free some space there."
        ) from exc


def _close(handles: Iterable[int]) -> None:
    for handle in handles:
        os.close(handle)


class Lazily(Mapping[K, bytes], Generic[K]):
    """Bytes by name that are fetched each time that they are asked for."""

    def __init__(self, fetch: Callable[[K], bytes], names: Iterable[K]) -> None:
        """Fetch the bytes of each of ``names`` by ``fetch``."""
        self._fetch = fetch
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: K) -> bytes:
        """The bytes of ``name``.

        Raises:
            KeyError: There are none.
        """
        if name not in self._names:
            raise KeyError(name)
        return self._fetch(name)

    def __iter__(self) -> Iterator[K]:
        """Names."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._names)


class Parts(Mapping[str, T], Generic[T]):
    """Documents of one kind by name, sorted; a document is decoded each time that it is asked for.

    A ministry's plan has a gigabyte of them. As bytes they take a third of the memory, in a `Spool` none, and nothing
    encodes them twice.
    """

    def __init__(self, kind: type[T], data: Mapping[str, bytes], digests: Mapping[str, str] | None = None) -> None:
        """Hold ``data``, the canonical bytes of each, whose SHA-256 is in ``digests`` where it is known."""
        self._kind = kind
        self._data: Mapping[str, bytes] = (
            Lazily(data.__getitem__, sorted(data))
            if isinstance(data, Lazily)
            else {name: data[name] for name in sorted(data)}
        )
        self._digests = digests

    @classmethod
    def of(cls, kind: type[T], documents: Mapping[str, T]) -> "Parts[T]":
        """The parts of ``documents``, which are not encoded again where they are parts already."""
        if isinstance(documents, Parts):
            return documents
        return cls(kind, {name: canonical.encode(document) for name, document in documents.items()})

    @classmethod
    def made(cls, kind: type[T], make: Callable[[str], bytes], names: Iterable[str], spool: Spool | None) -> "Parts[T]":
        """What ``make`` makes of each of ``names``, on all processors; kept in ``spool``, in memory without one."""
        wanted = list(names)
        if spool is None:
            return cls(kind, dict(zip(wanted, forked(make, wanted, bytes), strict=True)))
        kept = dict(zip(wanted, forked(lambda name: spool.put(make(name)), wanted, Kept), strict=True))
        digests = {name: one.sha256 for name, one in kept.items()}
        return cls(kind, Lazily(lambda name: spool.get(kept[name]), kept), digests)

    def __getitem__(self, name: str) -> T:
        """The document called ``name``.

        Raises:
            KeyError: There is none.
            BadInput: It is not a document of its kind.
        """
        return canonical.decode(self._data[name], self._kind, where=f"{name}.json")

    def __iter__(self) -> Iterator[str]:
        """Names, sorted."""
        return iter(self._data)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._data)

    @property
    def encoded(self) -> Mapping[str, bytes]:
        """Canonical bytes by name."""
        return self._data

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 by name."""
        if self._digests is None:
            self._digests = {name: canonical.digest(data) for name, data in self._data.items()}
        return self._digests
