"""Parts of a plan as the bytes that are hashed, signed over and written: made once, and read when somebody asks."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

import msgspec

from pse.core import canonical

T = TypeVar("T", bound=msgspec.Struct)


class Parts(Mapping[str, T], Generic[T]):
    """Documents of one kind by name, sorted; a document is decoded each time that it is asked for.

    A ministry's plan has a gigabyte of them. As bytes they take a third of the memory, and nothing encodes them twice.
    """

    def __init__(self, kind: type[T], data: Mapping[str, bytes]) -> None:
        """Hold ``data``, the canonical bytes of each."""
        self._kind = kind
        self._data = {name: data[name] for name in sorted(data)}

    @classmethod
    def of(cls, kind: type[T], documents: Mapping[str, T]) -> "Parts[T]":
        """The parts of ``documents``, which are not encoded again where they are parts already."""
        if isinstance(documents, Parts):
            return documents
        return cls(kind, {name: canonical.encode(document) for name, document in documents.items()})

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
