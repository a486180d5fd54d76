"""Jurisdictions: the federation and the provinces, and how far the framework of each is, as of a day.

Each keeps a register of its own, and an entity is served by that of its own jurisdiction: nobody said that one
accredits for another, so that is refused (our stricter default, confidence C). A register accredits nobody while its
jurisdiction has no approved framework: see rule PSE-R008.
"""

from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from pse.core.errors import BadInput
from pse.core.settings import load_toml

SHIPPED = Path(__file__).parent / "jurisdictions.toml"


class Status(StrEnum):
    """How far a framework is; later means less far."""

    IN_FORCE = "in-force"
    APPROVED = "approved"
    PREPARED = "prepared"
    IN_CONTACT = "in-contact"


class Jurisdiction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One jurisdiction.

    Attributes:
        id: As ``pse.toml`` and registers write it.
        name: For people.
        status: How far its framework is.
        text: The same in words.
        as_of: Day that this was true on.
        confidence: ``A``, ``B`` or ``C``; see `policy.rulebook`.
        source: Where it was read.
    """

    id: str
    name: str
    status: Status
    text: str
    as_of: date
    confidence: str
    source: str

    @property
    def words(self) -> str:
        """Its status, for a person."""
        return f"{self.name}: {self.text} (as of {self.as_of}, confidence {self.confidence})"


class JurisdictionFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    jurisdiction: tuple[Jurisdiction, ...]


@lru_cache(maxsize=1)
def jurisdictions() -> MappingProxyType[str, Jurisdiction]:
    """All of them by id, in the file's order."""
    return MappingProxyType({one.id: one for one in load_toml(SHIPPED, JurisdictionFile).jurisdiction})


def refuse_unknown(id_: str, *, where: str) -> None:
    """Return when there is a jurisdiction called ``id_``.

    Raises:
        BadInput: There is none; ``where`` is the place in the file.
    """
    if id_ not in jurisdictions():
        raise BadInput(f"no such jurisdiction: {id_!r}", where=where, hint=f"One of {', '.join(jurisdictions())}.")
