"""What an adapter must be able to do. The conformance suite (`providers.conformance`) is the executable form of this.

An adapter is one folder under ``providers/``. It translates the neutral resources to its cloud's calls and nothing
else: identity, journal, adoption, the gate, retries and secrets are the plugin's.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec

from pse.core.errors import PseError, RemoteError
from pse.core.schema import Inputs, Outputs


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What every object carries at the cloud, as tags ``pse-stack``, ``pse-urn`` and ``pse-op``.

    Attributes:
        stack: Stable id of the stack.
        urn: Hash of the resource's URN: 32 hexadecimal digits.
        op: Unique id of this one create intent; usable as the cloud's idempotency token while the intent is open.
    """

    stack: str
    urn: str
    op: str


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A live object.

    Attributes:
        id: The cloud's id.
        identity: Its tags; None when a stranger made it.
        inputs: Live inputs, as far as the cloud tells them; what it does not tell is left as given.
        outputs: Computed values.
        healthy: False when it exists and is not usable, for example a server that did not boot.
        reasons: Why it is not healthy.
    """

    id: str
    identity: Identity | None
    inputs: Inputs
    outputs: Outputs
    healthy: bool = True
    reasons: tuple[str, ...] = ()

    @property
    def elsewhere(self) -> str:
        """Where the object itself rests, by the cloud's own word, when that is not the place; else empty."""
        aspects = self.outputs.placement
        return next((a.where for a in aspects if a.what == "resource" and a.source == "unknown"), "")


class Store(Protocol):
    """One kind of resource at one place. Calls block and may come from many threads. Only `PortError` leaves."""

    def create(self, inputs: Inputs, *, identity: Identity) -> Made:
        """Make the object, tagged with ``identity`` in the same call.

        Raises:
            PortError: Nothing was made, as far as the cloud said.
            PartlyMade: It exists and is not usable.
        """

    def read(self, object_id: str, inputs: Inputs | None) -> Made | None:
        """The live object, or None when it is gone; ``inputs`` are the last known ones, None on import."""

    def update(self, object_id: str, old: Inputs, new: Inputs) -> Made:
        """Bring the live object to ``new``; repairs one that was made partly. Safe to repeat."""

    def delete(self, object_id: str) -> None:
        """Delete it and wait until it is gone; quiet when it is gone already."""

    def find(self, stack: str, urn: str) -> tuple[Made, ...]:
        """All live objects that carry this stack and URN hash."""

    def list(self) -> tuple[Made, ...]:
        """All live objects of this kind in the account, foreign ones too."""


SETTLE_S = 30.0
"""Seconds taken for `Settling.settle_s` of a store that does not say: as long as clouds take to list what they made."""


@runtime_checkable
class Settling(Protocol):
    """A store that says how long its cloud may know nothing of what it is making."""

    @property
    def settle_s(self) -> float:
        """Seconds from the start of a create without an answer until what it made is found, if it made anything.

        0 where making it again makes no second one: by the intent's token, its name or its range.
        """


