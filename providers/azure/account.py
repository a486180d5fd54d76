"""The resource group at one place: calls in the port's words, the check of the place, and operations that take long."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeVar

from providers.azure.errors import port_errors, refusal
from providers.azure.names import MACHINE, TAGS, VERSIONS, last, type_of
from providers.azure.wire import Answer, Wire
from providers.kit.account import WAIT_S, CloudAccount
from providers.kit.waiting import poll
from providers.ports import PortError, Target
from pse.core.schema import Placement

T = TypeVar("T")

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
NOBODY_THERE = frozenset({"ResourceNotFound", "NotFound", "ParentResourceNotFound"})
"""Codes that say that this one thing is not there, and not that its group or subscription is not."""
NEW = {"If-None-Match": "*"}
"""Header of a PUT that must not take the place of anything."""
_GOING = frozenset({"creating", "updating", "deleting", "inprogress", "running", "accepted", "migrating"})


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
        subscription, group = (target.options.get(name, "") for name in ("subscription", "resource_group"))
        self._group = f"/subscriptions/{subscription}/resourceGroups/{group}"
        self._wire = Wire(target.endpoint, proxy=target.options.get("proxy", ""), where=target.place)
        self._operations: dict[str, str] = {}
        self._checked = False

    @property
    def here(self) -> str:
        """The location, and the zone where it has zones."""
        return f"{self.location} zone {self.zone}" if self.zone else self.location

    @property
    def zones(self) -> dict[str, list[str]]:
        """What makes a resource zonal."""
        return {"zones": [self.zone]} if self.zone else {}

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
        said = plain(str(self._call("GET", self._group, version=VERSIONS[TAGS]).body.get("location", "")))
        if said != self.location:
            raise PortError(
                f"the resource group is in {said or 'no location'}, and {self.location} was asked for",
                reason="invalid",
                vendor_code="WrongLocation",
                where=self.place,
                hint="Correct resource group and location of the place in the register.",
            )
        self._checked = True

    # -- ids --

    def path(self, kind: str, *names: str) -> str:
        """The id of a resource, written in one way."""
        namespace, *types = kind.split("/")
        parts = "/".join(f"{part}/{name}" for part, name in zip(types, names, strict=True))
        return f"{self._group}/providers/{namespace}/{parts}"

    def is_mine(self, object_id: str, kind: str) -> bool:
        """Whether an id is one of a type in this resource group: no other is ever asked for or changed."""
        inside = object_id.lower().startswith(f"{self._group.lower()}/providers/")
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
        if not self.is_mine(object_id, kind):
            return None
        try:
            return dict(self._call("GET", object_id, query=query).body)
        except PortError as exc:
            if exc.vendor_code in NOBODY_THERE:
                return None
            raise

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

    def all(self, kind: str, **query: str) -> Iterator[dict[str, Any]]:
        """All resources of a type in the resource group, page by page.

        Raises:
            PortError: See `providers.azure.errors`; also for pages that go round in a circle.
        """
        url, known = f"{self._group}/providers/{kind}", set[str]()
        given = {"api-version": VERSIONS[kind], **{f"${key}": value for key, value in query.items()}}
        while url:
            page = self._raw("GET", url, query=given).body
            yield from page["value"]
            url, given = str(page.get("nextLink") or ""), {}
            if url in known:
                raise PortError("the pages go round in a circle", vendor_code="Paging", where=self.place)
            known.add(url)

    def image_versions(self, publisher: str, offer: str, sku: str) -> tuple[str, ...]:
        """Versions of a platform image in the location.

        Raises:
            PortError: See `providers.azure.errors`.
        """
        where = f"/subscriptions/{self.options['subscription']}/providers/Microsoft.Compute/locations/{self.location}"
        url = f"{where}/publishers/{publisher}/artifacttypes/vmimage/offers/{offer}/skus/{sku}/versions"
        found = self._raw("GET", url, query={"api-version": VERSIONS[MACHINE]}, bare=True).body
        with self.errors():
            return tuple(str(version["name"]) for version in found["value"])

    # -- doing --

    def put(self, object_id: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Make or replace; `ready` waits until it is done."""
        self._begin("PUT", object_id, body=body, headers=headers or {})

    def patch(self, object_id: str, body: Mapping[str, Any]) -> None:
        """Change what ``body`` has, and wait until it is done."""
        self._begin("PATCH", object_id, body=body)
        self.over(object_id)

    def post(self, object_id: str, action: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An action, awaited; gives what it put out."""
        self._begin("POST", object_id, action=action, body=body)
        return self.over(object_id)

    def delete(self, object_id: str, kind: str) -> None:
        """Delete, and wait until the operation is over.

        Raises:
            PortError: Also when the id is none of this type here.
        """
        if not self.is_mine(object_id, kind):
            raise PortError(f"no {object_id!r} here", reason="not-found", where=self.place)
        self._begin("DELETE", object_id)
        self.over(object_id)

    def tag(self, object_id: str, tags: Mapping[str, str], *, operation: str = "Merge") -> None:
        """Add tags, or delete them, and leave the others as they are: what a PATCH of a resource does not do."""
        body = {"operation": operation, "properties": {"tags": dict(tags)}}
        url = f"{object_id}/providers/{TAGS}/default"
        self._calmly(lambda: self._call("PATCH", url, version=VERSIONS[TAGS], body=body))

    def over(self, object_id: str) -> dict[str, Any]:
        """Wait until what we began with a resource is over; gives what it put out.

        Raises:
            PortError: It failed, and this is why.
        """
        url = self._operations.pop(object_id, "")
        if not url:
            return {}

        def look() -> Mapping[str, Any] | None:
            try:
                body = self._raw("GET", url).body
            except PortError as exc:
                # ARM forgets operations after a while; the resource tells what became of it.
                if exc.reason == "not-found":
                    return {}
                raise
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

    # -- below: requests --

    def _begin(self, method: str, object_id: str, *, action: str = "", **given: Any) -> None:
        url = f"{object_id}/{action}" if action else object_id
        version = VERSIONS[type_of(object_id)]
        answer = self._calmly(lambda: self._call(method, url, version=version, **given))
        operation = answer.headers.get("azure-asyncoperation", "")
        if operation:
            self._operations[object_id] = operation

    def _calmly(self, act: Callable[[], T]) -> T:
        """Repeat a call that was refused because something else is going on with the resource."""

        def once() -> T | None:
            try:
                return act()
            except PortError as exc:
                if exc.vendor_code not in {"AnotherOperationInProgress", "RetryableError", "Conflict"}:
                    raise
                if exc.reason != "throttle":
                    raise
                return None

        found = poll(once, within_s=self.seconds("wait_s", WAIT_S), closed=self.closed)
        return act() if found is None else found

    def _call(
        self,
        method: str,
        path: str,
        *,
        version: str = "",
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call; one that changes something is repeated while ARM does not know what was made just now."""
        given = {"api-version": version or VERSIONS[type_of(path)]}
        given |= {f"${key}": value for key, value in (query or {}).items()}

        def once() -> Answer:
            return self._raw(method, path, query=given, body=body, headers=headers)

        return once() if method == "GET" else self.patiently(once)

    def _raw(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        bare: bool = False,
    ) -> Answer:
        answer = self._wire.send(method, url, query=query or {}, body=body, headers=headers or {}, bare=bare)
        if not 200 <= answer.status < 300:
            what = f"{method} {last(url)}"
            error = answer.body.get("error")
            raise refusal(error, answer.status, where=self.place, what=what, headers=answer.headers)
        return answer

    def _names(self) -> tuple[str, str]:
        return self.options["subscription"], self.options["resource_group"]


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
