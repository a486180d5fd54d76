"""What is a kind's own at a cloud: the calls that make, finish, describe and remove it."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

from providers.ports import Identity, PortError
from pse.core.schema import Inputs, Placement

Given_contra = TypeVar("Given_contra", bound=Inputs, contravariant=True)


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which objects are meant; all of them when nothing is said.

    Attributes:
        id: Exactly this one.
        tags: Those whose identity has these parts: ``stack``, ``urn``, ``op``.
    """

    id: str = ""
    tags: Mapping[str, str] = {}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A live object as the cloud describes it, in neutral words.

    Attributes:
        id: Its id.
        name: Its name; empty when it has none of ours.
        identity: Whose it is; None for a stranger's.
        inputs: Inputs by Python name, as far as the cloud tells them.
        outputs: Outputs by Python name, without ``placement``.
        placement: Where each aspect rests.
        reasons: Why it is not healthy.
    """

    id: str
    name: str
    identity: Identity | None
    inputs: Mapping[str, Any]
    placement: tuple[Placement, ...]
    outputs: Mapping[str, Any] = {}
    reasons: tuple[str, ...] = ()


class Gone(PortError):
    """The cloud took back what it was making, and said why: nothing stands."""

    code = "gone"


class Noun(Protocol[Given_contra]):
    """What one kind does. Only `PortError` leaves, or what the account's ``errors`` turns into one."""

    settle_s: ClassVar[float]
    """Seconds to look for an object whose making got no answer, where making it again would make a second one; 0
    where the cloud refuses a second one, by token, name or range."""

    def make(self, inputs: Given_contra, identity: Identity, /) -> str:
        """The one call that makes it, tagged; returns its id."""

    def finish(self, object_id: str, inputs: Given_contra, /) -> None:
        """Wait until it is usable, and bring it to ``inputs``. May be repeated.

        Raises:
            Gone: It is not there any more, and the cloud said why.
        """

    def seen(self, query: Query, known: Given_contra | None, /) -> Iterator[Seen]:
        """Live objects; ``known`` are last known inputs, for what can be said in several ways."""

    def remove(self, object_id: str, /) -> None:
        """The call that deletes it; the store waits until it is gone."""
