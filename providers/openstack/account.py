"""What all kinds share: the client, the place, its zones, and waits."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from providers.kit import options
from providers.openstack.client import Client, option
from providers.openstack.marks import Marks
from providers.ports import Identity, PortError, Target
from providers.rfc2136 import OPTIONS as NAME_SERVER
from pse.core.schema import Inputs, Placement

BOOT_S = 900.0
GONE_S = 300.0
STEP_S = 600.0

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Seen(msgspec.Struct, frozen=True):
    """A live object as its service tells it, in the resource's words.

    Attributes:
        id: The cloud's id.
        marks: Whose it is.
        live: Inputs by Python name, as far as the cloud tells them.
        outputs: Outputs by Python name, without the placement.
        placement: Where each aspect rests.
        reasons: Why it is not healthy.
    """

    id: str
    marks: Marks
    live: Mapping[str, Any]
    placement: tuple[Placement, ...]
    outputs: Mapping[str, Any] = {}
    reasons: tuple[str, ...] = ()


class Work(Protocol):
    """What one kind does; `providers.openstack.stores` does the rest. A raw object is the service's own answer."""

    def __init__(self, account: "Account") -> None:
        """Remember the account."""

    def make(self, inputs: Any, identity: Identity, /) -> Any:
        """Make the object and wait until it is usable or failed; return it raw.

        Raises:
            PortError: And nothing is left.
            Stuck: It exists, and more cannot be done about it.
        """

    def get(self, object_id: str, /) -> Any | None:
        """The raw object, or None."""

    def all(self, urn: str, /) -> list[Any]:
        """All raw objects of the project; with a URN hash at least those that carry it."""

    def see(self, raw: Any, given: Any | None, /) -> Seen:
        """A raw object in the resource's words; ``given`` are the last known inputs."""

    def change(self, raw: Any, new: Any, /) -> Any:
        """Bring the object to ``new``, repair it, and return it raw. Safe to repeat."""

    def drop(self, object_id: str, /) -> None:
        """Delete it and wait until it is gone; quiet when it is."""


class Stuck(PortError):
    """An object exists and cannot be used; the store makes a `PartlyMade` of it.

    Args:
        object_id: The cloud's id.
        why: In words.
    """

    code = "stuck"

    def __init__(self, object_id: str, why: str) -> None:
        super().__init__(why)
        self.object_id = object_id


NEEDED = ("region", "availability_zone")
OPTIONS = NAME_SERVER | {
    *NEEDED, "volume_zone", "external_network", "object_policy", "cloud", "domain", "ssh_user", "host_key_s", "boot_s",
}  # fmt: skip


class Account:
    """One project at one place.

    Args:
        target: The place.

    Attributes:
        grouping: Held while a server joins or leaves a server group.
        closed: Ends every wait.
    """

    def __init__(self, target: Target) -> None:
        """Make no call yet."""
        self.target = target
        self.client = Client(target)
        self.grouping = threading.Lock()
        self.closed = threading.Event()
        self._names: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def check_options(self) -> None:
        """See that the register's entry has what is needed and nothing unknown.

        Raises:
            PortError: It has not.
        """
        families = ("image.", "shape.", "storage.")
        options.check(self.target.options, known=OPTIONS, needed=NEEDED, families=families, where=self.place)

    @property
    def place(self) -> str:
        """Id of the place."""
        return self.target.place

    @property
    def zone(self) -> str:
        """Availability zone for servers.

        Raises:
            PortError: The register does not name it.
        """
        return option(self.target, "availability_zone")

    @property
    def volume_zone(self) -> str:
        """Availability zone for volumes; the servers' where no other is named."""
        return self.target.options.get("volume_zone") or self.zone

    def seconds(self, name: str, default: float) -> float:
        """An option that is a number of seconds.

        Raises:
            PortError: It is none.
        """
        return options.seconds(self.target.options, name, default, where=self.place)

    def regional(self, what: str = "resource") -> Placement:
        """An aspect that rests where the region's services keep it: the endpoint is the region's that was asked."""
        return Placement(what, self.place, "set")

    def zonal(self, what: str, asked: str, found: str | None) -> Placement:
        """An aspect in a zone: this place when the zone is the one asked for, else the cloud's own word."""
        if found == asked:
            return Placement(what, self.place, "set")
        return Placement(what, f"zone {found}" if found else "no zone", "unknown")

    def alias(self, sort: str, name: str) -> str:
        """The cloud's name for a name of the price book: option ``<sort>.<name>``, else the same name."""
        return self.target.options.get(f"{sort}.{name}", name)

    def unalias(self, sort: str, theirs: str) -> str:
        """The price book's name for a name of the cloud."""
        prefix = f"{sort}."
        for key, value in self.target.options.items():
            if key.startswith(prefix) and value == theirs:
                return key.removeprefix(prefix)
        return theirs

    def once(self, sort: str, key: str, ask: Callable[[], str]) -> str:
        """The answer of ``ask``, kept: ids and names of images and sizes do not change in a connection's life."""
        with self._lock:
            known = self._names.get((sort, key))
        if known is None:
            known = ask()
            with self._lock:
                self._names[sort, key] = known
        return known


def is_id(text: str) -> bool:
    """Whether this can be an id of the cloud's; nothing else is put into a path."""
    return bool(_UUID.fullmatch(text))


def inputs_beside(given: Inputs | None, blank: Inputs, live: Mapping[str, Any]) -> Inputs:
    """Live inputs, and what the cloud does not tell as it was given."""
    return msgspec.structs.replace(given or blank, **live)
