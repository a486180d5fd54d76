"""The resource group at one place: calls in the port's words, the check of the place, and operations that take long."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, ClassVar

from providers.azure.errors import port_errors, refusal
from providers.azure.names import CALLS, VERBS, last, names_of, type_of
from providers.azure.wire import Call, Wire
from providers.kit.account import WAIT_S, CloudAccount
from providers.kit.waiting import poll
from providers.ports import PortError, Target
from pse.core.schema import Placement

OPTIONS = frozenset(
    {
        "subscription",
        "resource_group",
        "location",
        "zone",
        "proxy",
        "os_disk_class",
        "ssh_user",
        "host_key_wait_s",
        "wait_s",
    }
)
NOBODY_THERE = frozenset({"ContainerNotFound", "ResourceNotFound", "NotFound", "ParentResourceNotFound"})
"""Codes that say that this one thing is not there, and not that its group or subscription is not."""
NEW = {"If-None-Match": "*"}
"""Header of a PUT that must not take the place of anything."""
NOTHING: Mapping[str, str] = MappingProxyType({})
BUSY = frozenset({"AnotherOperationInProgress", "Conflict", "RetryableError"})
"""Codes that may say that something else goes on with this one thing; ``Conflict`` says other things too."""
_GOING = frozenset(
    {"creating", "updating", "deleting", "inprogress", "running", "accepted", "migrating", "resolvingdns"}
)


class Account(CloudAccount):
    """One place at Azure; safe to use from many threads (see `providers.azure.wire.Wire`).

    Args:
        target: The place.
    """

    known_options: ClassVar[frozenset[str]] = OPTIONS
    needed_options: ClassVar[tuple[str, ...]] = ("subscription", "resource_group", "location")

    def __init__(self, target: Target) -> None:
        """Remember the target; no SDK is imported yet."""
        super().__init__(target)
        self.location = plain(target.options.get("location", ""))
        self.zone = target.options.get("zone", "")
        subscription, self._group = (target.options.get(name, "") for name in ("subscription", "resource_group"))
        self._path = f"/subscriptions/{subscription}/resourceGroups/{self._group}"
        self._wire = Wire(
            target.endpoint, subscription=subscription, proxy=target.options.get("proxy", ""), where=target.place
        )
        self._operations: dict[str, Call] = {}
        self._checked = False

    @property
    def here(self) -> str:
        """The location, and the zone where it has zones."""
        return f"{self.location} zone {self.zone}" if self.zone else self.location

    @property
    def zones(self) -> dict[str, list[str]]:
        """What makes a resource zonal."""
        return {"zones": [self.zone]} if self.zone else {}

    def account(self) -> str:
        """Subscription and resource group, which every id begins with."""
        return self._path.lower()

    def errors(self) -> AbstractContextManager[None]:
        """See `providers.azure.errors.port_errors`."""
        return port_errors(self.place)

    def close(self) -> None:
        """Give back connections; whatever still waits gives up."""
        self.closed.set()
        self._wire.close()

    def check(self) -> None:
        """See, once, that the resource group is there and in the location: it holds names and tags.

        Raises:
            PortError: It is not.
        """
        if self._checked:
            return
        self.check_options()
        if not all(name.replace("-", "").replace("_", "").replace(".", "").isalnum() for name in self._names()):
            raise PortError("subscription and resource group are names", reason="invalid", where=self.place)
        found = self._wire.call("resource.resource_groups.get", self._group).body
        said = plain(str(found.get("location", "")))
        if not self.is_right(said):
            raise PortError(
                f"the resource group is in {said or 'no location'}, and {self.location} was asked for",
                reason="invalid",
                vendor_code="WrongLocation",
                where=self.place,
                hint="Correct resource group and location of the place in the register.",
            )
        self._checked = True

    def is_right(self, location: str) -> bool:
        """Whether the resource group may be in a location: it holds names and tags."""
        return location == self.location

    # -- ids --

    def path(self, kind: str, *names: str) -> str:
        """The id of a resource, written in one way."""
        namespace, *types = kind.split("/")
        parts = "/".join(f"{part}/{name}" for part, name in zip(types, names, strict=True))
        return f"{self._path}/providers/{namespace}/{parts}"

    def is_mine(self, object_id: str, kind: str) -> bool:
        """Whether an id is one of a type in this resource group: no other is ever asked for or changed."""
        inside = object_id.lower().startswith(f"{self._path.lower()}/providers/")
        return inside and type_of(object_id) == kind and not set(object_id) & set("?#%\\ ") and "/." not in object_id

    def made(self, object_id: str) -> str:
        """Remember what was made by its name, which ARM's errors quote; it ends in a token, and is nobody else's."""
        super().made(last(object_id))
        return object_id

    def gone(self, object_id: str) -> None:
        """See `providers.kit.account.CloudAccount.gone`."""
        super().gone(last(object_id))

    # -- looking --

    def get(self, object_id: str, kind: str, **query: str) -> dict[str, Any] | None:
        """One resource; None when it is not there, or the id is none of this type here.

        Raises:
            PortError: See `providers.azure.errors`.
        """
        mine = self.is_mine(object_id, kind)
        return _unless_gone(lambda: self._call("get", object_id, **query)) if mine else None

    def needed(self, object_id: str, kind: str) -> dict[str, Any]:
        """What a new object refers to; it is waited for where it was made just now.

        Raises:
            PortError: It is not there.
        """

        def look() -> dict[str, Any]:
            found = self.get(object_id, kind)
            if found is None:
                said = f"no {kind.rpartition('/')[2]} {object_id!r} here"
                raise PortError(said, reason="not-found", vendor_code="ResourceNotFound", where=self.place)
            return found

        return self.patiently(look)

    def all(self, kind: str, *inside: str, **query: str) -> Iterator[dict[str, Any]]:
        """All resources of a type in the resource group, page by page.

        Args:
            kind: The type.
            inside: Names of what they are in.
            query: Parameters.

        Raises:
            PortError: See `providers.azure.errors`; also for pages that do not end.
        """
        return self._wire.pages(CALLS[kind], self._group, *inside, **query)

    def part(self, call: str, *names: str) -> dict[str, Any] | None:
        """Something in a resource, by the SDK's own call; None when it is not there."""
        return _unless_gone(lambda: self._wire.call(call, self._group, *names))

    def parts(self, operations: str, *names: str) -> Iterator[dict[str, Any]]:
        """All that a resource has of something, by the SDK's own operations."""
        return self._wire.pages(operations, self._group, *names)

    def has_blobs(self, store: str, container: str) -> bool:
        """Whether there is anything in a container of a storage account."""
        return self._wire.has_blobs(store, container)

    def image_versions(self, publisher: str, offer: str, sku: str) -> tuple[str, ...]:
        """Versions of a platform image in the location.

        Raises:
            PortError: See `providers.azure.errors`.
        """
        images = "compute.virtual_machine_images.list"
        found = self._wire.call(images, self.location, publisher, offer, sku).body
        with self.errors():
            return tuple(str(version["name"]) for version in found["value"])

    # -- doing --

    def put(self, object_id: str, body: Mapping[str, Any], headers: Mapping[str, str] = NOTHING) -> None:
        """Make or replace; `ready` waits until it is done."""
        self._begin("create_or_update", object_id, body, headers=headers)

    def patch(self, object_id: str, body: Mapping[str, Any]) -> None:
        """Change what ``body`` has, and wait until it is done."""
        self._begin("update", object_id, body)
        self.over(object_id)

    def post(self, object_id: str, action: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An action, awaited; gives what it put out."""
        self._begin(action, object_id, *([] if body is None else [body]))
        return self.over(object_id)

    def change(self, call: str, *given: Any, **more: Any) -> Mapping[str, Any]:
        """A call of the SDK's that changes something in a resource, and is over when it is answered.

        Args:
            call: Client, operations and operation.
            given: Names, and the body as JSON.
            more: See `providers.azure.wire.Wire.call`.
        """
        return self._changing(lambda: self._wire.call(call, self._group, *given, **more)).body

    def delete(self, object_id: str, kind: str) -> None:
        """Delete, and wait until the operation is over.

        Raises:
            PortError: Also when the id is none of this type here.
        """
        if not self.is_mine(object_id, kind):
            raise PortError(f"no {object_id!r} here", reason="not-found", where=self.place)
        self._begin("delete", object_id)
        self.over(object_id)

    def tag(self, object_id: str, tags: Mapping[str, str], *, operation: str = "Merge") -> None:
        """Add tags, or delete them, and leave the others as they are: what a PATCH of a resource does not do."""
        body = {"operation": operation, "properties": {"tags": dict(tags)}}
        scope = object_id.removeprefix("/")
        self._changing(lambda: self._wire.call("resource.tags.update_at_scope", scope, body))

    def over(self, object_id: str) -> dict[str, Any]:
        """Wait until what we began with a resource is over; gives what it put out.

        Raises:
            PortError: It failed, and this is why.
        """
        begun = self._operations.pop(object_id, None)
        if begun is None:
            return {}

        def look() -> Mapping[str, Any] | None:
            try:
                body = self._wire.look(begun)
            except PortError as exc:
                # ARM forgets operations after a while; the resource tells what became of it.
                if exc.reason == "not-found":
                    return {}
                raise
            with self.errors():
                status = str(body["status"])
            if status.lower() in {"failed", "canceled"}:
                raise refusal(body.get("error"), 400, where=self.place, what=last(object_id))
            return body if status.lower() == "succeeded" else None

        done = self.until(look, what=f"the operation on {last(object_id)}")
        return dict((done.get("properties") or {}).get("output") or {})

    def ready(self, object_id: str, kind: str) -> dict[str, Any]:
        """Wait until nothing goes on with a resource any more; gives it, failed or not."""
        self.over(object_id)
        return self.until(
            lambda: raw if (raw := self.get(object_id, kind)) is not None and not is_going(raw) else None,
            what=f"{last(object_id)} to be ready",
        )

    def succeeded(self, object_id: str, kind: str) -> dict[str, Any]:
        """The same for one that has to be well.

        Raises:
            PortError: It is not.
        """
        raw = self.ready(object_id, kind)
        for reason in reasons(raw):
            raise PortError(f"{last(object_id)}: {reason}", reason="invalid", where=self.place)
        return raw

    # -- where it is --

    def located(self, raw: Mapping[str, Any], *, what: str = "resource", zonal: bool = False) -> list[Placement]:
        """Where a resource is, by what it says of itself: its location, its zone, and an edge zone."""
        where, zones = plain(str(raw.get("location", ""))), [str(zone) for zone in raw.get("zones") or ()]
        edge = (raw.get("extendedLocation") or {}).get("name", "")
        if edge:
            return [Placement(what, f"{where} edge zone {edge}", "unknown")]
        wanted = [self.zone] if zonal and self.zone else []
        if where != self.location or (zonal and zones != wanted):
            return [Placement(what, f"{where or '?'}{' zone ' + ','.join(zones) if zones else ''}", "unknown")]
        return [Placement(what, self.place, "set")]

    # -- below: calls --

    def _call(self, verb: str, object_id: str, *body: Any, **more: Any) -> Call:
        kind = type_of(object_id)
        call = f"{CALLS[kind]}.{VERBS.get((kind, verb), verb)}"
        return self._wire.call(call, self._group, *names_of(object_id), *body, **more)

    def _begin(self, verb: str, object_id: str, *body: Any, **more: Any) -> None:
        begun = self._changing(lambda: self._call(verb, object_id, *body, **more))
        if begun.operation:
            self._operations[object_id] = begun

    def _changing(self, act: Callable[[], Call]) -> Call:
        """A call that changes something, repeated while ARM does not know what was made just now, or is busy."""

        def once() -> Call | None:
            try:
                return self.patiently(act)
            except PortError as exc:
                if exc.vendor_code not in BUSY or exc.reason != "transient":
                    raise
                return None

        found = poll(once, within_s=self.seconds("wait_s", WAIT_S), closed=self.closed)
        return self.patiently(act) if found is None else found

    def _names(self) -> tuple[str, str]:
        return self.options["subscription"], self.options["resource_group"]


def _unless_gone(look: Callable[[], Call]) -> dict[str, Any] | None:
    try:
        return dict(look().body)
    except PortError as exc:
        if exc.vendor_code in NOBODY_THERE:
            return None
        raise


def plain(location: str) -> str:
    """A location as ARM compares it: ``UAE North`` is ``uaenorth``."""
    return "".join(location.split()).lower()


def is_going(raw: Mapping[str, Any]) -> bool:
    """Whether something goes on with a resource."""
    return str(raw["properties"].get("provisioningState", "")).lower() in _GOING


def reasons(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a resource is not well."""
    state = str(raw["properties"].get("provisioningState") or "Succeeded")
    return () if state.lower() == "succeeded" else (f"it is in state {state}",)