def settle_s(store: Store) -> float:
    """How long to look for what a create without an answer may have made, before another is made."""
    return store.settle_s if isinstance(store, Settling) else SETTLE_S


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where an adapter works.

    Attributes:
        place: Place id ``csp/region/site``.
        country: ISO 3166 code of the place's country.
        endpoint: Service address; for the lab a ``lab:`` name.
        workspace: Root of the workspace, for state that the adapter keeps.
        options: Adapter's own settings from the register's entry.
    """

    place: str
    country: str
    endpoint: str
    workspace: Path
    options: Mapping[str, str] = {}


class Provider(Protocol):
    """One adapter, found by the entry-point group ``pse.providers``."""

    name: ClassVar[str]
    kinds: ClassVar[Mapping[str, str]]
    """Kinds that it can make, each with the permission that it takes."""
    lacks: ClassVar[Mapping[str, str]]
    """What it cannot do, each with the reason: every other kind, as ``Kind``, and inputs, as ``Kind.wireName``.

    What needs one is refused before any call; an input may have its default.
    """

    def __init__(self, target: Target) -> None:
        """Remember the target; no call is made yet."""

    def store(self, kind: str) -> Store:
        """The store of one kind."""

    def close(self) -> None:
        """Give back connections."""


@runtime_checkable
class OnThisMachine(Protocol):
    """A provider that makes its objects on this machine, which may lack something for it."""

    def ready(self) -> None:
        """See that this machine can make them; takes well under a second and makes nothing.

        Raises:
            MissingTool: It cannot; the hint is the line to run.
        """


@runtime_checkable
class ChecksOptions(Protocol):
    """A provider that can tell without any call whether the options of its place are what it needs."""

    def check_options(self) -> None:
        """See that the register's entry has what is needed and nothing unknown.

        Raises:
            PortError: It does not.
        """


@runtime_checkable
class ByOptions(Protocol):
    """A provider that makes further kinds where the register's entry has the options for them."""

    @classmethod
    def by_options(cls, options: Mapping[str, str]) -> type[Provider]:
        """The adapter as it is with these options; no call is made."""


@runtime_checkable
class FixedImages(Protocol):
    """A provider that knows without asking a cloud which images it has: those, and no others."""

    images: ClassVar[Collection[str]]


@runtime_checkable
class TellsAccount(Protocol):
    """A provider that can tell which account its place leads to, with the credentials that there are."""

    def account(self) -> str:
        """The account, and the part of it that ids mean something in, in the cloud's own words; empty for none.

        For example ``123456789012/me-south-1``. What is not found in another one may well be there.

        Raises:
            PortError: The cloud said no.
        """


@runtime_checkable
class TellsOffers(Protocol):
    """A provider that can list what its place offers; what that costs is not the cloud's to say."""

    def offers(self) -> tuple[Mapping[str, str], ...]:
        """Rows of a price sheet, as in `providers.catalog`, by heading; without a price.

        Raises:
            PortError: The cloud said no.
        """


class FoundImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that a place has.

    Attributes:
        id: What `pse.core.schema.ServerInputs.image` takes there.
        created: When it was made, as the cloud says it; empty where it does not.
    """

    id: str
    created: str = ""


@runtime_checkable
class FindsImages(Protocol):
    """A provider that asks its cloud for images."""

    def find_image(self, name: str) -> FoundImage | None:
        """The newest usable image of a name, of an owner who may be trusted; None when there is none.

        Raises:
            PortError: The cloud said no.
        """


class PortError(RemoteError):
    """A cloud said no. ``reason`` is the common word for it, ``vendor_code`` the cloud's own.

    Args:
        message: In words.
        reason: ``quota``, ``capacity``, ``throttle``, ``not-found``, ``conflict``, ``in-use``, ``auth``, ``invalid``
            or ``transient``.
        vendor_code: The cloud's own code.
        retry_after_s: Seconds that the cloud asks to wait before the next call; 0 when it does not say.
    """

    code = "port"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "transient",
        vendor_code: str = "",
        retry_after_s: float = 0.0,
        **words: str,
    ) -> None:
        super().__init__(message, **words)
        self.reason = reason
        self.vendor_code = vendor_code
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[object, ...]:
        """Keep all of it through pickle."""
        own = {"reason": self.reason, "vendor_code": self.vendor_code, "retry_after_s": self.retry_after_s}
        return (_rebuild, (type(self), self.message, {**own, "hint": self.hint, "where": self.where}))


class PartlyMade(PortError):
    """The object exists and is not usable; its id must not be lost.

    Args:
        made: The object, with ``healthy`` false.
    """

    code = "partly-made"

    def __init__(self, made: Made) -> None:
        super().__init__("; ".join(made.reasons) or "made partly", reason="transient")
        self.made = made

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the object through pickle."""
        return (PartlyMade, (self.made,))


def _rebuild(cls: type[PseError], message: str, words: Mapping[str, Any]) -> PseError:
    rebuilt: Any = cls
    error: PseError = rebuilt(message, **words)
    return error
