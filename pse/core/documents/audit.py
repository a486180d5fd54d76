"""Audit: what really exists at the places, as their clouds listed it, and where each aspect of it rests."""

from datetime import date
from enum import StrEnum

import msgspec

from pse.core.documents.verdicts import Refusal
from pse.core.findings import Finding
from pse.core.schema import Placement


class Whose(StrEnum):
    """Whom a live object belongs to."""

    PLAN = "plan"
    """A stack of the plan, and its state knows it."""
    OUTSIDE = "outside"
    """A stack of ours that the plan does not name, and its state knows it."""
    LEFTOVER = "leftover"
    """It carries our tags, and no state knows it."""
    ANOTHERS = "anothers"
    """It carries the tags of another workspace, or of a program that is no plan's."""
    NOBODYS = "nobodys"
    """It carries no tags of any workspace."""


class Resting(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One live object.

    Attributes:
        place: Place id where it was found.
        kind: For example ``Volume``.
        id: The cloud's id.
        whose: See `Whose`.
        unit: Stack id; the tag of the stack for another workspace's; empty for nobody's.
        name: Name at the cloud, where it tells one.
        listed: The account's listing has it; false when only its tags led to it.
        placement: Where each aspect of it rests, as the adapter found it.
        key: Id of the key that it is encrypted with; empty for the cloud's own or none.
    """

    place: str
    kind: str
    id: str
    whose: Whose
    unit: str = ""
    name: str = ""
    listed: bool = True
    placement: tuple[Placement, ...] = ()
    key: str = ""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found.

    Attributes:
        schema: Version of this document.
        plan: Hash of the plan that it was compared with.
        as_of: Day that it was judged for.
        refused: What is refused, by the id of each stack that stands.
        rests: Every live object at the places, sorted.
        findings: Sorted.
    """

    schema: int = 1
    plan: str
    as_of: date
    refused: dict[str, tuple[Refusal, ...]]
    rests: tuple[Resting, ...] = ()
    findings: tuple[Finding, ...] = ()
